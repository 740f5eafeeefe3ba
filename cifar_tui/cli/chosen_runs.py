"""The runs that are named or described on the command line, for what changes them."""

from collections.abc import Sequence
from pathlib import Path

from cifar_tui.errors import BadInput
from cifar_tui.files.home_path import in_home
from cifar_tui.runs.find import RUNS_FOLDER, all_runs, find_run
from cifar_tui.system.invocation import command_line
from cifar_tui.text import safe_text


def listed_runs(typed: Sequence[str]) -> list[Path]:
    """Return the runs that are named, and those in the folders that are; all in `runs/` where nothing is typed.

    Raises BadInput for what is neither.
    """
    found = [folder for one in typed or [str(RUNS_FOLDER)] for folder in _runs_at(one, default=not typed)]
    return list({folder.absolute(): folder for folder in found}.values())


def runs_to_change(typed: Sequence[str], where: str | None, *, by_old_names: bool = True) -> list[Path]:
    """Return the runs that are named, or described by a filter; with both, those of the named that it describes.

    `by_old_names` is False where the name that a run started with is not good enough. Raises BadInput.
    """
    if not typed and where is None:
        raise BadInput("Name the runs, or describe them with --where, as in --where 'preset=short accuracy<50%'.")
    for one in typed:
        if where is None and all_runs(in_home(one)):
            example = command_line(f"runs {safe_text(one, 200)} --where 'age>7d'")
            raise BadInput(f"{safe_text(one, 200)} is a folder of runs: describe which of them, as in {example}")
    found = listed_runs(typed)
    if not by_old_names:
        _check_names(typed)
    return _matching(found, where) if where is not None else found


def _matching(folders: Sequence[Path], where: str) -> list[Path]:
    """Return the runs that a filter describes; one that cannot be read is none of them. Raises BadInput."""
    # Loads numpy.
    from cifar_tui.cli.run_table import list_overviews
    from cifar_tui.runs.where import parse_where

    wanted = parse_where(where)
    return [one.folder for one in list_overviews(folders)[0] if wanted(one)]


def _runs_at(typed: str, *, default: bool) -> list[Path]:
    place = in_home(typed)
    found = all_runs(place)
    if found or default:
        return found
    try:
        return [find_run(typed)]
    except BadInput:
        if place.is_dir():
            return []
        shown = safe_text(str(place.absolute()), 300)
        raise BadInput(f"There is neither a folder {shown} nor a run of that name.") from None


def _check_names(typed: Sequence[str]) -> None:
    """Raise BadInput for a name that a run only started with: it may be meant for one that is gone already."""
    for one in typed:
        for folder in [] if all_runs(in_home(one)) else _runs_at(one, default=False):
            if Path(one).absolute().name != folder.absolute().name:
                now, then = safe_text(folder.name, 100), safe_text(one, 100)
                raise BadInput(f"There is no run {then} any more: the one that started as {then} is called {now} now.")
