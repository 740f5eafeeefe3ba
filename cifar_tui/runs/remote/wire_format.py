"""The wire format of a run's socket: JSON, one record a line, both ways.

A server introduces itself, then answers, sends heartbeats and broadcasts. A client introduces itself, then requests.
"""

from collections.abc import Mapping
from typing import get_args

import orjson

from cifar_tui.control import Pause, Request, Resume, Stop
from cifar_tui.serialization import Record, from_record, to_record

PROTOCOL = 1
"""Counts what a program of another version would misunderstand."""
LINE_LIMIT = 64 * 1024
"""Bytes of the longest line."""
VERBS: dict[str, type[Request]] = {
    verb.__name__: verb for verb in get_args(Request) if getattr(verb, "from_elsewhere", True)
}
"""Every request that is accepted from another process, by its name on the socket."""
VERBS_OF_ALL_VERSIONS = (Pause, Resume, Stop)
"""Requests that every version accepts from every other."""


def to_line(record: Mapping[str, object]) -> bytes:
    """One record as a line."""
    return orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)


def from_line(line: bytes) -> Record:
    """The record of a line. Raises ValueError for anything else."""
    record = orjson.loads(line)
    if not isinstance(record, dict):
        raise ValueError("not a record")
    return record


def request_to_record(request: Request) -> Record:
    """Return a request as plain data."""
    return {"ask": type(request).__name__, **to_record(request)}


def request_from_record(record: Record) -> Request:
    """Return the request in a record. Raises ValueError with a sentence for anything that is none."""
    verb = VERBS.get(str(record.get("ask")))
    if verb is None:
        raise ValueError("This is not a known request.")
    try:
        return from_record(verb, record)
    except ValueError as error:
        raise ValueError(f"{verb.__name__} is not a valid request: {error}.") from None


class LineBuffer:
    """Puts lines together from whatever arrives."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, content: bytes) -> list[bytes]:
        """Return the lines that are complete now. Raises ValueError when one is longer than a line may be."""
        self._rest += content
        *lines, rest = bytes(self._rest).split(b"\n")
        self._rest = bytearray(rest)
        if max(map(len, (*lines, rest))) > LINE_LIMIT:
            raise ValueError("a line that is too long")
        return lines
