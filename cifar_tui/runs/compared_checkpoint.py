"""A checkpoint that is compared with others: its file, its name, and its run's data."""

from pathlib import Path

from cifar_tui.dataclass import dataclass
from cifar_tui.events import DataReady
from cifar_tui.files.run_files import journal_path
from cifar_tui.recipe import Recipe
from cifar_tui.runs.folder import read_recipe
from cifar_tui.runs.reading import AS_FOUND, Reading
from cifar_tui.runs.records.journal import from_line

MARK = b'"event":"DataReady"'


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedCheckpoint:
    """One checkpoint of a comparison."""

    name: str
    """Its name for people."""
    weights: Path
    """Its file."""
    recipe: Recipe
    """Its data and normalization."""
    classes: tuple[str, ...] = ()
    """The class names it was trained with, in label order; empty where they are not known."""
    external: bool = False
    """True for an external file, whose normalization follows from the file."""
    reading: Reading = AS_FOUND
    """A person's word on such a file."""


def compared_checkpoint(weights: Path) -> ComparedCheckpoint:
    """A checkpoint of a run, judged as that run judges. Raises BadInput when the run's recipe cannot be read."""
    folder = weights.parent
    name = f"{folder.name}/{weights.name}"
    return ComparedCheckpoint(name=name, weights=weights, recipe=read_recipe(folder), classes=classes_of(folder))


def classes_of(folder: Path) -> tuple[str, ...]:
    """Return a run's classes from its journal; empty where it has none."""
    try:
        with (journal_path(folder)).open("rb") as journal:
            for line in journal:
                if MARK in line[:100]:
                    event = from_line(line)[1]
                    return event.classes if isinstance(event, DataReady) else ()
    except (OSError, ValueError):
        return ()
    return ()
