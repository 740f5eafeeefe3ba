"""Checks the source of a recipe's images before anything is loaded."""

from collections.abc import Sequence
from pathlib import Path

from cifar_tui.recipe import Recipe


def check_source(recipe: Recipe, splits: Sequence[str] = ("train", "test")) -> None:
    """Check what can be checked at once of the parts that are needed. Raises BadInput with one sentence."""
    if recipe.data == "cifar10":
        from cifar_tui.engine.data.cifar10_place import check_data_dir

        check_data_dir(Path(recipe.data_dir))
    if recipe.data in ("cifar10", "synthetic"):
        return
    from cifar_tui.engine.data.image_listing import check_folder

    check_folder(Path(recipe.data), splits)
