"""Differences between two recipes, in words."""

import dataclasses

from cifar_tui.recipe import Recipe
from cifar_tui.report.run_summary import ancestry
from cifar_tui.text import safe_text

_SHORT = {"learning_rate": "lr", "train_images": "training images"}
"""Choices that go by another name than the recipe's field."""
SAME_RUN = ("data_dir", "rate_changes", "model", "parent", "tensorboard")
"""Fields that are no choice of numbers: data's place, changes under way, code, parent, files beside."""


def differences(before: Recipe, after: Recipe) -> tuple[str, ...]:
    """`lr 0.1 → 0.05`, `epochs 8 → 26`: every choice in which the other differs; empty for the same."""
    pairs = (
        (field.name, getattr(before, field.name), getattr(after, field.name))
        for field in dataclasses.fields(Recipe)
        if field.name not in SAME_RUN
    )
    shown = [
        f"{choice_name(name)} {choice_text(first)} → {choice_text(second)}"
        for name, first, second in pairs
        if first != second
    ]
    changed = [(one, len(one.rate_changes)) for one in (before, after)]
    if changed[0][1] != changed[1][1]:
        shown.append(f"rate changes {changed[0][1]} → {changed[1][1]}")
    if before.model != after.model:
        again = f" (SHA-256 {after.model.sha256[:12]}…)" if after.model and before.network == after.network else ""
        shown.append(f"network {before.network} → {after.network}{again}")
    if before.parent != after.parent:
        shown.append(ancestry(after) or "from new weights")
    return tuple(shown)


def choice_name(field: str) -> str:
    """Return the name of a recipe's field, for people: `lr`, `weight decay`."""
    return _SHORT.get(field, field.replace("_", " "))


def choice_text(value: object) -> str:
    """Return a choice as text: `0.05`, `all` for None, `yes` for True."""
    if value is None:
        return "all"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return " ".join(choice_text(one) for one in value)
    return f"{value:g}" if isinstance(value, float) else safe_text(str(value), 60)
