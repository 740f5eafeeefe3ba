"""What a person means by a checkpoint: a file, or a run for its newest one; and the recipe it is judged by."""

import dataclasses
import os
from pathlib import Path

from cifar_tui.cli.options import DEFAULT_DATA_DIR, DEFAULT_PRESET
from cifar_tui.errors import BadInput
from cifar_tui.recipe import Recipe, preset
from cifar_tui.text import safe_text


def checkpoint_at(path: str) -> Path:
    """The file a person names, or the newest checkpoint of the run. Raises BadInput."""
    # Unlike pathlib, these take any string. Links, pipes and devices are refused where they are opened.
    if os.path.lexists(path) and not os.path.isdir(path):  # noqa: PTH112
        return Path(path)
    from cifar_tui.runs.folder import find_run
    from cifar_tui.runs.sidecars import newest_checkpoint

    folder = find_run(path)
    newest = newest_checkpoint(folder)
    if not newest:
        raise BadInput(f"The run in {safe_text(str(folder), 200)} has no checkpoint yet.")
    return folder / newest


def in_a_run(file: Path) -> bool:
    """Whether a file lies in the folder of a run of ours."""
    from cifar_tui.runs.folder import RECIPE_NAME

    return (file.parent / RECIPE_NAME).is_file()


def recipe_for(file: Path, preset_name: str | None) -> Recipe:
    """The recipe of the file's run; of a file outside of one, a preset's. Raises BadInput."""
    from cifar_tui.runs.folder import read_recipe

    if in_a_run(file):
        if preset_name is not None:
            raise BadInput("--preset is for files outside of a run: here the run's own recipe says how colours are.")
        return read_recipe(file.parent)
    return dataclasses.replace(preset(preset_name or DEFAULT_PRESET), data_dir=str(Path(DEFAULT_DATA_DIR).absolute()))
