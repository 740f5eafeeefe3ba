"""An evaluation with what all panels of its screen draw from, worked out once."""

from cifar_tui import text
from cifar_tui.checkpoint_events import EvaluationDone
from cifar_tui.dataclass import dataclass
from cifar_tui.report.class_names import class_names
from cifar_tui.report.confusion import Confusion, Pair
from cifar_tui.tui.evaluation.evaluation_finder import FoundEvaluation
from cifar_tui.tui.widgets.rows import Row

Cell = tuple[int, int]
"""A true class and a predicted class."""


@dataclass(frozen=True, slots=True)
class ShownEvaluation:
    """A result, its confusion matrix, and the names of its classes."""

    result: EvaluationDone
    """The numbers."""
    confusion: Confusion
    """The matrix by cell, row and column."""
    names: list[str]
    """Of the classes in label order, no two alike, none too long for a table."""
    places: dict[Cell, int]
    """The place of each confused pair among all, from 0: the most images first."""

    @property
    def first_cell(self) -> Cell:
        """The most confused pair."""
        pairs = self.confusion.pairs
        return (pairs[0].label, pairs[0].predicted) if pairs else (0, 0)

    def score_pieces(self, label: int) -> list[Row]:
        """Return a class's name with its scores."""
        score = self.confusion.scores[label]
        numbers = (("precision", score.precision), ("recall", score.recall), ("F1", score.f1))
        return [
            ((self.names[label], "label"),),
            *(((f"{name} ", "dim"), (text.percent(share, 1), "value")) for name, share in numbers),
        ]

    def cell_pieces(self, cell: Cell) -> list[Row]:
        """Return what a cell is, its images, and its place among the confused pairs."""
        label, predicted = cell
        title = f"{self.names[label]} predicted as {self.names[predicted]}"
        pieces: list[Row] = [
            ((title if label != predicted else f"{self.names[label]} predicted correctly", "accent"),),
            ((text.counted(self.confusion.count(label, predicted), "image"), "value"),),
            ((text.percent(self.confusion.share(label, predicted), 1), "value"),),
        ]
        if cell in self.places:
            pieces.append(((f"pair {self.places[cell] + 1:,} of {len(self.places):,}", "dim"),))
        return pieces

    def other_way(self, cell: Cell) -> Row:
        """Return how often a pair was confused the other way round."""
        label, predicted = cell
        share = text.percent(self.confusion.share(predicted, label), 1)
        return (("the other way ", "dim"), (f"{self.confusion.count(predicted, label):,}", "value"), (f" {share}", ""))

    def named_pieces(self, title: str, pairs: list[Pair], *, by_label: bool = False) -> list[Row]:
        """Return pairs in a line: the names of the predicted classes, or of the true ones, with their images."""
        named = [(self.names[pair.label if by_label else pair.predicted], pair) for pair in pairs]
        none: list[Row] = [] if named else [(("none", "dim"),)]
        return [
            ((title, "dim"),),
            *none,
            *(((f"{name} ", "label"), (f"{pair.images:,}", "value")) for name, pair in named),
        ]


def shown_evaluation(found: FoundEvaluation) -> ShownEvaluation:
    """Return what is shown of an evaluation, in time that grows with its images and not with its pairs of classes."""
    confusion = Confusion(found.result)
    places = {(pair.label, pair.predicted): place for place, pair in enumerate(confusion.pairs)}
    return ShownEvaluation(found.result, confusion, class_names(found.result.classes), places)
