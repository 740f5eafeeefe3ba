"""A run that is still to be made: what was chosen of it, and its folder once it is."""

import dataclasses
import os
import time
from pathlib import Path
from typing import Self

from cifar_tui.dataclass import dataclass
from cifar_tui.errors import BadInput, cannot_write
from cifar_tui.presets import with_preset
from cifar_tui.recipe import Recipe
from cifar_tui.runs.find import RUNS_FOLDER
from cifar_tui.runs.folder import RunFolder, run_name
from cifar_tui.runs.own_code import copy_code
from cifar_tui.runs.parent_weights import copy_parent_weights, recipe_for_child
from cifar_tui.runs.tags import write_tags


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRun:
    """The choices for a new run."""

    recipe: Recipe
    """Every choice that defines it."""
    name: str | None = None
    """Its name; None for one made of preset and time."""
    folder: Path | None = None
    """Its folder; None for one of its name."""
    place: Path = RUNS_FOLDER
    """The folder that it goes into."""
    start: Path | None = None
    """The checkpoint it starts with, where its recipe has a parent."""
    tags: tuple[str, ...] = ()
    """Its tags."""

    def plan_folder(self) -> tuple[str, Path]:
        """Return the name and the folder that it would have now. Raises BadInput."""
        name = run_name(self.recipe, self.name, time.localtime())
        return name, self.folder or self.place / name

    def make(self) -> RunFolder:
        """Make its folder, with the weights it starts with and the code of its network.

        Raises BadInput or FolderInUse, with no folder left.
        """
        from cifar_tui.runs.delete_run import finish_run_deletes

        finish_run_deletes(self.place)
        name, folder = self.plan_folder()
        if self.folder is None and self.name is None:
            folder = _own_folder(folder)
            name = folder.name
        run = RunFolder.create(folder, name, self.recipe)
        try:
            if self.start is not None and self.recipe.parent is not None:
                copy_parent_weights(self.start, run.path, self.recipe.parent.sha256)
            if self.recipe.model is not None:
                copy_code(self.recipe.model, run.path)
            write_tags(run.path, self.tags)
        except BadInput:
            run.discard()
            run.close()
            raise
        return run

    def with_preset(self, preset: str) -> Self:
        """Return the choices with another preset; a name or a folder that was chosen gets the preset's at its end."""
        folder = self.folder and self.folder.with_name(f"{self.folder.name}-{preset}")
        name = self.name and f"{self.name}-{preset}"
        return dataclasses.replace(self, recipe=with_preset(self.recipe, preset), name=name, folder=folder)


def _own_folder(folder: Path) -> Path:
    """Make a folder of a name that nobody chose, or of that name with the next number. Raises BadInput."""
    own, number = folder, 1
    while True:
        try:
            own.mkdir(parents=True)
            return own
        except OSError as error:
            if not os.path.lexists(own):
                raise cannot_write(own, error) from error
        number += 1
        own = folder.with_name(f"{folder.name}-{number}")


def branch(weights: Path, epochs: int, learning_rate: float) -> NewRun:
    """Return a run that starts from a checkpoint of a run, beside that run. Raises BadInput."""
    recipe = recipe_for_child(weights).with_epochs(epochs, learning_rate).check()
    return NewRun(recipe=recipe, place=weights.parent.parent, start=weights)
