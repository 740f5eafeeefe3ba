"""The journal of a run: every event as one JSON line, in order, with the time it was said."""

import time
from collections.abc import Iterator
from pathlib import Path

import orjson

from cifar_tui.events import Event, from_record, to_record
from cifar_tui.runs.line_file import LineFile

NAME = "journal.jsonl"
"""The journal's file name in a run's folder."""


def append_event(journal: LineFile, event: Event) -> None:
    """Write one event, stamped with the wall clock under `at` (seconds since 1970)."""
    journal.append(orjson.dumps({"at": time.time(), **to_record(event)}, option=orjson.OPT_APPEND_NEWLINE))


def from_line(line: bytes) -> tuple[float, Event]:
    """One line's event, and when it was said (seconds since 1970). Raises ValueError for any other line."""
    record = orjson.loads(line)
    if not isinstance(record, dict):
        raise ValueError("not a record")
    at = record.get("at", 0.0)
    return float(at) if isinstance(at, int | float) else 0.0, from_record(record)


def read_events(path: Path) -> Iterator[Event]:
    """Every event of a journal, in order.

    A torn or unreadable line, as a full disk can leave one, and events of other versions are passed over.
    Raises OSError when the file cannot be read.
    """
    with path.open("rb") as file:
        for line in file:
            try:
                _, event = from_line(line)
            except ValueError:
                continue
            yield event
