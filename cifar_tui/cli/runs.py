"""`cifar-tui runs`."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer

from cifar_tui.cli.completion import complete_of, complete_run
from cifar_tui.errors import BadInput
from cifar_tui.files.home_path import in_home
from cifar_tui.files.run_files import recipe_path
from cifar_tui.option import check_choice
from cifar_tui.runs.find import RUNS_FOLDER
from cifar_tui.system.invocation import command_line
from cifar_tui.text import counted, safe_text

if TYPE_CHECKING:
    from cifar_tui.runs.overview import Overview

CHANGE = "Change these runs"
FREEABLE = ("states", "checkpoints")


# Any: typer.Option returns it, and takes the completion.
def _change(flag: str, text: str, metavar: str | None = None, complete: Any = None) -> Any:
    return typer.Option(flag, metavar=metavar, help=text, rich_help_panel=CHANGE, autocompletion=complete)


RUNS_HELP = "Runs, by name or folder, or folders of runs. Without any: all in runs/."
Typed = Annotated[
    list[str] | None,
    typer.Argument(metavar="RUN|DIR", help=RUNS_HELP, autocompletion=complete_run, show_default=False),
]
WHERE_HELP = (
    "Only runs of which all of this holds: fields of a run or its recipe, = != < <= > >= or ~ (holds the text), and "
    "values, as in 'preset=short accuracy>80% tag=night age<7d'."
)
Filter = Annotated[str | None, typer.Option("--where", metavar="FILTER", help=WHERE_HELP)]
AsJson = Annotated[bool, typer.Option("--json", help="Print one line of JSON for each run.")]
Disk = Annotated[bool, typer.Option("--disk", help="Show what takes the room on the disk, and what could go.")]
GC_HELP = "Delete what crashes left: half-written and half-deleted files and dead sockets, nothing else."
Collect = Annotated[bool, typer.Option("--gc", help=GC_HELP)]
Delete = Annotated[bool, _change("--delete", "Delete them (asks first), but none that trains.")]
FREE_HELP = f"Delete only their {' or '.join(FREEABLE)} (asks first): those that a run which has ended can do without."
Free = Annotated[str | None, _change("--free", FREE_HELP, "WHAT", complete_of(*FREEABLE))]
Rename = Annotated[str | None, _change("--rename", "Rename the run, which has ended.", "NEW")]
Note = Annotated[str | None, _change("--note", "Put a note on each; '' takes it away.", "TEXT")]
AddTags = Annotated[list[str] | None, _change("--tag", "Put a tag on each, one word; repeat it for more.", "TAG")]
RemoveTags = Annotated[list[str] | None, _change("--untag", "Take a tag away from each.", "TAG")]
Yes = Annotated[bool, _change("--yes", "Do not ask.")]
DryRun = Annotated[bool, _change("--dry-run", "Only list what --delete or --free would delete.")]


def runs(
    typed: Typed = None,
    where: Filter = None,
    as_json: AsJson = False,
    disk: Disk = False,
    collect: Collect = False,
    delete: Delete = False,
    free: Free = None,
    rename: Rename = None,
    note: Note = None,
    tag: AddTags = None,
    untag: RemoveTags = None,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    """List runs with their state, progress and accuracy, or change those that are named or match a filter."""
    annotated = note is not None or tag or untag
    _check_together(
        {"--gc": collect, "--disk": disk, "--delete": delete, "--free": free, "--rename": rename is not None}
        | {"--note, --tag and --untag": annotated},
        {"--json": as_json and not disk},
        {"--yes": yes, "--dry-run": dry_run},
    )
    # Loads numpy.
    from cifar_tui.cli import change_runs

    names, consent = typed or (), change_runs.Consent(yes, dry_run)
    if delete:
        raise typer.Exit(change_runs.delete_runs(names, where, consent))
    if free is not None:
        raise typer.Exit(change_runs.free_runs(names, where, free, consent))  # type: ignore[arg-type] # was checked
    if rename is not None:
        change_runs.rename_chosen(names, where, rename)
    elif annotated:
        raise typer.Exit(change_runs.annotate_runs(names, where, note, tag or (), untag or ()))
    elif collect:
        _collect(names)
    else:
        _list(names, where, as_json=as_json, disk=disk)


def _check_together(actions: Mapping[str, object], lists: Mapping[str, object], ways: Mapping[str, object]) -> None:
    """Raise BadInput for options that do not go together: several actions, or a way to do what is not done."""
    typed = [name for options in (actions, lists) for name, value in options.items() if value]
    if len(typed) > 1:
        raise BadInput(f"{typed[0]} and {typed[1]} cannot be combined.")
    way = next((name for name, value in ways.items() if value), None)
    if way is not None and not (actions["--delete"] or actions["--free"]):
        raise BadInput(f"{way} is for --delete and --free.")
    if actions["--free"]:
        check_choice("--free", actions["--free"], FREEABLE)


def _collect(typed: Sequence[str]) -> None:
    """Delete what crashes left of runs, and in the folders that they are in."""
    from cifar_tui.cli.chosen_runs import listed_runs
    from cifar_tui.runs.garbage import collect_garbage

    found, places = listed_runs(typed), _places(typed)
    deleted = [path for place in (*places, None) for path in collect_garbage(found if place is None else (), place)]
    print("\n".join(f"deleted {path}" for path in deleted) or "There is nothing to delete.")


def _list(typed: Sequence[str], where: str | None, *, as_json: bool, disk: bool) -> None:
    """Print runs, or the room that they take, and on standard error those that cannot be read."""
    from cifar_tui.cli.chosen_runs import listed_runs
    from cifar_tui.cli.run_table import list_overviews, unreadable_folders
    from cifar_tui.runs.where import parse_where

    wanted = parse_where(where) if where is not None else None
    overviews, unreadable = list_overviews(listed_runs(typed))
    places = _places(typed)
    unreadable += [one for place in places for one in unreadable_folders(place)]
    if unreadable:
        print(f"{counted(len(unreadable), 'run')} cannot be read: {', '.join(unreadable)}.", file=sys.stderr)
    shown = [one for one in overviews if wanted is None or wanted(one)]
    if disk:
        from cifar_tui.cli.disk_table import Scope, print_disk_use

        print_disk_use(shown, [] if wanted is not None else places, Scope(tuple(typed), where), as_json=as_json)
    elif as_json or shown:
        _print_runs(shown, as_json=as_json)
    elif wanted is not None:
        print("No run matches the filter.")
    elif not unreadable:
        place = safe_text(str((places or [RUNS_FOLDER])[0].absolute()), 300)
        print(f"There are no runs in {place}. To start one: {command_line('train')}")


def _print_runs(overviews: "Sequence[Overview]", *, as_json: bool) -> None:
    from cifar_tui.cli.run_table import table_lines, to_json

    lines = (orjson.dumps(to_json(one)).decode() for one in overviews) if as_json else table_lines(overviews)
    for line in lines:
        print(line)


def _places(typed: Sequence[str]) -> list[Path]:
    """Return the folders of runs among what was typed; `runs/` where nothing was."""
    folders = [in_home(one) for one in typed] or [RUNS_FOLDER]
    return [one for one in folders if one.is_dir() and not recipe_path(one).is_file()]
