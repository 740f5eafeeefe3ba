"""A run's epochs and steps as tables for spreadsheets, read from its journal."""

import csv
import dataclasses
import io
from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter
from pathlib import Path
from typing import BinaryIO

from cifar_tui.errors import BadInput
from cifar_tui.events import EpochDone, RolledBack, RunResumed, StepDone
from cifar_tui.files.atomic_write import Written, write_atomically
from cifar_tui.history.curves import StepColumns
from cifar_tui.history.run_history import FeedItem, RunHistory
from cifar_tui.runs.records.journal import NAME, read_said
from cifar_tui.text import safe_text

Row = Sequence[object]
EPOCH_COLUMNS = tuple(field.name for field in dataclasses.fields(EpochDone))
STEP_COLUMNS = tuple(field.name for field in dataclasses.fields(StepDone))


def read_journal(folder: Path) -> Iterator[FeedItem]:
    """Everything a run said. Raises BadInput when it cannot be read."""
    try:
        with (folder / NAME).open("rb") as file:
            yield from read_said(file)
    except OSError as error:
        where = safe_text(str(folder / NAME), 200)
        raise BadInput(f"Cannot read {where}: {error.strerror or error}.") from error


def read_history(folder: Path) -> RunHistory:
    """A run's history. Raises BadInput when it cannot be read."""
    history = RunHistory()
    for said in read_journal(folder):
        history.apply(said)
    return history


def epoch_rows(history: RunHistory) -> list[Row]:
    """A row for each epoch that stands."""
    return [[getattr(epoch, name) for name in EPOCH_COLUMNS] for epoch in history.epochs]


def step_rows(said: Iterable[FeedItem]) -> list[Row]:
    """A row for each step that stands: what was trained again is there once."""
    rows: list[tuple[object, ...]] = []
    for one in said:
        if isinstance(one, StepDone):
            rows.append(tuple(getattr(one, name) for name in STEP_COLUMNS))
        elif isinstance(one, StepColumns):
            rows += _as_rows(one)
        elif isinstance(one, RunResumed | RolledBack):
            last = one.at_step if isinstance(one, RunResumed) else one.to_step
            rows = [row for row in rows if int(str(row[0])) <= last]
    return sorted({row[0]: row for row in rows}.values(), key=itemgetter(0))


def write_table(path: Path, columns: Sequence[str], rows: Iterable[Row]) -> Written:
    """Write a table as comma-separated values, whole or not at all. Raises OSError."""

    def write(file: BinaryIO) -> None:
        lines = io.TextIOWrapper(file, encoding="utf-8", newline="")
        table = csv.writer(lines, lineterminator="\n")
        table.writerow(columns)
        table.writerows(rows)
        lines.detach()

    return write_atomically(path, write)


def _as_rows(steps: StepColumns) -> list[tuple[object, ...]]:
    """Steps as rows, with whole numbers whole."""
    columns = []
    for name in STEP_COLUMNS:
        values = getattr(steps, name)
        columns.append(values.astype(int).tolist() if name in ("step", "epoch", "images") else values.tolist())
    return list(zip(*columns, strict=True))
