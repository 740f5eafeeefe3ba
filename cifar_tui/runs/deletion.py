"""Facts that a person should know before runs are deleted: the room that it frees, and what else goes or needs them."""

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from cifar_tui.dataclass import dataclass
from cifar_tui.errors import BadInput
from cifar_tui.recipe import Recipe
from cifar_tui.runs.checkpoints.pins import pins_or_none
from cifar_tui.runs.delete_run import other_files
from cifar_tui.runs.disk_use import disk_use
from cifar_tui.runs.find import all_runs, name_at_start
from cifar_tui.runs.folder import read_recipe
from cifar_tui.text import counted, safe_text

MOST_NAMED = 3
"""Files or runs that a sentence names; the others are counted."""


@dataclass(frozen=True, slots=True)
class Deletion:
    """A run that may be deleted."""

    folder: Path
    """Its folder."""
    size: int
    """Bytes that it takes on the disk; 0 where they cannot be read."""
    remarks: tuple[str, ...]
    """Facts that speak for a second look, each part of a sentence about the run."""


def plan_deletions(
    folders: Sequence[Path], needs: Mapping[Path, Sequence[str]], recipes: Mapping[Path, Recipe] | None = None
) -> list[Deletion]:
    """Return what is to be known of each of these runs before all of them are deleted.

    `needs` are remarks on what else needs them. `recipes` are those of the runs beside them, by their folders; they are
    read where they are not given.
    """
    children = _children(folders, _beside(folders) if recipes is None else recipes)
    return [Deletion(one, _size(one), (*_remarks(one, children[one]), *needs.get(one, ()))) for one in folders]


def _remarks(folder: Path, children: Sequence[str]) -> Iterable[str]:
    if others := other_files(folder):
        yield f"holds {_named(others)}, not written by the run"
    pinned = pins_or_none(folder)
    if pinned:
        yield f"has {counted(len(pinned), 'pinned checkpoint')}"
    if children:
        yield f"{_named(children)} started from it, with a copy of its weights"


def _children(folders: Sequence[Path], recipes: Mapping[Path, Recipe]) -> dict[Path, list[str]]:
    """Return the names of the runs beside these that started from one of them, and are not among them."""
    found: dict[Path, list[str]] = {folder: [] for folder in folders}
    by_name: dict[tuple[Path, str], Path] = {}
    for folder in folders:
        place = folder.absolute().parent
        by_name.update({(place, name_at_start(folder)): folder, (place, folder.absolute().name): folder})
    chosen = {folder.absolute() for folder in folders}
    for other, recipe in recipes.items():
        if recipe.parent is not None and recipe.parent.run and other.absolute() not in chosen:
            parent = by_name.get((other.absolute().parent, recipe.parent.run))
            if parent is not None:
                found[parent].append(other.name)
    return found


def _beside(folders: Sequence[Path]) -> dict[Path, Recipe]:
    """Return the recipes of all runs in the folders that these are in; of those that can be read."""
    recipes = {}
    for place in {folder.absolute().parent for folder in folders}:
        for folder in all_runs(place):
            with contextlib.suppress(BadInput):
                recipes[folder] = read_recipe(folder)
    return recipes


def _size(folder: Path) -> int:
    try:
        return disk_use(folder).total
    except OSError:
        return 0


def _named(names: Sequence[str]) -> str:
    """Return names in short: `a.md, b.md and 3 more`."""
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(safe_text(name, 40) for name in names[:MOST_NAMED]) + more
