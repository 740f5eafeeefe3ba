"""Runs at a glance, with made-up accuracies, as results see them."""

import dataclasses
from dataclasses import dataclass

from cifar_tui.presets import preset
from cifar_tui.recipe import Recipe

SHORT = dataclasses.replace(preset("short"), epochs=20)


@dataclass(frozen=True)
class MadeUpRun:
    """A run of which nothing is on disk."""

    name: str
    recipe: Recipe
    last_accuracy: float | None
    state: str = "finished"
    epoch: int = 20
    best_epoch: int = 18
    best_accuracy: float | None = None
    last_validation: float | None = None
    best_validation: float | None = None
    seconds: float = 1_200.0


# Any: the changes are fields of the recipe, or of the run.
def made_up(name: str, accuracy: float | None, recipe: Recipe = SHORT, **changes: object) -> MadeUpRun:
    """A run of the preset short in 20 epochs, with changes of its recipe and of what it came to."""
    fields = {field.name for field in dataclasses.fields(Recipe)}
    chosen = {key: value for key, value in changes.items() if key in fields}
    others = {key: value for key, value in changes.items() if key not in fields}
    recipe = dataclasses.replace(recipe, **chosen)  # type: ignore[arg-type]
    return MadeUpRun(name, recipe, accuracy, **{"best_accuracy": accuracy, **others})  # type: ignore[arg-type]


def sweep() -> list[MadeUpRun]:
    """Three learning rates with three seeds each, of which one run has not finished."""
    means = {0.05: 0.8850, 0.1: 0.8960, 0.2: 0.8900}
    noise = (-0.002, 0.0005, 0.0015)
    runs = [
        made_up(f"lr{rate}-s{seed}", mean + noise[(seed + index) % 3] * (1 + index), learning_rate=rate, seed=seed)
        for index, (rate, mean) in enumerate(means.items())
        for seed in range(3)
    ]
    return [*runs[:-1], dataclasses.replace(runs[-1], state="training", epoch=7)]
