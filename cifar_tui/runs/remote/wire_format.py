"""What travels over a run's socket: JSON, one record a line, both ways.

A server says who it is, then answers, beats, and tells what no journal holds. A client says who it is, then asks.
"""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import orjson

from cifar_tui.control import (
    CancelEvaluation,
    ChangeRate,
    DeleteCheckpoint,
    Evaluate,
    FinishEpoch,
    Ignore,
    Pause,
    PinCheckpoint,
    Request,
    Resume,
    RollBack,
    SaveNow,
    Stop,
)
from cifar_tui.runs.checkpoints.sidecars import CHECKPOINT_PATTERN

PROTOCOL = 1
"""Counts what a program of another version would misunderstand."""
LINE_LIMIT = 64 * 1024
"""Bytes of the longest line."""
VERBS: dict[str, type[Request]] = {
    verb.__name__: verb
    for verb in (
        Pause,
        Resume,
        Stop,
        SaveNow,
        FinishEpoch,
        ChangeRate,
        Evaluate,
        CancelEvaluation,
        DeleteCheckpoint,
        PinCheckpoint,
        RollBack,
        Ignore,
    )
}
"""All that may be asked from elsewhere."""
VERBS_OF_ALL_VERSIONS = (Pause, Resume, Stop)
"""What any version may ask of any other."""

Record = dict[str, Any]
# Any: a record comes straight from JSON; whoever takes a value from it checks its type.


def to_line(record: Mapping[str, object]) -> bytes:
    """One record as a line."""
    return orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)


def from_line(line: bytes) -> Record:
    """The record of a line. Raises ValueError for anything else."""
    record = orjson.loads(line)
    if not isinstance(record, dict):
        raise ValueError("not a record")
    return record


def request_record(request: Request) -> Record:
    """A request as plain data."""
    return {"ask": type(request).__name__, **dataclasses.asdict(request)}


def request_from(record: Record) -> Request:
    """The request in a record. Raises ValueError with a sentence for anything that is none."""
    verb = VERBS.get(str(record.get("ask")))
    if verb is None:
        raise ValueError("That is not among what can be asked.")
    values = {}
    for field in dataclasses.fields(verb):
        value = record.get(field.name, field.default)
        if not _fits(field.name, value):
            raise ValueError(f"{verb.__name__} with such a {field.name} cannot be asked.")
        values[field.name] = value
    # Every value was checked against its field just above; the checker cannot follow that.
    return verb(**values)


def _fits(name: str, value: object) -> bool:
    match name:
        case "checkpoint":
            return isinstance(value, str) and CHECKPOINT_PATTERN.fullmatch(value) is not None
        case "rate":
            return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value > 0
        case "relative" | "pinned":
            return isinstance(value, bool)
    return isinstance(value, str) and len(value) <= 100


class LineBuffer:
    """Puts lines together from whatever arrives."""

    def __init__(self) -> None:
        """Start with nothing."""
        self._rest = bytearray()

    def feed(self, content: bytes) -> list[bytes]:
        """The lines that are whole now. Raises ValueError when one is longer than a line may be."""
        self._rest += content
        *lines, rest = bytes(self._rest).split(b"\n")
        self._rest = bytearray(rest)
        if max(map(len, (*lines, rest))) > LINE_LIMIT:
            raise ValueError("a line that is too long")
        return lines
