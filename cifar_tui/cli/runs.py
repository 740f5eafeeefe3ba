"""`cifar-tui runs`."""

import contextlib
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import orjson
import typer

from cifar_tui import text
from cifar_tui.errors import BadInput
from cifar_tui.report import run_summary
from cifar_tui.runs.find import RUNS_FOLDER, all_runs
from cifar_tui.runs.garbage import collect_garbage
from cifar_tui.runs.overview import Overview, read_overview
from cifar_tui.serialization import to_record

FROM = "from"
"""A column that is there where a run started from a checkpoint."""
HEAD = ("run", "state", "progress", "best", "last", "preset", "data", FROM, "started", "size", "folder")


def runs(
    folder: Annotated[Path | None, typer.Argument(metavar="DIR", help="Where to look; without it, runs/.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON for each run.")] = False,
    collect: Annotated[
        bool,
        typer.Option(
            "--gc", help="Remove what crashes left: half-written and half-deleted files, dead sockets, nothing else."
        ),
    ] = False,
) -> None:
    """List the runs: their state, how far they came, and how well."""
    place = folder or RUNS_FOLDER
    if folder is not None and not folder.is_dir():
        raise BadInput(f"There is no folder {folder}.")
    found = all_runs(place)
    if collect:
        removed = collect_garbage(found, place)
        print("\n".join(f"removed {path}" for path in removed) or "Nothing was left behind.")
        return
    overviews = list_overviews(found)
    if as_json:
        print("\n".join(orjson.dumps(to_json(overview)).decode() for overview in overviews))
    elif overviews:
        print("\n".join(table_lines(overviews)))
    else:
        print(f"There are no runs in {place}/. `cifar-tui train` starts one.")


def list_overviews(folders: Sequence[Path]) -> list[Overview]:
    """Return each run's overview, the newest last; one whose recipe cannot be read is passed over."""
    overviews = []
    for path in folders:
        with contextlib.suppress(BadInput, OSError):
            overviews.append(read_overview(path))
    return overviews


def table_lines(overviews: Sequence[Overview]) -> list[str]:
    """Return a head and a line for each run."""
    rows = [HEAD, *map(_cells, overviews)]
    if all(overview.recipe.parent is None for overview in overviews):
        rows = [row[: HEAD.index(FROM)] + row[HEAD.index(FROM) + 1 :] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def to_json(overview: Overview) -> dict[str, object]:
    """Return the run as plain data for JSON."""
    return {
        "run": overview.name,
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
        "folder": str(overview.folder.absolute()),
    }


def _cells(overview: Overview) -> tuple[str, ...]:
    share = f" {text.percent(overview.step / overview.total_steps, 0)}" if overview.total_steps else ""
    best = (
        f"{text.percent(overview.best_accuracy)} (epoch {overview.best_epoch})"
        if overview.best_accuracy is not None
        else "–"
    )
    return (
        text.safe_text(overview.name, 40),
        overview.state,
        f"epoch {overview.epoch}/{overview.recipe.epochs}{share}",
        best,
        text.percent(overview.last_accuracy) if overview.last_accuracy is not None else "–",
        text.safe_text(overview.recipe.preset, 20),
        text.safe_text(overview.recipe.data, 40),
        run_summary.ancestry(overview.recipe).removeprefix("from ") or "–",
        text.age(time.time() - overview.started_at) if overview.started_at else "–",
        text.size(overview.size),
        text.safe_text(str(overview.folder), 200),
    )
