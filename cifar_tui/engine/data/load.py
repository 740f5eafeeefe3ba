"""Loads the images of a recipe: a published data set, a folder of images, or synthetic ones."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from cifar_tui.data_sets import DATA_SETS
from cifar_tui.engine.data.dataset import DataSet, ReportOrNote, Split
from cifar_tui.engine.data.image_listing import WHOLE
from cifar_tui.errors import BadInput
from cifar_tui.recipe import CLASSES, Recipe
from cifar_tui.text import other_classes

LoadData = Callable[[Recipe, ReportOrNote, Callable[[], bool]], DataSet]
"""Loads a recipe's images, as `load` does; a test may have another way."""


def load(recipe: Recipe, report: ReportOrNote, stop_requested: Callable[[], bool]) -> DataSet:
    """Return the recipe's images, and only as many as it wants.

    Raises StopRequested when `stop_requested` turns true, DataUnavailable, DataDamaged, or BadInput.
    """
    data = _load_all(recipe, report, stop_requested)
    if len(data.classes) != recipe.classes:
        differing = other_classes("The network", recipe.classes, len(data.classes), data.description)
        raise BadInput(f"{differing}: name those of the run with --data, or start a new run.")
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
    if named := DATA_SETS.get(recipe.data):
        from cifar_tui.engine.data.torchvision_data import load_named

        return load_named(named, Path(recipe.data_dir), report, stop_requested)
    from cifar_tui.engine.data.image_folder import load_folder

    wanted = (WHOLE,) if recipe.test_share else splits
    data = load_folder(Path(recipe.data), report, stop_requested, splits=wanted, skip_unreadable=recipe.skip_unreadable)
    return _share_out(data, recipe) if recipe.test_share else data


def _share_out(data: DataSet, recipe: Recipe) -> DataSet:
    """Split a data set without test images: a share of every class, drawn by the seed. Raises BadInput."""
    labels = data.train.labels
    drawn = np.random.default_rng(recipe.seed).permutation(len(labels))
    for_test = np.zeros(len(labels), dtype=bool)
    for label, name in enumerate(data.classes):
        images = drawn[labels[drawn] == label]
        if len(images) < 2:
            raise BadInput(f"Class {name} has 1 image: --test-share needs at least one to train on and one to test on.")
        for_test[images[: min(max(round(recipe.test_share * len(images)), 1), len(images) - 1)]] = True
    parts = (Split(data.train.pixels[chosen], labels[chosen]) for chosen in (~for_test, for_test))
    train, test = parts
    return dataclasses.replace(data, train=train, test=test)


def _part(split: Split, images: int | None, classes: tuple[str, ...], name: str) -> Split:
    """The first images of every class, so many in all, in their old order. Raises BadInput for more than there are."""
    if images is None:
        return split
    there = len(split.labels)
    if images > there:
        raise BadInput(f"There are only {there:,} {name} images, not {images:,}.")
    if images < len(classes):
        raise BadInput(f"{images:,} {name} images are too few for {len(classes):,} classes: choose at least that many.")
    share, more = divmod(images, len(classes))
    of_class = _images_of_classes(split.labels, len(classes))
    rarest = min(range(len(classes)), key=lambda label: len(of_class[label]) - (label < more))
    wanted, most = share + (rarest < more), len(of_class[rarest])
    if most < wanted:
        raise BadInput(
            f"Class {classes[rarest]} has only {most:,} {name} images, but {images:,} images need {wanted:,} of it: "
            f"choose {most * len(classes):,} or fewer."
        )
    index = np.sort(np.concatenate([found[: share + (label < more)] for label, found in enumerate(of_class)]))
    return Split(split.pixels[index], split.labels[index])


def _hold_out(train: Split, images: int, classes: tuple[str, ...]) -> tuple[Split, Split]:
    """Split the last images of every class off, so many in all. Returns the rest and them. Raises BadInput."""
    backwards = Split(train.pixels[::-1], train.labels[::-1])
    held_out = _part(backwards, images, classes, "training")
    share, more = divmod(images, len(classes))
    kept = np.ones(len(train.labels), dtype=bool)
    for label, found in enumerate(_images_of_classes(train.labels[::-1], len(classes))):
        kept[len(kept) - 1 - found[: share + (label < more)]] = False
    if not kept.any():
        raise BadInput(f"{images:,} validation images leave none to train on: lower --validation-images.")
    return Split(train.pixels[kept], train.labels[kept]), held_out


def _images_of_classes(labels: npt.NDArray[np.int64], classes: int) -> list[npt.NDArray[np.int64]]:
    """Return the places of each class's images, in their order; one sort, however many classes there are."""
    order = np.argsort(labels, kind="stable")
    return np.split(order, np.searchsorted(labels[order], np.arange(1, classes)))
