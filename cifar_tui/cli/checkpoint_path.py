"""Checkpoints as they are typed: a file, RUN:EPOCH, or a run for its newest; and the recipe each is evaluated by."""

import dataclasses
import os
import re
from pathlib import Path

from cifar_tui.cli.options import DEFAULT_DATA_DIR, DEFAULT_PRESET
from cifar_tui.errors import BadInput
from cifar_tui.files.home_path import in_home
from cifar_tui.files.run_files import recipe_path
from cifar_tui.presets import preset
from cifar_tui.recipe import Recipe
from cifar_tui.runs.checkpoints.sidecars import epoch_checkpoint, list_sidecars, newest_checkpoint
from cifar_tui.runs.checkpoints.unreadable import unreadable_checkpoints
from cifar_tui.runs.find import find_run, run_argument
from cifar_tui.runs.folder import read_recipe
from cifar_tui.text import safe_text

RUN_AND_EPOCH = re.compile(r"(.+):(\d{1,9})", re.DOTALL)
"""A run, and the epoch that ended with the checkpoint."""
MOST_EPOCHS_NAMED = 5
FILE_TYPES = (".pth", ".pt", ".ckpt", ".safetensors", ".bin", ".tar", ".zip", ".h5", ".pkl")
"""Endings of names that are meant as files, and not as runs."""


def checkpoint_at(path: str) -> Path:
    """Return the file that is named, the checkpoint of the run's epoch, or the newest of the run. Raises BadInput."""
    path = str(in_home(path)) if path.startswith("~") else path
    # Unlike pathlib, these take any string. Pipes and devices are refused where they are opened.
    if os.path.lexists(path) and not os.path.isdir(path):  # noqa: PTH112
        return _behind_links(Path(path))
    named = RUN_AND_EPOCH.fullmatch(path)
    if named and not os.path.isdir(path):  # noqa: PTH112
        return _of_epoch(find_run(named[1]), int(named[2]))
    if Path(path).suffix.lower() in FILE_TYPES:
        raise BadInput(f"There is no file {safe_text(path, 300)}.")
    folder = find_run(path)
    newest = newest_checkpoint(folder)
    if not newest:
        raise BadInput(unreadable_checkpoints(folder) or f"{run_argument(folder)} has no checkpoint yet.")
    return folder / newest


def _behind_links(file: Path) -> Path:
    """Return the file that a person names, or the one that a link they name leads to. Raises BadInput."""
    if not file.is_symlink():
        return file
    try:
        return file.resolve(strict=True)
    except (OSError, RuntimeError) as error:  # RuntimeError: links that go round
        shown = safe_text(str(file), 300)
        if isinstance(error, FileNotFoundError):
            target = safe_text(str(file.readlink()), 300)
            raise BadInput(f"{shown} is a link to {target}, which is not there.") from None
        raise BadInput(f"{shown} is a link that cannot be followed.") from None


def _of_epoch(folder: Path, epoch: int) -> Path:
    """Return the checkpoint that an epoch ended with. Raises BadInput, with the epochs there are."""
    sidecars = list_sidecars(folder)
    epochs = [sidecar.epoch for sidecar in sidecars if sidecar.checkpoint == epoch_checkpoint(sidecar.epoch)]
    if epoch not in epochs:
        known = " ".join(filter(None, [_epochs_text(epochs), unreadable_checkpoints(folder)]))
        raise BadInput(f"{run_argument(folder)} has no checkpoint of epoch {epoch}. {known}")
    return folder / epoch_checkpoint(epoch)


def _epochs_text(epochs: list[int]) -> str:
    """Return a sentence with the epochs there are: all, or the newest and the number of the others."""
    if not epochs:
        return "It has none of a whole epoch that can be used."
    others = len(epochs) - MOST_EPOCHS_NAMED
    newest = ", ".join(map(str, epochs[-MOST_EPOCHS_NAMED:]))
    return f"It has those of epochs {newest}{f', and {others} earlier ones' if others > 0 else ''}."


def in_a_run(file: Path) -> bool:
    """Return True if a file lies in the folder of a run."""
    return recipe_path(file.parent).is_file()


def resnet_run(file: Path, recipe: Recipe) -> str:
    """Return the name of a checkpoint's run where its network is the ResNet-18; empty for any other file."""
    return safe_text(file.parent.absolute().name, 60) if in_a_run(file) and recipe.model is None else ""


def recipe_for(file: Path, preset_name: str | None) -> Recipe:
    """Return the recipe of the file's run; of an external file, a preset's. Raises BadInput."""
    if in_a_run(file):
        if preset_name is not None:
            raise BadInput("--preset is for files that belong to no run; this one has its run's recipe.")
        return read_recipe(file.parent)
    return preset_here(preset_name or DEFAULT_PRESET)


def preset_here(name: str) -> Recipe:
    """Return a preset's recipe, its data set in the folder where the command was typed. Raises BadInput."""
    return dataclasses.replace(preset(name), data_dir=str(Path(DEFAULT_DATA_DIR).absolute()))
