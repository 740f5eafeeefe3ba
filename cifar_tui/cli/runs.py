"""`cifar-tui runs`: what there is."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import orjson
import typer

from cifar_tui.errors import BadInput
from cifar_tui.serialization import to_record

if TYPE_CHECKING:
    from cifar_tui.runs.overview import Overview

FROM = "from"
"""A column there is where a run went on from another's checkpoint."""
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
    from cifar_tui.runs.find import RUNS_FOLDER, all_runs
    from cifar_tui.runs.garbage import collect_garbage

    place = folder or RUNS_FOLDER
    if folder is not None and not folder.is_dir():
        raise BadInput(f"There is no folder {folder}.")
    found = all_runs(place)
    if collect:
        removed = collect_garbage(found)
        print("\n".join(f"removed {path}" for path in removed) or "Nothing was left behind.")
        return
    overviews = list_overviews(found)
    if as_json:
        print("\n".join(orjson.dumps(to_json(one)).decode() for one in overviews))
    elif overviews:
        print("\n".join(table_lines(overviews)))
    else:
        print(f"There are no runs in {place}/. `cifar-tui train` starts one.")


def list_overviews(folders: Sequence[Path]) -> "list[Overview]":
    """Each run at a glance, the newest last; one whose recipe cannot be read is passed over."""
    import contextlib

    from cifar_tui.runs.overview import read_overview

    overviews = []
    for path in folders:
        with contextlib.suppress(BadInput, OSError):
            overviews.append(read_overview(path))
    return overviews


def table_lines(overviews: "Sequence[Overview]") -> list[str]:
    """A head and a line for each run."""
    rows = [HEAD, *map(_cells, overviews)]
    if all(one.recipe.parent is None for one in overviews):
        rows = [row[: HEAD.index(FROM)] + row[HEAD.index(FROM) + 1 :] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def to_json(one: "Overview") -> dict[str, object]:
    """The run as plain data."""
    return {
        "run": one.name,
        "state": one.state,
        "live": one.live,
        "epoch": one.epoch,
        "epochs": one.recipe.epochs,
        "step": one.step,
        "total_steps": one.total_steps,
        "best_accuracy": one.best_accuracy,
        "best_epoch": one.best_epoch,
        "last_accuracy": one.last_accuracy,
        "preset": one.recipe.preset,
        "data": one.recipe.data,
        "from": one.recipe.parent and to_record(one.recipe.parent),
        "started_at": one.started_at,
        "size": one.size,
        "folder": str(one.folder.absolute()),
    }


def _cells(one: "Overview") -> tuple[str, ...]:
    from cifar_tui import text
    from cifar_tui.report import run_summary

    share = f" {one.step / one.total_steps:.0%}" if one.total_steps else ""
    best = f"{text.percent(one.best_accuracy)} (epoch {one.best_epoch})" if one.best_accuracy is not None else "–"
    return (
        text.safe_text(one.name, 40),
        one.state,
        f"epoch {one.epoch}/{one.recipe.epochs}{share}",
        best,
        text.percent(one.last_accuracy) if one.last_accuracy is not None else "–",
        text.safe_text(one.recipe.preset, 20),
        text.safe_text(one.recipe.data, 40),
        run_summary.ancestry(one.recipe).removeprefix("from ") or "–",
        text.age(time.time() - one.started_at) if one.started_at else "–",
        text.size(one.size),
        text.safe_text(str(one.folder), 200),
    )
