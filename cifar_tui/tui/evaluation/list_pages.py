"""The pages of an evaluation with its confused pairs and with its classes as lists, for any number of classes."""

from abc import abstractmethod
from typing import Generic, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Container
from textual.message import Message

from cifar_tui import text
from cifar_tui.tui.evaluation.class_detail import detail_rows
from cifar_tui.tui.evaluation.class_lists import (
    ClassList,
    ClassRow,
    PairList,
    PairRow,
    class_order,
    class_rows,
    pair_order,
    pair_rows,
)
from cifar_tui.tui.evaluation.shown_evaluation import Cell, ShownEvaluation
from cifar_tui.tui.widgets.filtered_list import FilteredList
from cifar_tui.tui.widgets.row_list import RowList
from cifar_tui.tui.widgets.rows import Row, Rows, fitted

RowT = TypeVar("RowT", bound=PairRow | ClassRow)
LISTED = 30
"""Classes named in one line, of which as many are shown as fit."""


class ListPage(Container, Generic[RowT]):
    """A list that a person sorts and filters, and what is known of the class under the cursor."""

    class Listed(Message):
        """Other rows are listed, and another one may be under the cursor."""

    def __init__(self, shown: ShownEvaluation, rows: list[RowT], filtered: FilteredList[RowT], page: str) -> None:
        """Show `rows` in a list, in the order that it has at first."""
        super().__init__(id=page, classes="page list-page")
        self._shown = shown
        self._all = rows
        self.filtered = filtered

    def compose(self) -> ComposeResult:
        """Put the list beside the class."""
        yield self.filtered
        yield Rows(id="class-detail", classes="panel")

    def on_mount(self) -> None:
        """Fill the list."""
        self.show_list()

    @property
    def selected(self) -> RowT | None:
        """The row under the cursor."""
        return self.filtered.rows.selected

    @abstractmethod
    def cell_rows(self, width: int) -> list[Row]:
        """Return rows on the row under the cursor."""

    @abstractmethod
    def title(self, count: int) -> str:
        """Return the title of the list of which `count` rows match."""

    @on(FilteredList.Reordered)
    def show_list(self) -> None:
        """Show the rows that match, in the order that a person has chosen."""
        count = self.filtered.show(self._all)
        self.filtered.name_list(self.title(count), "")
        self.post_message(self.Listed())  # the list's own message ends here, where it was caused

    def show(self) -> None:
        """Draw what is known of the class under the cursor."""
        panel = self.query_one("#class-detail", Rows)
        label = self._label()
        if label is None:
            panel.border_title = ""
            panel.set_rows([])
            return
        panel.border_title = self._shown.names[label].replace("[", "\\[")
        panel.set_rows(detail_rows(self._shown, label, panel.size.width, panel.size.height))

    def nothing(self) -> list[Row]:
        """Return rows that say why no row is under the cursor."""
        if not self._all:
            return [(("No image was predicted as another class.", "good"),)]
        return [(("No name matches. Escape shows all.", "dim"),)]

    def lay_out(self) -> None:
        """Have nothing to do: app.tcss lays out this page."""

    def _label(self) -> int | None:
        if self.selected is None:
            return None
        return self.selected.pair.label if isinstance(self.selected, PairRow) else self.selected.label

    def _go_to(self, name: str) -> None:
        """Put the cursor on a row, and listen to keys."""
        self.filtered.rows.go_to(name)
        self.filtered.rows.focus()


class PairsPage(ListPage[PairRow]):
    """The confused pairs."""

    def __init__(self, shown: ShownEvaluation) -> None:
        """Show the pair with the most images first."""
        rows: RowList[PairRow] = PairList(id="pair-list")
        super().__init__(
            shown,
            pair_rows(shown),
            FilteredList(rows, pair_order(), "names of classes, true or predicted"),
            "pair-page",
        )

    @property
    def cell(self) -> Cell:
        """The pair under the cursor."""
        return self.selected.cell if self.selected is not None else (0, 0)

    def take_keys(self, cell: Cell) -> None:
        """Put the cursor on a pair, or on the most confused one of its true class."""
        pair = cell if cell in self._shown.places else self._most_confused(cell[0])
        self._go_to(f"{pair[0]} {pair[1]}")

    def title(self, count: int) -> str:
        """Return how many pairs there are."""
        whole = len(self._all)
        return f"Confused pairs, {count:,}" if count == whole else f"Confused pairs, {count:,} of {whole:,}"

    def cell_rows(self, width: int) -> list[Row]:
        """Return rows on the pair under the cursor, in both directions, and its two classes."""
        if self.selected is None:
            return self.nothing()
        first = [*self._shown.cell_pieces(self.cell), self._shown.other_way(self.cell)]
        scores = (self._shown.score_pieces(one) for one in self.cell)
        return [fitted(row, width) for row in (first, *scores)]

    def _most_confused(self, label: int) -> Cell:
        pairs = self._shown.confusion.predicted_as(label)
        return (label, pairs[0].predicted) if pairs else self._shown.first_cell


class ClassesPage(ListPage[ClassRow]):
    """The classes."""

    def __init__(self, shown: ShownEvaluation) -> None:
        """Show the class with the lowest accuracy first."""
        rows: RowList[ClassRow] = ClassList(id="class-list")
        super().__init__(shown, class_rows(shown), FilteredList(rows, class_order(), "names of classes"), "class-page")

    @property
    def cell(self) -> Cell:
        """The cell of the class's correct images."""
        label = self.selected.label if self.selected is not None else 0
        return label, label

    def take_keys(self, cell: Cell) -> None:
        """Put the cursor on the true class of a cell."""
        self._go_to(str(cell[0]))

    def title(self, count: int) -> str:
        """Return how many classes there are."""
        whole = len(self._all)
        return f"{text.counted(count, 'class')}" if count == whole else f"{count:,} of {text.counted(whole, 'class')}"

    def cell_rows(self, width: int) -> list[Row]:
        """Return rows on the class under the cursor: its scores, its row of the matrix, and its column."""
        if self.selected is None:
            return self.nothing()
        label, confusion = self.selected.label, self._shown.confusion
        images: Row = ((text.counted(confusion.images[label], "image"), "value"),)
        scores = self._shown.score_pieces(label)
        predicted_as = self._shown.named_pieces("predicted as", confusion.predicted_as(label)[:LISTED])
        others = self._shown.named_pieces("predicted as it", confusion.predicted_from(label)[:LISTED], by_label=True)
        return [fitted([scores[0], images, *scores[1:]], width), fitted(predicted_as, width), fitted(others, width)]
