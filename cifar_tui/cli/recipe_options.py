"""Recipes from a preset, a checkpoint or an earlier run, with a person's changes; needs no command line."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from cifar_tui.cli.checkpoint_path import preset_here
from cifar_tui.cli.options import DEFAULT_PRESET, RECIPE_OPTIONS
from cifar_tui.data_sets import DATA_SETS, DEFAULT
from cifar_tui.engine.data.source import check_source
from cifar_tui.errors import BadInput
from cifar_tui.presets import preset
from cifar_tui.recipe import Recipe
from cifar_tui.runs.parent_weights import belongs_to_run, recipe_for_child
from cifar_tui.runs.reading import AS_FOUND, Reading
from cifar_tui.text import other_classes


def new_recipe(preset_name: str, changes: Mapping[str, object]) -> Recipe:
    """Return the recipe of a new run: a preset's, with changes. Raises BadInput."""
    return checked(_begun(preset_here(preset_name), changes))


def branched_recipe(
    weights: Path, preset_name: str | None, changes: Mapping[str, object], reading: Reading = AS_FOUND
) -> tuple[Recipe, str]:
    """Return the recipe of a run that starts with a checkpoint's weights: of the checkpoint's run, where it has one.

    The text says how an external file was read, by `reading`, and what the run takes from it.

    Raises BadInput, CheckpointDamaged.
    """
    if belongs_to_run(weights):
        if preset_name is not None:
            raise BadInput(
                "--preset cannot be combined with a run's checkpoint: the new run takes over that run's recipe."
            )
        recipe, note = recipe_for_child(weights), ""
    else:
        # Loads torch.
        from cifar_tui.engine.checkpoints.initial_weights import recipe_for_external

        own = preset_name is None or reading.normalization is not None
        ours = preset_here(preset_name or DEFAULT_PRESET)
        recipe, note = recipe_for_external(weights, ours, reading, normalization=own)
    if changes.get("width", recipe.width) != recipe.width:
        raise BadInput(f"The checkpoint's weights have width {recipe.width}: leave --width out.")
    child = checked(_begun(recipe, changes))
    if child.classes != recipe.classes:
        differing = other_classes("The checkpoint", recipe.classes, child.classes)
        note = f"{note} {differing}: the last layer starts from fresh weights.".lstrip()
    return child, note


def _begun(recipe: Recipe, changes: Mapping[str, object]) -> Recipe:
    """Return the recipe of a new run: as its data needs it, and then as a person has changed it."""
    return changed(recipe.with_data(str(changes.get("data", recipe.data))), changes)


def data_note(recipe: Recipe, changes: Mapping[str, object]) -> str:
    """Return what a new run's recipe owes to its data set in place of its preset, as a sentence; empty for nothing."""
    data_set, usual = DATA_SETS.get(recipe.data, DEFAULT), preset(recipe.preset)
    parts = []
    if recipe.parent is None and (recipe.mean, recipe.std) != (usual.mean, usual.std):
        parts.append("normalized by its own mean and deviation")
    if not data_set.mirrored and "flip" not in changes and usual.flip != "none":
        parts.append(f"not mirrored (--flip {usual.flip} does that)")
    return f"{data_set.title} is {', and '.join(parts)}." if parts else ""


def check_changeable(changes: Mapping[str, object], other_flags: set[str]) -> None:
    """Raise BadInput, naming them, when options were typed that a run which resumes cannot change."""
    fixed = sorted(other_flags | {RECIPE_OPTIONS[name].flag for name in changes if not RECIPE_OPTIONS[name].changeable})
    if fixed:
        raise BadInput(f"{', '.join(fixed)} cannot change in a run that is resumed. Start a new run to change them.")


def changed(recipe: Recipe, changes: Mapping[str, object]) -> Recipe:
    """Return the recipe with changes, by the names of its fields. Raises BadInput for one that changes nothing.

    Another optimizer takes a learning rate and a weight decay that suit it, where none were typed.
    """
    optimizer = changes.get("optimizer", recipe.optimizer)
    if optimizer != "sgd" and "momentum" in changes:
        raise BadInput(f"--momentum is for sgd: {optimizer} does not use it.")
    if optimizer != recipe.optimizer:
        recipe = recipe.with_optimizer(optimizer)  # type: ignore[arg-type] # see below
    # Each value has its option's type, which is the field's; the checker cannot follow the names.
    return dataclasses.replace(recipe, **changes)  # type: ignore[arg-type]


def optimizer_note(recipe: Recipe, changes: Mapping[str, object]) -> str:
    """Return the sentence on what an optimizer that was typed brings along; empty where nothing is left to it."""
    fields = ("learning_rate", "weight_decay")
    values = [f"{field.replace('_', ' ')} {getattr(recipe, field):g}" for field in fields if field not in changes]
    if "optimizer" not in changes or recipe.optimizer == "sgd" or not values:
        return ""
    flags = [RECIPE_OPTIONS[field].flag for field in fields if field not in changes]
    others = "--lr and --weight-decay set others" if len(flags) == 2 else f"{flags[0]} sets another"
    return f"{recipe.optimizer} trains with {' and '.join(values)}, from the preset's for SGD; {others}."


def checked(recipe: Recipe) -> Recipe:
    """Return the recipe, for its data's number of classes, checked as far as possible beforehand. Raises BadInput."""
    return dataclasses.replace(recipe, classes=check_source(recipe.check()))
