"""Parts of libraries that take long to load and are not used here, left out while the rest is imported."""

import sys
import types
from collections.abc import Iterator, Mapping
from contextlib import contextmanager


@contextmanager
def left_out(parts: Mapping[str, str]) -> Iterator[None]:
    """Import with an empty class in place of what is named, by its module. What is loaded by then stays as it is."""
    absent = {}
    for module, name in parts.items():
        if module not in sys.modules:
            absent[module] = sys.modules[module] = types.ModuleType(module)
            setattr(absent[module], name, type(name, (), {}))
    try:
        yield
    finally:
        for module in absent:
            del sys.modules[module]
