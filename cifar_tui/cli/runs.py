"""`cifar-tui runs`."""

import sys
from pathlib import Path
from typing import Annotated

import orjson
import typer

from cifar_tui.errors import BadInput
from cifar_tui.runs.find import RUNS_FOLDER, all_runs, find_run
from cifar_tui.system.invocation import command_line
from cifar_tui.text import counted, safe_text


def runs(
    folder: Annotated[
        Path | None, typer.Argument(metavar="DIR", help="A folder of runs, or one run. Without it: runs/.")
    ] = None,
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
    from cifar_tui.cli.run_table import list_overviews, table_lines, to_json, unreadable_folders
    from cifar_tui.runs.garbage import collect_garbage

    place = folder or RUNS_FOLDER
    found = all_runs(place) or _one_run(folder)
    if collect:
        deleted = collect_garbage(found, place)
        print("\n".join(f"deleted {path}" for path in deleted) or "There is nothing to delete.")
        return
    overviews, unreadable = list_overviews(found)
    unreadable += unreadable_folders(place)
    if unreadable:
        print(f"{counted(len(unreadable), 'run')} cannot be read: {', '.join(unreadable)}.", file=sys.stderr)
    if as_json:
        for overview in overviews:
            print(orjson.dumps(to_json(overview)).decode())
    elif overviews:
        print("\n".join(table_lines(overviews)))
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
