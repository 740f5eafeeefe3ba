"""Events and recipes as plain records, and back."""

import dataclasses
import math
import types
import typing
from collections.abc import Mapping
from functools import cache
from typing import Literal, Union, get_args, get_origin

from cifar_tui.events import KINDS, ComparedPair, Event, WrongImage
from cifar_tui.recipe import Recipe

Plain = None | bool | int | float | str | list["Plain"] | dict[str, "Plain"]
"""What JSON can hold."""


def to_record(event: Event) -> dict[str, object]:
    """The event as plain data for one JSON line; floats JSON cannot hold become `"nan"`, `"inf"`, `"-inf"`."""
    record: dict[str, object] = {"event": type(event).__name__}
    for name in _field_types(type(event).__name__):
        value = getattr(event, name)
        if isinstance(value, float) and not math.isfinite(value):
            value = str(value)
        elif isinstance(value, Recipe):
            value = value.to_record()
        record[name] = value
    return record


def from_record(record: Mapping[str, object]) -> Event:
    """The event a record was made from. Raises ValueError, with the reason, on anything else."""
    kind = KINDS.get(str(record.get("event")))
    if kind is None:
        raise ValueError(f"unknown event {record.get('event')!r}")
    values: dict[str, object] = {}
    optional = {field.name for field in dataclasses.fields(kind) if field.default is not dataclasses.MISSING}
    for name, expected in _field_types(kind.__name__).items():
        if name not in record and name in optional:
            continue
        if name not in record and not _may_be_none(expected):
            raise ValueError(f"{kind.__name__} without {name}")
        values[name] = _read(record.get(name), expected, f"{kind.__name__}.{name}")
    # Any: the field values were checked one by one against the class's own annotations.
    build: typing.Any = kind
    event: Event = build(**values)
    return event


@cache
def _field_types(name: str) -> dict[str, object]:
    """The fields of an event class and their types."""
    return typing.get_type_hints(KINDS[name])


def _may_be_none(expected: object) -> bool:
    return get_origin(expected) in (Union, types.UnionType) and type(None) in get_args(expected)


def _read(value: object, expected: object, where: str) -> object:
    if _may_be_none(expected):
        if value is None:
            return None
        expected = next(choice for choice in get_args(expected) if choice is not type(None))
    if get_origin(expected) is tuple and isinstance(value, list):
        kinds = get_args(expected)
        if kinds[-1] is Ellipsis:
            return tuple(_read(item, kinds[0], where) for item in value)
        if len(kinds) == len(value):
            return tuple(_read(item, kind, where) for item, kind in zip(value, kinds, strict=True))
    if get_origin(expected) is Literal and value in get_args(expected):
        return value
    if expected is float and (isinstance(value, int | float) or value in ("nan", "inf", "-inf")):
        return float(value)
    if expected is int and isinstance(value, int) and not isinstance(value, bool):
        return value
    if expected in (str, bool) and type(value) is expected:
        return value
    if expected is Recipe and isinstance(value, dict):
        return Recipe.from_record(value)
    if expected in (WrongImage, ComparedPair) and isinstance(value, dict):
        # Any: as above, the values are checked against the annotations.
        kind: typing.Any = expected
        return kind(
            **{
                name: _read(value.get(name), one, f"{where}.{name}")
                for name, one in typing.get_type_hints(kind).items()
            }
        )
    raise ValueError(f"{where} is {value!r:.60}")
