"""`cifar-tui runs`."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import orjson
import typer

from cifar_tui.errors import BadInput
from cifar_tui.runs.find import RUNS_FOLDER, all_runs, find_run
from cifar_tui.system.invocation import command_line
from cifar_tui.text import counted, safe_text

if TYPE_CHECKING:
    from cifar_tui.runs.where import Where

WHERE_HELP = (
    "Only runs of which all of this holds: fields of a run or its recipe, = != < <= > >= or ~ (holds the text), and "
    "values, as in 'preset=short accuracy>80% tag=night age<7d'."
)


def runs(
    folder: Annotated[
        Path | None, typer.Argument(metavar="DIR", help="A folder of runs, or one run. Without it: runs/.")
    ] = None,
    where: Annotated[str | None, typer.Option("--where", metavar="FILTER", help=WHERE_HELP)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON for each run.")] = False,
    collect: Annotated[
        bool,
        typer.Option(
            "--gc", help="Delete what crashes left: half-written and half-deleted files and dead sockets, nothing else."
        ),
    ] = False,
) -> None:
    """List the runs with their state, progress and accuracy."""
    # Loads numpy.
    from cifar_tui.runs.garbage import collect_garbage
    from cifar_tui.runs.where import parse_where

    wanted = parse_where(where) if where is not None else None
    place = folder or RUNS_FOLDER
    found = all_runs(place) or _one_run(folder)
    if collect:
        deleted = collect_garbage(found, place)
        print("\n".join(f"deleted {path}" for path in deleted) or "There is nothing to delete.")
        return
    _print_list(found, place, wanted, as_json=as_json)


def _print_list(found: Sequence[Path], place: Path, wanted: "Where | None", *, as_json: bool) -> None:
    """Print the runs of a folder that are wanted, and on standard error those that cannot be read."""
    from cifar_tui.cli.run_table import list_overviews, table_lines, to_json, unreadable_folders

    overviews, unreadable = list_overviews(found)
    unreadable += unreadable_folders(place)
    if unreadable:
        print(f"{counted(len(unreadable), 'run')} cannot be read: {', '.join(unreadable)}.", file=sys.stderr)
    if wanted is not None:
        overviews = list(filter(wanted, overviews))
    if as_json:
        for overview in overviews:
            print(orjson.dumps(to_json(overview)).decode())
    elif overviews:
        print("\n".join(table_lines(overviews)))
    elif wanted is not None:
        print("No run matches the filter.")
    elif not unreadable:
        shown = safe_text(str(place.absolute()), 300)
        print(f"There are no runs in {shown}. To start one: {command_line('train')}")


def _one_run(folder: Path | None) -> list[Path]:
    """Return the run that is named where no folder of runs is, if it is one. Raises BadInput where there is neither."""
    if folder is None:
        return []
    try:
        return [find_run(str(folder))]
    except BadInput:
        if folder.is_dir():
            return []
        shown = safe_text(str(folder.absolute()), 300)
        raise BadInput(f"There is neither a folder {shown} nor a run of that name.") from None
