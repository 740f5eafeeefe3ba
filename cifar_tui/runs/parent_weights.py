"""The weights a run starts with when they are another run's: a copy of its own, so that the other may be deleted."""

import shutil
from pathlib import Path
from typing import BinaryIO

from cifar_tui.errors import BadInput, cannot_write
from cifar_tui.files.atomic_write import write_atomically
from cifar_tui.files.run_files import CHECKPOINT_PATTERN, START_NAME, recipe_path
from cifar_tui.files.safe_open import open_regular
from cifar_tui.recipe import Ancestor, Recipe
from cifar_tui.runs.checkpoints.sidecars import read_sidecar, sidecar_path
from cifar_tui.runs.folder import read_recipe
from cifar_tui.text import safe_text

LARGEST = 4 * 1024 * 1024 * 1024
"""Bytes; no checkpoint has more."""


def belongs_to_run(weights: Path) -> bool:
    """Return True for a checkpoint in a run's folder, or the weights that a run started with."""
    named = weights.name == START_NAME or CHECKPOINT_PATTERN.fullmatch(weights.name)
    return bool(named) and (recipe_path(weights.parent)).is_file()


def recipe_for_child(weights: Path) -> Recipe:
    """Return the recipe of a run that starts from a run's checkpoint: that run's own, from the start of its schedule.

    Raises BadInput when run or checkpoint cannot be read.
    """
    before = read_recipe(weights.parent)
    if weights.name == START_NAME and before.parent is not None:
        return before.branched(before.parent, before.width)
    name = safe_text(weights.name)
    try:
        sidecar = read_sidecar(sidecar_path(weights))
    except (OSError, ValueError):
        raise BadInput(f"There is no intact checkpoint {name} in {safe_text(str(weights.parent), 200)}.") from None
    inherited = before.parent is not None and before.parent.synthetic
    ancestor = Ancestor(
        run=sidecar.run,
        checkpoint=sidecar.checkpoint,
        sha256=sidecar.sha256,
        epoch=sidecar.epoch,
        synthetic=sidecar.synthetic or inherited,
    )
    return before.branched(ancestor, sidecar.width)


def copy_parent_weights(weights: Path, folder: Path, sha256: str) -> None:
    """Copy the weights into a run's folder. Raises BadInput when they cannot be copied, or are not those meant."""

    def copy(file: BinaryIO) -> None:
        with source:
            shutil.copyfileobj(source, file)

    name = safe_text(weights.name)
    try:
        source = open_regular(weights, LARGEST)
    except (OSError, ValueError) as error:
        raise BadInput(f"{name} cannot be read: {getattr(error, 'strerror', None) or error}.") from None
    try:
        written = write_atomically(folder / START_NAME, copy)
    except OSError as error:
        raise cannot_write(folder, error) from error
    if written.sha256 != sha256:
        (folder / START_NAME).unlink(missing_ok=True)
        raise BadInput(f"{name} is damaged: its content has changed since it was saved (SHA-256 differs).")
