"""The class that every test image was predicted as: packed for a file, and found again by class."""

import numpy as np
import numpy.typing as npt

from cifar_tui.checkpoint_events import EvaluationDone
from cifar_tui.dataclass import dataclass
from cifar_tui.runs.checkpoints.test_images import MOST_IMAGES

NAMED = 3
"""Most probable classes that are stored of an image."""
MOST_IN_A_BYTE = 256
"""Classes up to which one byte holds a class; of more, two do."""
FULL = 65_535
"""A probability of 1 as it is packed."""

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class PredictedImage:
    """One test image with its prediction."""

    index: int
    """Its place among the test images, from 0."""
    label: int
    """Its true class."""
    predicted: int
    """The class it was predicted as."""
    shares: tuple[tuple[int, float], ...]
    """Classes with their probabilities, 0 to 1: the most probable first, the true class among them."""


def packed_type(classes: int) -> np.dtype[np.void]:
    """Return the record of one image: its true class, the most probable classes, and the probabilities of all four."""
    one = "u1" if classes <= MOST_IN_A_BYTE else "<u2"
    return np.dtype([("label", one), ("top", one, (NAMED,)), ("shares", "<u2", (NAMED,)), ("label_share", "<u2")])


class Predictions:
    """Predictions on all test images."""

    def __init__(self, packed: bytes, result: EvaluationDone) -> None:
        """Read what `pack` returned. Raises ValueError where it does not fit the result's confusion matrix."""
        cells = np.array(list(result.cells()), dtype=np.int64).reshape(-1, 3)
        classes, images = len(result.classes), int(cells[:, 2].sum())
        record = packed_type(classes)
        if len(packed) != images * record.itemsize:
            raise ValueError("with more or fewer predictions than images")
        self._records = np.frombuffer(packed, record)
        self._labels = self._records["label"].astype(np.int64)
        self._predicted = self._records["top"][:, 0].astype(np.int64)
        if self._labels.max() >= classes or self._records["top"].max() >= classes:
            raise ValueError("with predictions of unknown classes")
        found, counts = np.unique(self._labels * classes + self._predicted, return_counts=True)
        order = np.argsort(cells[:, 0] * classes + cells[:, 1])
        known = cells[order]
        if not np.array_equal(found, known[:, 0] * classes + known[:, 1]) or not np.array_equal(counts, known[:, 2]):
            raise ValueError("with predictions that are not in the confusion matrix")

    def indexes(self, label: int | None, predicted: int | None) -> list[int]:
        """Return the images of a cell or, where a class is None, the wrong ones of all classes.

        The most confident mistakes come first; of images that were recognised, the least confident ones.
        """
        chosen = np.ones(len(self._records), dtype=bool)
        for wanted, classes in ((label, self._labels), (predicted, self._predicted)):
            if wanted is not None:
                chosen &= classes == wanted
        recognised = label is not None and label == predicted
        if not recognised:
            chosen &= self._labels != self._predicted
        found = np.flatnonzero(chosen)
        confidence = self._records["shares"][found, 0].astype(np.int64)
        order = np.argsort(confidence if recognised else -confidence, kind="stable")
        return [int(index) for index in found[order]]

    def cell(self, index: int) -> tuple[int, int]:
        """Return an image's true class, and the class that it was predicted as."""
        return int(self._labels[index]), int(self._predicted[index])

    def image(self, index: int) -> PredictedImage:
        """Return one image's prediction."""
        one = self._records[index]
        shares = {int(label): int(share) / FULL for label, share in zip(one["top"], one["shares"], strict=True)}
        label = int(one["label"])
        shares.setdefault(label, int(one["label_share"]) / FULL)
        return PredictedImage(index, label, int(one["top"][0]), tuple(shares.items()))


def pack(probabilities: Floats, predicted: Ints, labels: Ints) -> bytes:
    """Return the predictions as bytes; none where there are more than are stored.

    `probabilities` are float64 [N, C], `predicted` and `labels` int64 [N].
    """
    images = len(labels)
    if images > MOST_IMAGES:
        return b""
    rows = np.arange(images)
    ranked = probabilities.copy()
    ranked[rows, predicted] = 2.0  # first among equals, as in the confusion matrix
    records = np.zeros(images, packed_type(probabilities.shape[1]))
    places = [min(place, probabilities.shape[1] - 1) for place in range(NAMED)]
    top = np.argsort(-ranked, axis=1, kind="stable")[:, places]
    records["label"], records["top"] = labels, top
    records["shares"] = np.round(probabilities[rows[:, None], top] * FULL)
    records["label_share"] = np.round(probabilities[rows, labels] * FULL)
    return records.tobytes()
