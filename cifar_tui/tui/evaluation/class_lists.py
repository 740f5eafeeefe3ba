"""The confused pairs and the classes of an evaluation, as rows of lists that are sorted and filtered."""

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from cifar_tui import text
from cifar_tui.dataclass import dataclass
from cifar_tui.report.class_names import class_names
from cifar_tui.report.confusion import ClassScore, Pair
from cifar_tui.tui.evaluation.shown_evaluation import Cell, ShownEvaluation
from cifar_tui.tui.widgets.list_order import ListOrder
from cifar_tui.tui.widgets.row_list import Columns, RowList

SHORT_NAME = 12
"""Cells of the name of the class that another is mostly predicted as."""
IMAGES = Binding("enter", "choose", "Its images", key_display="enter", tooltip="The images of the row under the cursor")


@dataclass(frozen=True, slots=True)
class PairRow:
    """A confused pair."""

    pair: Pair
    """The classes, and their images."""
    names: tuple[str, str]
    """Of the true class and the predicted one, as they are shown."""
    words: str
    """Both names whole, in small letters."""
    back: int
    """Images that were confused the other way round."""

    @property
    def name(self) -> str:
        """The pair's name among the others."""
        return f"{self.pair.label} {self.pair.predicted}"

    @property
    def cell(self) -> Cell:
        """Its place in the confusion matrix."""
        return self.pair.label, self.pair.predicted

    def cells(self) -> dict[str, str]:
        """Return the row's text, by column."""
        label, predicted = self.names
        numbers = f"{self.pair.images:,}", text.percent(self.pair.share, 1), f"{self.back:,}"
        return dict(zip(PairList.COLUMNS.widths, (f"  {label}", predicted, *numbers), strict=True))

    def matches(self, words: Sequence[str]) -> bool:
        """Return True if every word is part of a name."""
        return all(word in self.words for word in words)


class PairList(RowList[PairRow]):
    """Rows of pairs."""

    BINDINGS: ClassVar[list[BindingType]] = [IMAGES]
    COLUMNS: ClassVar[Columns] = Columns(
        widths={"  True class": 18, "Predicted as": 16, "Images": 7, "Share": 8, "Other way": 10},
        left=("  True class", "Predicted as", "Other way"),
        least_needed=("Other way", "Share"),
    )


def pair_rows(shown: ShownEvaluation) -> list[PairRow]:
    """Return a row for each confused pair, the most images first."""
    names, whole, count = shown.names, _searched(shown), shown.confusion.count
    return [
        PairRow(
            pair,
            (names[pair.label], names[pair.predicted]),
            f"{whole[pair.label]} {whole[pair.predicted]}",
            count(pair.predicted, pair.label),
        )
        for pair in shown.confusion.pairs
    ]


def pair_order() -> ListOrder[PairRow]:
    """Return the order of pairs: at first, the most images."""
    return ListOrder(
        keys={
            "  True class": lambda row: row.names[0].lower(),
            "Predicted as": lambda row: row.names[1].lower(),
            "Images": lambda row: row.pair.images,
            "Share": lambda row: row.pair.share,
            "Other way": lambda row: row.back,
        },
        column="Images",
    )


@dataclass(frozen=True, slots=True)
class ClassRow:
    """A class with its scores."""

    label: int
    """Its place among the classes, from 0."""
    shown_name: str
    """Its name as it is shown."""
    words: str
    """Its whole name in small letters."""
    images: int
    """Its images."""
    score: ClassScore
    """Its scores."""
    mistake: str
    """The class that it was most often predicted as, and the share of that."""

    @property
    def name(self) -> str:
        """The class's name among the others."""
        return str(self.label)

    def cells(self) -> dict[str, str]:
        """Return the row's text, by column."""
        score = self.score
        shares = (text.percent(share, 1) for share in (score.recall, score.precision, score.f1))
        recall, precision, f1 = shares
        row = (f"  {self.shown_name}", recall, f"{self.images:,}", precision, f1, self.mistake)
        return dict(zip(ClassList.COLUMNS.widths, row, strict=True))

    def matches(self, words: Sequence[str]) -> bool:
        """Return True if every word is part of its name."""
        return all(word in self.words for word in words)


class ClassList(RowList[ClassRow]):
    """Rows of classes."""

    BINDINGS: ClassVar[list[BindingType]] = [IMAGES]
    COLUMNS: ClassVar[Columns] = Columns(
        widths={"  Class": 18, "Accuracy": 9, "Images": 7, "Precision": 10, "F1": 7, "Mostly wrong as": 16},
        left=("  Class", "Mostly wrong as"),
        least_needed=("Mostly wrong as", "F1", "Precision"),
    )


def class_rows(shown: ShownEvaluation) -> list[ClassRow]:
    """Return a row for each class, in label order."""
    confusion, whole, short = shown.confusion, _searched(shown), class_names(shown.result.classes, SHORT_NAME)
    most: dict[int, Pair] = {}
    for pair in confusion.pairs:
        most.setdefault(pair.label, pair)
    return [
        ClassRow(
            label,
            name,
            whole[label],
            confusion.images[label],
            confusion.scores[label],
            f"{text.percent(most[label].share, 1)} {short[most[label].predicted]}" if label in most else "",
        )
        for label, name in enumerate(shown.names)
    ]


def class_order() -> ListOrder[ClassRow]:
    """Return the order of classes: at first, the lowest accuracy."""
    return ListOrder(
        keys={
            "  Class": lambda row: row.shown_name.lower(),
            "Accuracy": lambda row: _known(row.score.recall),
            "Images": lambda row: row.images,
            "Precision": lambda row: _known(row.score.precision),
            "F1": lambda row: _known(row.score.f1),
            "Mostly wrong as": lambda row: row.mistake.split(" % ")[-1].lower() or None,
        },
        column="Accuracy",
        falling=False,
    )


def _searched(shown: ShownEvaluation) -> list[str]:
    """Return what a name is found by: it, whole and as it is shown, in small letters."""
    return [f"{name} {shown_name}".lower() for name, shown_name in zip(shown.result.classes, shown.names, strict=True)]


def _known(share: float) -> float | None:
    return share if share == share else None
