"""Parts of libraries that take long to load and are not used here, left out while the rest is imported."""

import importlib
import sys
import types
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any


@contextmanager
def left_out(parts: Mapping[str, str]) -> Iterator[None]:
    """Import with a class in place of what is named, by its module. What is loaded by then stays as it is.

    Where it is called after all, by something else that uses the library, it loads and calls what it stands for.
    """
    absent = {}
    for module, name in parts.items():
        if module not in sys.modules:
            absent[module] = sys.modules[module] = types.ModuleType(module)
            setattr(absent[module], name, _standing_for(module, name))
    try:
        yield
    finally:
        for module in absent:
            del sys.modules[module]


def _standing_for(module: str, name: str) -> type:
    def call(_itself: type, *arguments: Any, **options: Any) -> Any:  # Any: those of what it stands for
        return getattr(importlib.import_module(module), name)(*arguments, **options)

    return type(name, (), {"__new__": call})
