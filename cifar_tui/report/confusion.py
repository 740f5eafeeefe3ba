"""Scores from a confusion matrix: precision, recall and F1 of every class, and the pairs most confused."""

import math
from collections.abc import Iterable

from cifar_tui.checkpoint_events import EvaluationDone
from cifar_tui.dataclass import dataclass


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


class Confusion:
    """A confusion matrix by cell, row and column; made once for a result, in time that grows with its images."""

    def __init__(self, result: EvaluationDone) -> None:
        self.classes = len(result.classes)
        self._rows: list[dict[int, int]] = [{} for _ in result.classes]
        self._columns: list[dict[int, int]] = [{} for _ in result.classes]
        for label, predicted, images in result.cells():
            self._rows[label][predicted] = images
            self._columns[predicted][label] = images
        self.images = [sum(row.values()) for row in self._rows]
        """Images of each true class."""
        self.predicted = [sum(column.values()) for column in self._columns]
        """Images predicted as each class."""
        self.scores = [self._score(label) for label in range(self.classes)]
        """Scores of each class, in label order."""
        self.pairs = _sorted(pair for label in range(self.classes) for pair in self._pairs_of(label))
        """Every pair of classes that was confused, the most images first."""

    def count(self, label: int, predicted: int) -> int:
        """Return the images of a class that were predicted as a class."""
        return self._rows[label].get(predicted, 0)

    def share(self, label: int, predicted: int) -> float:
        """Return the share of a class's images that were predicted as a class, 0 to 1; NaN where it has none."""
        return _share(self.count(label, predicted), self.images[label])

    def wrong(self, label: int | None, predicted: int | None) -> int:
        """Return the images of a cell or, where a class is None, the wrong ones of all classes."""
        if label is not None and predicted is not None:
            return self.count(label, predicted)
        if label is not None:
            return self.images[label] - self.count(label, label)
        if predicted is not None:
            return self.predicted[predicted] - self.count(predicted, predicted)
        return sum(pair.images for pair in self.pairs)

    def predicted_as(self, label: int) -> list[Pair]:
        """Return the other classes that a class's images were predicted as, the most images first."""
        return _sorted(self._pairs_of(label))

    def predicted_from(self, predicted: int) -> list[Pair]:
        """Return the other classes whose images were predicted as a class, the most images first."""
        return _sorted(
            Pair(label, predicted, images, self.share(label, predicted))
            for label, images in self._columns[predicted].items()
            if label != predicted
        )

    def extremes(self, count: int) -> tuple[list[int], list[int]]:
        """Return so many classes with the lowest recall, the lowest first, and with the highest, the highest first."""
        known = [label for label in range(self.classes) if self.images[label]]
        worst = sorted(known, key=lambda label: self.scores[label].recall)
        best = sorted(known, key=lambda label: -self.scores[label].recall)
        return worst[:count], best[:count]

    def _pairs_of(self, label: int) -> Iterable[Pair]:
        for predicted, images in self._rows[label].items():
            if label != predicted:
                yield Pair(label, predicted, images, images / self.images[label])

    def _score(self, label: int) -> ClassScore:
        hits, there, taken = self.count(label, label), self.images[label], self.predicted[label]
        return ClassScore(_share(hits, taken), _share(hits, there), _share(2 * hits, taken + there))


def class_scores(verdict: EvaluationDone) -> tuple[ClassScore, ...]:
    """The score of every class, in label order."""
    return tuple(Confusion(verdict).scores)


def most_confused(verdict: EvaluationDone) -> tuple[Pair, ...]:
    """Every pair of classes that was confused, the most images first."""
    return tuple(Confusion(verdict).pairs)


def _sorted(pairs: Iterable[Pair]) -> list[Pair]:
    return sorted(pairs, key=lambda pair: (-pair.images, pair.label, pair.predicted))


def _share(part: int, total: int) -> float:
    return part / total if total else math.nan
