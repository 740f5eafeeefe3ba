"""Scores from a confusion matrix: precision, recall and F1 of every class, and the pairs most confused."""

import math
from dataclasses import dataclass

from cifar_tui.checkpoint_events import EvaluationDone


@dataclass(frozen=True, slots=True)
class ClassScore:
    """Scores of one class. Each is 0 to 1, NaN where there are no images to take it of."""

    precision: float
    """The share of the images predicted as the class that are of it."""
    recall: float
    """The share of the class's images that were recognised."""
    f1: float
    """The harmonic mean of both."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Images of one class that were predicted as another."""

    label: int
    """The true class."""
    predicted: int
    """The class they were predicted as."""
    images: int
    """Count of the images."""
    share: float
    """Their share of the true class, 0 to 1."""


def class_scores(verdict: EvaluationDone) -> tuple[ClassScore, ...]:
    """The score of every class, in label order."""
    return tuple(_score(verdict, label) for label in range(len(verdict.classes)))


def most_confused(verdict: EvaluationDone) -> tuple[Pair, ...]:
    """Every pair of classes that was confused, the most images first."""
    pairs = [
        Pair(label, predicted, images, images / sum(row))
        for label, row in enumerate(verdict.confusion)
        for predicted, images in enumerate(row)
        if images and label != predicted
    ]
    return tuple(sorted(pairs, key=lambda pair: (-pair.images, pair.label, pair.predicted)))


def share_of_row(verdict: EvaluationDone, label: int, predicted: int) -> float:
    """Return the share of a class's images that were predicted as a class, 0 to 1; NaN where it has none."""
    return _share(verdict.confusion[label][predicted], sum(verdict.confusion[label]))


def _score(verdict: EvaluationDone, label: int) -> ClassScore:
    hits = verdict.confusion[label][label]
    there = sum(verdict.confusion[label])
    taken = sum(row[label] for row in verdict.confusion)
    return ClassScore(_share(hits, taken), _share(hits, there), _share(2 * hits, taken + there))


def _share(part: int, total: int) -> float:
    return part / total if total else math.nan
