"""The command that trains another preset on what a run trains on."""

import shlex
from pathlib import Path

from cifar_tui.option import options_of
from cifar_tui.presets import KEPT, preset
from cifar_tui.recipe import Recipe
from cifar_tui.system.invocation import command_line


def preset_command(recipe: Recipe, name: str) -> str:
    """Return a command that trains a preset with the images, device and seed of a recipe, as a person can type it."""
    usual = preset(recipe.preset)
    words = ["train", "--preset", name]
    for field, option in options_of(Recipe).items():
        value = getattr(recipe, field)
        here = str(Path(usual.data_dir).absolute()) if field == "data_dir" else getattr(usual, field)
        if field in KEPT and value not in (here, getattr(usual, field)):
            words += [option.flag] if value is True else [option.flag, str(value)]
    if recipe.model is not None:
        words += ["--model", recipe.model.name]
    return command_line(shlex.join(words))
