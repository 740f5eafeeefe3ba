"""Runs as a table that fits the terminal, and as JSON."""

import os
import time
from collections.abc import Sequence
from pathlib import Path

from cifar_tui import text
from cifar_tui.cli.terminal import terminal_columns
from cifar_tui.errors import BadInput
from cifar_tui.files.owner import user_name
from cifar_tui.report import run_summary
from cifar_tui.runs.find import run_argument
from cifar_tui.runs.overview import Overview, read_overview
from cifar_tui.serialization import to_record

FROM = "from"
"""A column that is there where a run started from a checkpoint."""
TAGS = "tags"
"""A column that is there where a run has tags."""
HEAD = ("run", "state", "progress", "best", "last", "preset", "data", FROM, "started", "size", TAGS)
LEFT_OUT_FIRST = ("size", TAGS, "data", FROM, "last", "preset", "started", "best", "progress")
"""Columns in the order in which they are left out where a terminal is too narrow."""
NAME_COLUMNS = 28
"""Columns of a run's name, and of its tags, on a narrow terminal."""


def list_overviews(folders: Sequence[Path]) -> tuple[list[Overview], list[str]]:
    """Return each run's overview, the newest last, and why each of the others cannot be read."""
    overviews, unreadable = [], []
    for path in folders:
        try:
            overviews.append(read_overview(path))
        except OSError as error:
            unreadable.append(f"{text.safe_text(path.name, 60)} ({error.strerror or error})")
        except BadInput as error:
            unreadable.append(f"{text.safe_text(path.name, 60)} ({str(error).rstrip('.')})")
    return overviews, unreadable


def unreadable_folders(place: Path) -> list[str]:
    """Return the folders among runs that are not for us to look into, each with its owner."""
    try:
        folders = sorted(place.iterdir())
    except OSError:  # said where the folder itself is looked at
        return []
    closed = [one for one in folders if one.is_dir() and not os.access(one, os.R_OK | os.X_OK)]
    return [
        f"{text.safe_text(one.name, 60)} (Permission denied, owner {text.safe_text(user_name(one), 40)})"
        for one in closed
    ]


def table_lines(overviews: Sequence[Overview], indent: int = 0) -> list[str]:
    """Return a head and a line for each run, in the width of the terminal less `indent`, where there is one."""
    rows = [dict(zip(HEAD, cells, strict=True)) for cells in (HEAD, *map(_cells, overviews))]
    shown = {FROM: any(one.recipe.parent for one in overviews), TAGS: any(one.tags for one in overviews)}
    columns = [name for name in HEAD if shown.get(name, True)]
    room = terminal_columns() - indent
    if _width(rows, columns) > room:
        rows = [{**row, **{name: text.shortened(row[name], NAME_COLUMNS) for name in ("run", TAGS)}} for row in rows]
    for column in LEFT_OUT_FIRST:
        if _width(rows, columns) > room:
            columns = [name for name in columns if name != column]
    widths = {name: max(len(row[name]) for row in rows) for name in columns}
    return ["  ".join(row[name].ljust(widths[name]) for name in columns).rstrip() for row in rows]


def _width(rows: Sequence[dict[str, str]], columns: Sequence[str]) -> int:
    return sum(max(len(row[name]) for row in rows) + 2 for name in columns) - 2


def to_json(overview: Overview) -> dict[str, object]:
    """Return the run as plain data for JSON."""
    return {
        "run": text.valid_text(overview.name),
        "state": overview.state,
        "live": overview.live,
        "epoch": overview.epoch,
        "epochs": overview.recipe.epochs,
        "step": overview.step,
        "total_steps": overview.total_steps,
        "best_accuracy": overview.best_accuracy,
        "best_epoch": overview.best_epoch,
        "last_accuracy": overview.last_accuracy,
        "preset": overview.recipe.preset,
        "data": overview.recipe.data,
        "from": overview.recipe.parent and to_record(overview.recipe.parent),
        "started_at": overview.started_at,
        "size": overview.size,
        "tags": overview.tags,
        "note": overview.note,
        "folder": text.valid_text(str(overview.folder.absolute())),
    }


def _cells(overview: Overview) -> tuple[str, ...]:
    best = (
        f"{text.percent(overview.best_accuracy)} (epoch {overview.best_epoch})"
        if overview.best_accuracy is not None
        else "–"
    )
    return (
        run_argument(overview.folder),
        overview.state,
        f"epoch {overview.progress}",
        best,
        text.percent(overview.last_accuracy) if overview.last_accuracy is not None else "–",
        text.safe_text(overview.recipe.preset, 20),
        text.safe_text(overview.recipe.data, 40),
        run_summary.ancestry(overview.recipe).removeprefix("from ") or "–",
        text.age(time.time() - overview.started_at) if overview.started_at else "–",
        text.size(overview.size),
        ", ".join(overview.tags) or "–",
    )
