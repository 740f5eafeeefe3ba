"""Measures several checkpoints on the very same test images, and compares them."""

import base64
import dataclasses
import itertools
import time
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from cifar_tui.checkpoint_events import ComparedImage, ComparedPair, ComparisonDone, EvaluationFailed
from cifar_tui.control import CancelEvaluation, RequestQueue, Stop
from cifar_tui.engine.checkpoints.checkpoint import ReadNetwork, read_network
from cifar_tui.engine.data.augment import DeviceDataset
from cifar_tui.engine.data.dataset import DataSet
from cifar_tui.engine.data.load import LoadData, load_test
from cifar_tui.engine.evaluation.evaluate import logits_on
from cifar_tui.engine.evaluation.evaluate_checkpoint import CANCELLED, check_number_of_classes
from cifar_tui.engine.evaluation.metrics import evaluation_result
from cifar_tui.engine.evaluation.normalization_fit import misfit_note
from cifar_tui.engine.network.build import place
from cifar_tui.engine.network.device import Device, choose_device
from cifar_tui.engine.network.device_memory import explained
from cifar_tui.errors import BadInput, StopRequested
from cifar_tui.events import Emit, Noted, Progressed
from cifar_tui.recipe import Recipe
from cifar_tui.runs.compared_checkpoint import ComparedCheckpoint
from cifar_tui.text import safe_text

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
MOST_CHANGED = 10_000
"""Images that are shown as fixed or broken: 31 MB of pixels, and all that CIFAR-10 has."""


def compare_checkpoints(
    compared: Sequence[ComparedCheckpoint], emit: Emit, requests: RequestQueue, load_data: LoadData = load_test
) -> None:
    """Measure checkpoints on the test images of the first one's recipe. Raises CifarTuiError.

    Every one is read first, for one that is refused needs no images. What each predicted is held in memory alone.
    """

    def cancelled() -> bool:
        return requests.contains(Stop, CancelEvaluation)

    device = choose_device(compared[0].recipe)
    for one in compared[1:]:
        _check_classes(compared[0].name, compared[0].classes, one)
    read = [read_network(one.weights, one.reading) for one in compared]
    for one, network in zip(compared, read, strict=True):
        for sentence in network.assumptions if one.external else network.notes:
            emit(Noted(f"{safe_text(one.name, 60)}: {sentence}"))
    compared = [_with_classes(*pair) for pair in zip(compared, read, strict=True)]
    try:
        data = load_data(compared[0].recipe, emit, cancelled)
        for one in compared:
            _check_classes(data.description, data.classes, one)
        for one, network in zip(compared, read, strict=True):
            check_number_of_classes(safe_text(one.name, 100), network, data)
            if misfit := misfit_note(network, data.test.pixels):
                emit(Noted(f"{safe_text(one.name, 60)}: {misfit}"))
        with explained(device):
            taken = [_judge(*pair, data, device, emit, cancelled) for pair in zip(compared, read, strict=True)]
    except StopRequested:
        emit(EvaluationFailed("", CANCELLED, damaged=False))
        return
    losses = tuple(loss for loss, _ in taken)
    names = tuple(one.name for one in compared)
    emit(side_by_side(names, data, losses, [predicted for _, predicted in taken]))


def side_by_side(
    names: tuple[str, ...], data: DataSet, losses: tuple[float, ...], predictions: Sequence[Ints]
) -> ComparisonDone:
    """Compare the classes that images were predicted as: `predictions` are int64 [N] each."""
    labels, classes = data.test.labels, len(data.classes)
    right = [predicted == labels for predicted in predictions]
    return ComparisonDone(
        checkpoints=names,
        images=data.description,
        classes=data.classes,
        class_images=_counts(labels, classes),
        losses=losses,
        hits=tuple(_counts(labels[hit], classes) for hit in right),
        pairs=tuple(
            ComparedPair(
                first=first,
                second=second,
                agreed=int((predictions[first] == predictions[second]).sum()),
                fixed=int((~right[first] & right[second]).sum()),
                broken=int((right[first] & ~right[second]).sum()),
                both_wrong=int((~right[first] & ~right[second]).sum()),
            )
            for first, second in itertools.combinations(range(len(names)), 2)
        ),
        changed=_changed(data, predictions, right),
    )


def _changed(data: DataSet, predictions: Sequence[Ints], right: Sequence[Bools]) -> tuple[ComparedImage, ...]:
    """Return the images that some checkpoints got right and others wrong."""
    hits = sum(one.astype(np.int64) for one in right)
    changed = np.flatnonzero((hits > 0) & (hits < len(right)))[:MOST_CHANGED]
    return tuple(
        ComparedImage(
            index=index,
            label=int(data.test.labels[index]),
            predicted=tuple(int(one[index]) for one in predictions),
            pixels=base64.b64encode(data.test.pixels[index].tobytes()).decode(),
        )
        for index in changed.tolist()
    )


def _judge(
    one: ComparedCheckpoint,
    read: ReadNetwork,
    data: DataSet,
    device: Device,
    emit: Emit,
    cancelled: Callable[[], bool],
) -> tuple[float, Ints]:
    """The loss of one checkpoint, and the classes it predicted. Raises StopRequested."""
    started, images = time.monotonic(), len(data.test.labels)

    def go_on(done: int) -> bool:
        seconds = time.monotonic() - started
        emit(Progressed(f"Evaluating {safe_text(one.name, 60)}", done, images, "images", seconds))
        return not cancelled()

    recipe: Recipe = one.recipe.with_normalization(read.mean, read.std) if one.external else one.recipe
    test = DeviceDataset(data.test.pixels, data.test.labels, recipe, device.torch, 0)
    logits = logits_on(place(read.network, device), test, device, go_on) if go_on(0) else None
    if logits is None:
        raise StopRequested
    return evaluation_result(logits, data.test.labels).loss, logits.argmax(1)


def _with_classes(one: ComparedCheckpoint, read: ReadNetwork) -> ComparedCheckpoint:
    """Return the same with the classes of the file's metadata, where it is external."""
    if one.external and read.origin is not None:
        return dataclasses.replace(one, classes=read.origin.classes)
    return one


def _check_classes(name: str, classes: tuple[str, ...], other: ComparedCheckpoint) -> None:
    """Raises BadInput where a checkpoint was trained to tell other classes apart, as far as that is known."""
    if classes and other.classes and classes != other.classes:
        differing = (pair for pair in zip(classes, other.classes, strict=False) if pair[0] != pair[1])
        here, there = next(differing, (classes[-1], other.classes[-1]))
        raise BadInput(
            f"{safe_text(other.name, 100)} was trained on other classes than {safe_text(name, 100)} "
            f"({safe_text(there, 40)}, not {safe_text(here, 40)}): they cannot be compared."
        )


def _counts(labels: Ints, classes: int) -> tuple[int, ...]:
    return tuple(np.bincount(labels, minlength=classes).tolist())
