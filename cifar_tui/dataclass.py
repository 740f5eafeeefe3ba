"""The library's `dataclass`, made in a quarter of the time where it is frozen: a hundred are before the first frame.

The library writes six methods for each frozen class and has them compiled. Here it writes `__init__` alone, and all
classes share the others. That nothing is assigned later is for the type checker to see, to which this is the library's.
"""

import dataclasses
import operator
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:

    def dataclass(kind=None, /, *, frozen=False, **choices):
        """Return the class, or a decorator that does, as `dataclasses.dataclass` would."""
        if kind is None:
            return lambda kind: dataclass(kind, frozen=frozen, **choices)
        if not frozen or "eq" in choices:
            return dataclasses.dataclass(kind, frozen=frozen, **choices)
        made = dataclasses.dataclass(kind, eq=False, repr=False, **choices)
        for name in ("__eq__", "__hash__", "__repr__"):
            if name not in kind.__dict__:
                setattr(made, name, getattr(_Shared, name))
        return made


class _Shared:
    """The methods that all frozen ones have."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        if other.__class__ is not self.__class__:
            return NotImplemented
        compared = _compared(_kind(self))
        return bool(compared(self) == compared(other))

    def __hash__(self) -> int:
        return hash(_compared(_kind(self))(self))

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in _shown(_kind(self)))
        return f"{self.__class__.__qualname__}({shown})"


def _kind(instance: object) -> Any:
    return instance.__class__


@cache
def _shown(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind) if field.repr)


@cache
def _compared(kind: Any) -> Callable[[object], object]:
    """Return a function that takes from an instance what it is compared by."""
    names = [field.name for field in dataclasses.fields(kind) if field.compare]
    return operator.attrgetter(*names) if names else lambda _: ()
