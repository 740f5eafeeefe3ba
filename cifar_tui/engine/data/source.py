"""Checks the source of a recipe's images before anything is loaded."""

import contextlib
import dataclasses
from collections.abc import Sequence
from pathlib import Path

from cifar_tui.data_sets import DATA_SETS
from cifar_tui.errors import BadInput
from cifar_tui.recipe import CLASSES, Recipe


def check_source(recipe: Recipe, splits: Sequence[str] = ("train", "test")) -> int:
    """Check what can be checked at once of the parts that are needed, and return the number of classes.

    Raises BadInput with one sentence.
    """
    if named := DATA_SETS.get(recipe.data):
        from cifar_tui.engine.data.place import check_data_dir

        check_data_dir(Path(recipe.data_dir), named)
        return named.classes
    if recipe.synthetic:
        return CLASSES
    from cifar_tui.engine.data.image_listing import WHOLE, check_folder

    (classes, *_) = check_folder(Path(recipe.data), (WHOLE,) if recipe.test_share else splits).values()
    return len(classes)


def with_data_of(recipe: Recipe, data: str) -> Recipe:
    """Return a new run's recipe on other images, for as many classes as they have; loading tells what is wrong."""
    recipe = recipe.with_data_of(data)
    with contextlib.suppress(BadInput):
        recipe = dataclasses.replace(recipe, classes=check_source(recipe))
    return recipe
