"""Loads the images of a recipe: the official data set, a folder of images, or synthetic ones."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from cifar_tui.engine.data.dataset import DataSet, ReportOrNote, Split
from cifar_tui.errors import BadInput
from cifar_tui.recipe import CLASSES, Recipe

LoadData = Callable[[Recipe, ReportOrNote, Callable[[], bool]], DataSet]
"""Loads a recipe's images, as `load` does; a test may have another way."""


def load(recipe: Recipe, report: ReportOrNote, stop_requested: Callable[[], bool]) -> DataSet:
    """Return the recipe's images, and only as many as it wants.

    Raises StopRequested when `stop_requested` turns true, DataUnavailable, DataDamaged, or BadInput.
    """
    data = _load_all(recipe, report, stop_requested)
    train = _part(data.train, recipe.train_images, data.classes, "training")
    test = _part(data.test, recipe.test_images, data.classes, "test")
    held_out = None
    if recipe.validation_images:
        train, held_out = _hold_out(train, recipe.validation_images, data.classes)
    if recipe.batch_size > len(train.labels):
        raise BadInput(
            f"A batch of {recipe.batch_size:,} is larger than the {len(train.labels):,} training images: "
            "lower --batch-size."
        )
    return DataSet(data.description, data.synthetic, data.classes, train, test, held_out)


def load_test(recipe: Recipe, report: ReportOrNote, stop_requested: Callable[[], bool]) -> DataSet:
    """Return the recipe's test images alone: all there are, where it wants more than that.

    What only training needs is neither read nor checked. Raises as `load` does.
    """
    data = _load_all(recipe, report, stop_requested, ("test",))
    wanted = recipe.test_images if (recipe.test_images or 0) <= len(data.test.labels) else None
    test = _part(data.test, wanted, data.classes, "test")
    return dataclasses.replace(data, train=Split(data.train.pixels[:0], data.train.labels[:0]), test=test)


def _load_all(
    recipe: Recipe,
    report: ReportOrNote,
    stop_requested: Callable[[], bool],
    splits: Sequence[str] = ("train", "test"),
) -> DataSet:
    if recipe.data == "synthetic":
        from cifar_tui.engine.data.synthetic import draw_images

        train_images = recipe.train_images if "train" in splits else CLASSES
        return draw_images(report, stop_requested, train_images, recipe.test_images)
    if recipe.data == "cifar10":
        from cifar_tui.engine.data.cifar10 import load_cifar10

        return load_cifar10(Path(recipe.data_dir), report, stop_requested)
    from cifar_tui.engine.data.image_folder import load_folder

    return load_folder(Path(recipe.data), report, stop_requested, splits=splits, skip_unreadable=recipe.skip_unreadable)


def _part(split: Split, images: int | None, classes: tuple[str, ...], name: str) -> Split:
    """The first images of every class, so many in all, in their old order. Raises BadInput for more than there are."""
    if images is None:
        return split
    there = len(split.labels)
    if images > there:
        raise BadInput(f"There are only {there:,} {name} images, not {images:,}.")
    share, more = divmod(images, CLASSES)
    of_class = [np.flatnonzero(split.labels == label) for label in range(CLASSES)]
    rarest = min(range(CLASSES), key=lambda label: len(of_class[label]) - (label < more))
    wanted, most = share + (rarest < more), len(of_class[rarest])
    if most < wanted:
        raise BadInput(
            f"Class {classes[rarest]} has only {most:,} {name} images, but {images:,} images need {wanted:,} of it: "
            f"choose {most * CLASSES:,} or fewer."
        )
    index = np.sort(np.concatenate([found[: share + (label < more)] for label, found in enumerate(of_class)]))
    return Split(split.pixels[index], split.labels[index])


def _hold_out(train: Split, images: int, classes: tuple[str, ...]) -> tuple[Split, Split]:
    """Split the last images of every class off, so many in all. Returns the rest and them. Raises BadInput."""
    backwards = Split(train.pixels[::-1], train.labels[::-1])
    held_out = _part(backwards, images, classes, "training")
    share, more = divmod(images, CLASSES)
    kept = np.ones(len(train.labels), dtype=bool)
    for label in range(CLASSES):
        last = np.flatnonzero(train.labels == label)[::-1]
        kept[last[: share + (label < more)]] = False
    if not kept.any():
        raise BadInput(f"{images:,} validation images leave none to train on: lower --validation-images.")
    return Split(train.pixels[kept], train.labels[kept]), held_out
