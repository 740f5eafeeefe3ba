"""A run's epochs and steps as tables for spreadsheets, read from its journal."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter
from pathlib import Path
from typing import BinaryIO

from cifar_tui.errors import BadInput
from cifar_tui.events import EpochDone, RolledBack, RunResumed, StepDone
from cifar_tui.files.atomic_write import Written, write_atomically
from cifar_tui.files.run_files import journal_path
from cifar_tui.history.curves import STEP_FIELDS, StepColumns
from cifar_tui.history.run_history import FeedItem, RunHistory
from cifar_tui.runs.records.journal import read_feed
from cifar_tui.serialization import field_names
from cifar_tui.text import safe_text

Row = Sequence[object]
EPOCH_COLUMNS = field_names(EpochDone)
STEP_COLUMNS = STEP_FIELDS


def read_journal(folder: Path) -> Iterator[FeedItem]:
    """Yield everything in a run's journal. Raises BadInput when it cannot be read."""
    try:
        with (journal_path(folder)).open("rb") as file:
            yield from read_feed(file)
    except OSError as error:
        where = safe_text(str(journal_path(folder)), 200)
        raise BadInput(f"Cannot read {where}: {error.strerror or error}.") from error


def read_history(folder: Path) -> RunHistory:
    """A run's history. Raises BadInput when it cannot be read."""
    history = RunHistory()
    for item in read_journal(folder):
        history.apply(item)
    return history


def epoch_rows(history: RunHistory) -> list[Row]:
    """A row for each epoch that stands."""
    return [[getattr(epoch, name) for name in EPOCH_COLUMNS] for epoch in history.epochs]


def step_rows(item: Iterable[FeedItem]) -> list[Row]:
    """A row for each step that stands: what was trained again is there once."""
    rows: list[tuple[object, ...]] = []
    for one in item:
        if isinstance(one, StepDone):
            rows.append(tuple(getattr(one, name) for name in STEP_COLUMNS))
        elif isinstance(one, StepColumns):
            rows += one.rows()
        elif isinstance(one, RunResumed | RolledBack):
            last = one.at_step if isinstance(one, RunResumed) else one.to_step
            rows = [row for row in rows if int(str(row[0])) <= last]
    return sorted({row[0]: row for row in rows}.values(), key=itemgetter(0))


def write_table(path: Path, columns: Sequence[str], rows: Iterable[Row]) -> Written:
    """Write a table as comma-separated values, completely or not at all. Raises OSError."""

    def write(file: BinaryIO) -> None:
        lines = io.TextIOWrapper(file, encoding="utf-8", newline="")
        table = csv.writer(lines, lineterminator="\n")
        table.writerow(columns)
        table.writerows(rows)
        lines.detach()

    return write_atomically(path, write)
