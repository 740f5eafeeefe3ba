"""The choices in which recipes differ: which of their fields are a setting, and each as text."""

import dataclasses
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from cifar_tui.own_model import OwnModel
from cifar_tui.presets import PRESETS
from cifar_tui.recipe import Ancestor, Recipe
from cifar_tui.report.recipe_changes import choice_name, choice_text
from cifar_tui.report.run_summary import ancestry
from cifar_tui.text import safe_text

Choices = Mapping[str, object]
"""Values by the recipe's fields."""
NO_SETTING = ("seed", "data_dir", "device", "skip_unreadable", "keep", "tensorboard")
"""Fields that are averaged over, or are about places, devices and files."""
TEST_FIELDS = ("data", "test_images", "test_share")
"""Fields that decide which images a run is tested on."""
FIRST = ("data", "model", "preset")
"""Columns before those of the other fields."""
OF_DATA = ("classes", "mean", "std")
"""Fields that follow from the data."""
NAMES = {"model": "network", "parent": "from"}


def swept_fields(recipes: Sequence[Recipe]) -> tuple[str, ...]:
    """Return the fields in which recipes differ; the preset where they differ in nothing.

    Of recipes of several presets, a field is left out in which each has its own preset's value.
    """
    names = [field.name for field in dataclasses.fields(Recipe) if field.name not in NO_SETTING]
    differing = {name for name in names if len({getattr(recipe, name) for recipe in recipes}) > 1}
    if "data" in differing:
        differing -= {*OF_DATA}
    if "preset" in differing:
        differing = {
            name for name in differing if name in FIRST or not all(own_choice(recipe, name) for recipe in recipes)
        }
    ordered = (*FIRST, *(name for name in names if name not in FIRST))
    return tuple(name for name in ordered if name in differing) or ("preset",)


def own_choice(recipe: Recipe, field: str) -> bool:
    """Return True if a recipe has its preset's own value of a field, on its data."""
    if field in ("data", "preset"):
        return True
    own = _preset_on(recipe.preset, recipe.data)
    return own is not None and getattr(own, field) == getattr(recipe, field)


@cache
def _preset_on(preset: str, data: str) -> Recipe | None:
    return PRESETS[preset].recipe.with_data(data) if preset in PRESETS else None


def order_key(value: object) -> tuple[object, ...]:
    """Return the key that the values of one field are sorted by: numbers by size, None last, the rest as text."""
    if isinstance(value, int | float):
        return (0, value)
    return (2, "") if value is None else (1, str(value))


def column_name(field: str) -> str:
    """Return a field's name as the head of a column: `lr`, `weight decay`, `network`."""
    return NAMES.get(field, choice_name(field))


def setting_text(recipe: Recipe, field: str) -> str:
    """Return a recipe's value of a field as text."""
    value = getattr(recipe, field)
    if field == "data":
        return safe_text(Path(recipe.data).name or recipe.data, 60)
    if isinstance(value, OwnModel):
        return f"{recipe.network} ({value.sha256[:6]})"
    if field == "model":
        return recipe.network
    if isinstance(value, Ancestor) or field == "parent":
        return ancestry(recipe).removeprefix("from ") or "new weights"
    if field == "rate_changes":
        return ", ".join(f"×{factor:g} from step {step}" for step, factor in recipe.rate_changes) or "none"
    return choice_text(value)
