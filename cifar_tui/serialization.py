"""Frozen dataclasses as plain records for JSON, and back: one reader for every file and every line of a socket.

Fields are checked by their annotations. A record of another version is read as far as it goes: unknown fields are
passed over, missing ones take their default.
"""

import dataclasses
import math
import types
import typing
from collections.abc import Callable, Mapping
from functools import cache
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

Record = dict[str, Any]
# Any: a record comes straight from JSON; whoever takes a value from it checks its type.
Reader = Callable[[Any, str], object]
"""Returns the value for a field of this name. Raises ValueError with the name in it."""
Built = TypeVar("Built")


def to_record(value: Any) -> Record:
    """Return a dataclass as plain data; floats that JSON cannot hold become `"nan"`, `"inf"` and `"-inf"`.

    Fields that the class lists in `omitted_if_empty` are left out while they hold an empty tuple.
    """
    kind: Any = type(value)
    omitted = getattr(kind, "omitted_if_empty", ())
    return {
        name: _plain(getattr(value, name))
        for name in field_names(kind)
        if name not in omitted or getattr(value, name) != ()
    }


def from_record(kind: type[Built], record: object, misfits: list[str] | None = None) -> Built:
    """Return the dataclass that a record was made from. Raises ValueError naming the first field that does not fit.

    With `misfits`, a field that does not fit takes its default instead and is named there.
    """
    if not isinstance(record, Mapping):
        raise ValueError(f"{record!r:.60} is not a record")
    values: Record = {}
    build: Any = kind
    for name, read, missing in _plan(build):
        if name not in record:
            if missing is not _default:
                values |= missing(name)
            continue
        try:
            values[name] = read(record[name], name)
        except ValueError as error:
            if misfits is None:
                raise
            misfits.append(str(error))
    return build(**values)  # type: ignore[no-any-return] # each value was checked against its annotation


def with_unknown(kind: Any, record: Record, before: object) -> Record:
    """Return the record, with the fields of an earlier one that the dataclass does not know: another version's."""
    if not isinstance(before, dict):
        return record
    return {**{name: value for name, value in before.items() if name not in field_names(kind)}, **record}


@cache
def field_names(kind: Any) -> tuple[str, ...]:
    """Return the names of a dataclass's fields, in order."""
    return tuple(field.name for field in dataclasses.fields(kind))


def _plain(value: Any) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, tuple) and value and hasattr(value[0], "omitted_if_empty"):
        return [to_record(one) for one in value]
    return to_record(value) if hasattr(value, "__dataclass_fields__") else value


@cache
def _plan(kind: Any) -> tuple[tuple[str, Reader, Callable[[str], Record]], ...]:
    """Return how each field is read, and what stands for a missing one; worked out once for a class."""
    hints = typing.get_type_hints(kind, include_extras=True)
    plan = []
    for field in dataclasses.fields(kind):
        hint = hints[field.name]
        required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        missing = (_none if type(None) in get_args(hint) else _refuse) if required else _default
        plan.append((field.name, _reader(hint), missing))
    return tuple(plan)


def _default(_name: str) -> Record:
    return {}


def _none(name: str) -> Record:
    return {name: None}


def _refuse(name: str) -> Record:
    raise ValueError(f"{name} is missing")


def _reader(hint: Any) -> Reader:
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _checked(_reader(parts[0]), tuple(filter(callable, parts[1:])))
    if origin in (Union, types.UnionType):
        (read,) = [_reader(part) for part in parts if part is not type(None)]
        return lambda value, name: None if value is None else read(value, name)
    if origin is Literal:
        return _accepting(lambda value: isinstance(value, str) and value in parts)
    if origin is tuple:
        readers = [_reader(part) for part in parts if part is not Ellipsis]
        return _tuple_reader(readers, any_length=parts[-1] is Ellipsis)
    if origin is dict:
        known = parts[1]
        return _accepting(lambda value: isinstance(value, dict) and all(type(one) is known for one in value.values()))
    if hasattr(hint, "__dataclass_fields__"):
        accept = _accepting(lambda value: isinstance(value, Mapping))
        return lambda value, name: from_record(hint, accept(value, name))
    return _read_float if hint is float else _accepting(lambda value: type(value) is hint)


def _accepting(accepts: Callable[[Any], bool]) -> Reader:
    def read(value: Any, name: str) -> object:
        if accepts(value):
            return value
        raise _misfit(value, name)

    return read


def _checked(read: Reader, checks: tuple[Callable[[Any], bool], ...]) -> Reader:
    def read_and_check(value: Any, name: str) -> object:
        result = read(value, name)
        if all(check(result) for check in checks):
            return result
        raise _misfit(value, name)

    return read_and_check


def _tuple_reader(parts: list[Reader], *, any_length: bool) -> Reader:
    def read(value: Any, name: str) -> object:
        if isinstance(value, list | tuple) and (any_length or len(value) == len(parts)):
            readers = parts * len(value) if any_length else parts
            return tuple(read_part(item, name) for read_part, item in zip(readers, value, strict=True))
        raise _misfit(value, name)

    return read


def _read_float(value: Any, name: str) -> float:
    if type(value) in (int, float) or value in ("nan", "inf", "-inf"):
        return float(value)
    raise _misfit(value, name)


def _misfit(value: object, name: str) -> ValueError:
    return ValueError(f"{name} cannot be {value!r:.60}")
