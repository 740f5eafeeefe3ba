"""The journal of a run: every event as one JSON line, in order, with the time it was emitted."""

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import orjson

from cifar_tui.event_records import event_from_record, event_to_record
from cifar_tui.events import Event
from cifar_tui.files.append_file import LineFile
from cifar_tui.files.run_files import journal_path
from cifar_tui.history.curves import StepColumns
from cifar_tui.history.run_history import FeedItem
from cifar_tui.layer_events import NormsMeasured
from cifar_tui.runs.records.step_lines import other_lines, step_columns

BLOCK_BYTES = 400_000
"""Read at a time: more is slower, for what it becomes no longer fits the processor's cache."""
LONGEST_LINE = 8_000_000
"""Bytes of the longest line that is read: every confusion of a thousand classes needs 7 MB."""
FEWEST_COLUMNS = 16
"""Steps in a row that are worth being read as columns."""


def append_event(journal: LineFile, event: Event, at: float | None = None) -> None:
    """Append one event, stamped with the wall clock, or else with `at`, under `at` (seconds since 1970)."""
    at = time.time() if at is None else at
    journal.append(orjson.dumps({"at": at, **event_to_record(event)}, option=orjson.OPT_APPEND_NEWLINE))


def from_line(line: bytes) -> tuple[float, Event]:
    """Return one line's event, and when it was emitted (seconds since 1970). Raises ValueError for any other line."""
    record = orjson.loads(line)
    if not isinstance(record, dict):
        raise ValueError("not a record")
    at = record.get("at", 0.0)
    return float(at) if isinstance(at, int | float) else 0.0, event_from_record(record)


def read_events(path: Path) -> Iterator[Event]:
    """Every event of a journal, in order.

    A torn or unreadable line, as a full disk can leave one, and events of other versions are passed over.
    Raises OSError when the file cannot be read.
    """
    for _, event in read_stamped(path):
        yield event


def read_stamped(path: Path) -> Iterator[tuple[float, Event]]:
    """Yield the same with the time that each was emitted, in seconds since 1970. Raises OSError."""
    with path.open("rb") as file:
        for line in file:
            try:
                stamped = from_line(line)
            except ValueError:
                continue
            yield stamped


def read_feed(file: BinaryIO) -> Iterator[FeedItem]:
    """Yield everything from where an open journal stands to its last complete line, steps in a row as columns.

    The file is left after that line, so that reading continues there once there is more. Unreadable lines are passed
    over, as by `read_events`. Raises OSError.
    """
    in_a_row: list[StepColumns] = []
    norms: list[FeedItem] = []
    for item in _read_blocks(file):
        if isinstance(item, StepColumns):
            in_a_row.append(item)
        elif in_a_row and isinstance(item, NormsMeasured):
            norms.append(item)
        else:
            yield from _joined(in_a_row, norms)
            in_a_row, norms = [], []
            yield item
    yield from _joined(in_a_row, norms)


def _joined(columns: list[StepColumns], norms: list[FeedItem]) -> list[FeedItem]:
    """Return the columns as one, and after them the norms: one step in twenty, they would tear them apart."""
    return [StepColumns.joined(columns), *norms] if columns else norms


def _read_blocks(file: BinaryIO) -> Iterator[FeedItem]:
    while block := file.read(BLOCK_BYTES):
        complete = block.rfind(b"\n") + 1
        while not complete and len(block) < LONGEST_LINE and (more := file.read(BLOCK_BYTES)):
            complete = (len(block) + more.rfind(b"\n") + 1) * (b"\n" in more)
            block += more
        if not complete and len(block) >= LONGEST_LINE:
            complete = len(block)  # one endless line: no journal of ours
        file.seek(complete - len(block), 1)
        if not complete:
            return
        yield from _items(block[:complete])


class JournalTail:
    """A run's journal, kept open to be read on as it grows. Used by one thread."""

    def __init__(self, folder: Path) -> None:
        """Begin at its start. Raises OSError."""
        self._path = journal_path(folder)
        self._file = self._path.open("rb")

    def went_back(self) -> bool:
        """Return True if the journal was written again, for the run went back; reading begins anew. Raises OSError.

        The old file stays open until then, so that no new one has its number.
        """
        if os.stat(self._path).st_ino == os.fstat(self._file.fileno()).st_ino:  # noqa: PTH116 - of a descriptor, too
            return False
        self._file.close()
        self._file = self._path.open("rb")
        return True

    def read(self) -> Iterator[FeedItem]:
        """Yield every event since the last call. Raises OSError."""
        return read_feed(self._file)

    def lines(self) -> Iterator[bytes]:
        """Yield every complete line since the last call. Raises OSError."""
        while (line := self._file.readline()).endswith(b"\n"):
            yield line
        self._file.seek(-len(line), os.SEEK_CUR)  # it is still being written

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _items(block: bytes) -> Iterator[FeedItem]:
    """Yield what complete lines hold; norms, of one step in twenty, after the steps that they would tear apart."""
    steps: list[bytes] = []
    norms: list[Event] = []
    begin = 0
    for start, end in other_lines(block):
        steps.append(block[begin:start])
        begin = end
        events = list(_line_by_line(block[start:end]))
        if all(isinstance(event, NormsMeasured) for event in events):
            norms += events
        else:
            yield from [*_steps(b"".join(steps)), *norms, *events]
            steps, norms = [], []
    yield from [*_steps(b"".join([*steps, block[begin:]])), *norms]


def _steps(lines: bytes) -> Iterator[FeedItem]:
    if lines.count(b"\n") >= FEWEST_COLUMNS:
        with contextlib.suppress(ValueError):
            yield step_columns(lines)
            return
    yield from _line_by_line(lines)


def _line_by_line(block: bytes) -> Iterator[Event]:
    for line in block.split(b"\n"):
        with contextlib.suppress(ValueError):
            yield from_line(line)[1]
