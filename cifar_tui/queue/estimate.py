"""The time that a run will take, by the runs of the same kind that its folder has."""

import contextlib
import math
from pathlib import Path

from cifar_tui.errors import BadInput
from cifar_tui.history.run_history import RunHistory
from cifar_tui.recipe import Recipe
from cifar_tui.report.run_time import run_seconds
from cifar_tui.runs.find import all_runs
from cifar_tui.runs.folder import read_recipe
from cifar_tui.runs.overview import read_brief_history

MOST_READ = 200
"""Runs that are looked at, the newest first."""
SAME = (
    "model", "width", "batch_size", "precision", "acceleration", "optimizer", "data", "train_images", "test_images",
    "validation_images", "test_share", "device",
)  # fmt: skip
"""Fields of a recipe that two runs of a kind have in common."""


class Estimates:
    """The throughput of the runs in a folder, by their kind."""

    def __init__(self, place: Path) -> None:
        """Read the newest runs of a folder, those that end an epoch."""
        self._measured: dict[tuple[object, ...], tuple[float, int, int]] = {}
        for folder in reversed(all_runs(place)[-MOST_READ:]):
            with contextlib.suppress(BadInput, OSError):
                recipe = read_recipe(folder)
                if _kind(recipe) not in self._measured:
                    measured = _throughput(read_brief_history(folder), recipe)
                    if measured is not None:
                        self._measured[_kind(recipe)] = measured

    def seconds(self, recipe: Recipe) -> float:
        """Return the time of a run; NaN where none of its kind is known."""
        measured = self._measured.get(_kind(recipe))
        if measured is None:
            return math.nan
        throughput, train_images, test_images = measured
        return run_seconds(recipe, train_images, test_images, throughput)


def _kind(recipe: Recipe) -> tuple[object, ...]:
    return tuple(getattr(recipe, name) for name in SAME)


def _throughput(history: RunHistory, recipe: Recipe) -> tuple[float, int, int] | None:
    """Return whole images a second, and the numbers of images; None for a run that has not ended an epoch.

    Of several epochs it is the fastest: the first may load a library, or another run may have shared the device.
    """
    if history.data is None or not history.epochs:
        return None
    images = history.data.train_images
    speeds = [
        images * recipe.work_in(epoch.epoch) / epoch.train_seconds for epoch in history.epochs if epoch.train_seconds
    ]
    return (max(speeds), images, history.data.test_images) if speeds else None
