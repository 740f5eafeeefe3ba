"""Metrics of logits on labelled images: loss, hits, calibration, and the images it was most wrong about."""

import numpy as np
import numpy.typing as npt

from cifar_tui.checkpoint_events import MOST_DENSE, WrongImage
from cifar_tui.dataclass import dataclass
from cifar_tui.runs.checkpoints.predictions import NAMED, pack

CALIBRATION_BINS = 15
"""Equal-width bins of the highest probability (Guo et al. 2017)."""
WRONGEST = 100
"""Wrong images named; of a pair of the most confused classes without one among them, its wrongest is named too."""
PAIRS = 90
"""Most confused pairs of which one image is named at least: all that ten classes have."""
DIGITS = 4
"""Decimals a probability is named with."""

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class EvaluationResult:
    """Metrics of a network on labelled images."""

    images: int
    """Images measured."""
    loss: float
    """Mean cross-entropy."""
    accuracy: float
    """0 to 1."""
    top3_accuracy: float
    """The share of images whose true class is among the three most probable, 0 to 1."""
    calibration_error: float
    """Distance between confidence and accuracy (ECE), 0 to 1."""
    confusion: tuple[tuple[int, ...], ...]
    """Images counted by [true class][predicted class]; empty for more than 20 classes."""
    sparse_confusion: tuple[tuple[int, ...], ...]
    """The same for more than 20 classes, as `EvaluationDone` has it."""
    wrongest: tuple[WrongImage, ...]
    """The wrongest images, the wrongest first."""
    predictions: bytes
    """Of every image, as `runs.checkpoints.predictions.pack` returns them."""


def evaluation_result(logits: npt.NDArray[np.float32], labels: Ints) -> EvaluationResult:
    """Score logits float32 [N, C] against labels int64 [N]."""
    log_probabilities = _log_softmax(logits.astype(np.float64))
    predicted = logits.argmax(1)
    # A network whose logits are no numbers gives no class a probability.
    probabilities = np.nan_to_num(np.exp(log_probabilities), nan=0.0)
    images, classes = logits.shape
    confusion = np.bincount(labels * classes + predicted, minlength=classes * classes).reshape(classes, classes)
    return EvaluationResult(
        images=images,
        loss=float(-log_probabilities[np.arange(images), labels].mean()),
        accuracy=int(np.trace(confusion)) / images,
        top3_accuracy=top_accuracy(logits, labels, 3),
        calibration_error=calibration_error(probabilities.max(1), predicted == labels),
        confusion=tuple(map(tuple, confusion.tolist())) if classes <= MOST_DENSE else (),
        sparse_confusion=_sparse(confusion) if classes > MOST_DENSE else (),
        wrongest=wrongest(probabilities, predicted, labels),
        predictions=pack(probabilities, predicted, labels),
    )


def _log_softmax(logits: Floats) -> Floats:
    with np.errstate(invalid="ignore"):  # infinite logits become NaN, and so does the loss, as it should
        shifted = logits - logits.max(1, keepdims=True)
    result: Floats = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    return result


def top_accuracy(logits: npt.NDArray[np.float32], labels: Ints, places: int) -> float:
    """The share of rows whose label is among the highest logits, 0 to 1."""
    order = np.argsort(-logits, axis=1, kind="stable")[:, :places]
    return float((order == labels[:, None]).any(1).mean())


def calibration_error(confidences: Floats, hits: npt.NDArray[np.bool_]) -> float:
    """Expected calibration error, 0 to 1: |accuracy - confidence| of each bin, weighted by its images.

    `confidences` float64 [N] are the highest probabilities; bin m holds those in ((m - 1) / 15, m / 15].
    """
    bins = np.clip(np.ceil(confidences * CALIBRATION_BINS).astype(np.int64) - 1, 0, CALIBRATION_BINS - 1)
    gaps = np.bincount(bins, weights=hits - confidences, minlength=CALIBRATION_BINS)
    return float(np.abs(gaps).sum() / len(confidences))


def _sparse(confusion: Ints) -> tuple[tuple[int, ...], ...]:
    """Return each row of a matrix [C, C] without its zeros: place, count, next place, next count."""
    rows = []
    for row in confusion:
        (places,) = np.nonzero(row)
        rows.append(tuple(np.stack((places, row[places]), axis=1).ravel().tolist()))
    return tuple(rows)


def wrongest(probabilities: Floats, predicted: Ints, labels: Ints) -> tuple[WrongImage, ...]:
    """The wrong images, the lowest probability of the true class first: the first hundred, and one of each pair.

    Pairs are the most confused ones, so that there are never more images than of ten classes.
    """
    wrong = np.flatnonzero(predicted != labels)
    order = wrong[np.argsort(probabilities[wrong, labels[wrong]], kind="stable")]
    pairs = labels[order] * probabilities.shape[1] + predicted[order]
    _, firsts, images = np.unique(pairs, return_index=True, return_counts=True)
    firsts = firsts[np.argsort(-images, kind="stable")[:PAIRS]]
    chosen = np.union1d(np.arange(min(WRONGEST, len(order))), firsts)
    return tuple(_wrong_image(int(index), probabilities[index], predicted, labels) for index in order[chosen])


def _wrong_image(index: int, probabilities: Floats, predicted: Ints, labels: Ints) -> WrongImage:
    """Return one wrong image by its probabilities, float64 [C]: all of them, or of many classes those that matter."""
    label, taken = int(labels[index]), int(predicted[index])
    if len(probabilities) <= MOST_DENSE:
        return WrongImage(index, label, taken, tuple(round(float(one), DIGITS) for one in probabilities))
    ranked = [int(one) for one in np.argsort(-probabilities, kind="stable")[:NAMED]]
    known = dict.fromkeys((taken, *ranked, label))
    return WrongImage(index, label, taken, (), tuple((one, round(float(probabilities[one]), DIGITS)) for one in known))
