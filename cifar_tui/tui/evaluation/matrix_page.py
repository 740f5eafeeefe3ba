"""The page of an evaluation with the confusion matrix, and beside it the most confused pairs and the classes."""

from textual.app import ComposeResult
from textual.containers import Container

from cifar_tui import text
from cifar_tui.report.class_names import class_names
from cifar_tui.report.confusion import Pair
from cifar_tui.tui.evaluation.confusion_matrix import ConfusionMatrix
from cifar_tui.tui.evaluation.shown_evaluation import Cell, ShownEvaluation
from cifar_tui.tui.widgets.rows import Row, Rows, bar, fitted

PAIR_ROOM = 18
"""Cells of a pair without its names, the gap to the next one included."""
LEAST_NAME = 6
BAR_ROOM = 26
"""Cells of a class's row without its bars and its name."""
PAIRS_PANEL = 44
"""Columns of the pairs beside a matrix, as app.tcss has them."""
FEWEST_ROWS = 5
"""Of the pairs below a matrix, with their frame."""
AROUND = 4
"""Cells of a panel's frame and padding, from left to right."""
HEAD = 3
"""Rows of a matrix without its classes: its frame and its head."""


class MatrixPage(Container):
    """A matrix with a cursor on one cell."""

    def __init__(self, shown: ShownEvaluation) -> None:
        """Put the cursor on the most confused pair."""
        super().__init__(id="verdict-page", classes="page")
        self._shown = shown

    def compose(self) -> ComposeResult:
        """Lay out the panels."""
        yield ConfusionMatrix(self._shown, self._shown.first_cell)
        yield _panel("pairs", "Most confused pairs: true → predicted")
        yield _panel("class-scores", "Classes")

    @property
    def matrix(self) -> ConfusionMatrix:
        """The matrix."""
        return self.query_one(ConfusionMatrix)

    @property
    def cell(self) -> Cell:
        """The cell under the cursor."""
        return self.matrix.cell

    def take_keys(self, cell: Cell) -> None:
        """Put the cursor on a cell, and listen to keys."""
        self.matrix.move_to(cell)
        self.matrix.focus()

    def lay_out(self) -> None:
        """Give the matrix the room that its classes need: all of it where the other panels would take too much."""
        classes = self._shown.confusion.classes
        narrow = not self.screen.has_class("-wide")
        width = self.size.width - (0 if narrow else PAIRS_PANEL) - AROUND
        least = self.matrix.least_width
        alone = classes + HEAD + FEWEST_ROWS > self.size.height or width < least <= self.size.width - AROUND
        alone = alone or self.screen.has_class("-low") or self.screen.has_class("-flat")
        left = self.size.height - classes - HEAD
        without_scores = alone or (not narrow and left < classes + HEAD)
        self.set_class(alone, "-alone")
        self.set_class(without_scores, "-without-scores")
        whole = alone or (without_scores and not narrow)
        self.styles.grid_rows = "1fr" if whole else f"{classes + HEAD} 1fr"

    def show(self) -> None:
        """Draw all panels for the size there is."""
        self.matrix.show(with_scores=not self.query_one("#class-scores").display)
        self.show_pairs()
        self._show_classes()

    def show_pairs(self) -> None:
        """Draw the pairs, the one under the cursor marked."""
        panel = self.query_one("#pairs", Rows)
        longest, height = max(map(text.cells, self._shown.names)), panel.size.height
        columns = max(panel.size.width // (PAIR_ROOM + 2 * longest), 1)
        names, room = self._shown.names, (panel.size.width - PAIR_ROOM + 2) // 2
        if room < longest:
            longest = max(room, LEAST_NAME)
            names = class_names(self._shown.result.classes, longest)
        pairs = self._shown.confusion.pairs[: columns * height]
        rows: list[Row] = [
            tuple(span for pair in pairs[y::height] for span in self._pair_spans(pair, names, longest))
            for y in range(min(height, len(pairs)))
        ]
        panel.set_rows(rows or [(("No image was predicted as another class.", "good"),)])

    def cell_rows(self, width: int) -> list[Row]:
        """Return rows on the cell under the cursor and its two classes."""
        pieces = self._shown.cell_pieces(self.cell)
        scores = (self._shown.score_pieces(one) for one in dict.fromkeys(self.cell))
        return [fitted(row, width) for row in (pieces, *scores)]

    def _pair_spans(self, pair: Pair, shown_names: list[str], width: int) -> Row:
        under_cursor = (pair.label, pair.predicted) == self.cell
        label, predicted = shown_names[pair.label], shown_names[pair.predicted]
        names = f"{text.padded(label, width, right=True)} → {text.padded(predicted, width)}"
        numbers = f"{pair.images:>5,} {text.percent(pair.share, 1):>7}"
        return ((names, "accent" if under_cursor else "label"), (numbers, "value"), ("  ", ""))

    def _show_classes(self) -> None:
        panel = self.query_one("#class-scores", Rows)
        if not panel.display:
            return
        names, scores = self._shown.names, self._shown.confusion.scores
        width = max(map(text.cells, names))
        cells = max((panel.size.width - width - BAR_ROOM) // 2, 4)
        head = f"{'':<{width}} {'precision':>{cells + 8}} {'recall':>{cells + 8}} {'F1':>7}"
        rows: list[Row] = [((head, "dim"),)]
        for name, score in zip(names, scores, strict=True):
            spans: Row = (
                (f"{text.padded(name, width)} ", "label"),
                *_bar(score.precision, cells),
                *_bar(score.recall, cells),
            )
            rows.append((*spans, (f"{text.percent(score.f1, 1):>7}", "value")))
        panel.set_rows(rows)


def _panel(name: str, title: str) -> Rows:
    panel = Rows(id=name, classes="panel")
    panel.border_title = title
    return panel


def _bar(share: float, cells: int) -> Row:
    known = share if share == share else 0.0
    return (*bar(known, cells), (f" {text.percent(share, 1):>7} ", "value"))
