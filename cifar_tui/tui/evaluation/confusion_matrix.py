"""A confusion matrix as a heat map with a cursor: true classes down, predicted classes across."""

import math

from textual import events
from textual.message import Message

from cifar_tui import text
from cifar_tui.report.class_names import fitted_name, short_names
from cifar_tui.tui.evaluation.shown_evaluation import Cell, ShownEvaluation
from cifar_tui.tui.widgets.rows import Row, Rows, Span

STRENGTHS = {"right": (0.0, 0.5, 0.8, 0.9), "wrong": (0.0, 0.02, 0.05, 0.15)}
"""Shares of the true class from which a cell has each strength; right ones are on the diagonal."""
MIN_NAME = 4
"""Cells that a class name needs to differ from the others."""
LEAST_NAME = 10
"""Cells of the longest name from which on it is shortened to let all columns fit."""
MIN_DIGITS = 3
MAX_SPARE = 2
"""Cells by which a column may be wider than its counts."""
SCORE_WIDTH = 6
SCORES_HEAD = "".join(f"{name:>{SCORE_WIDTH}}" for name in ("prec.", "rec.", "F1"))


class ConfusionMatrix(Rows, can_focus=True):
    """Counts of images, each on a background as strong as its share of the true class."""

    class Moved(Message):
        """The cursor is on another cell."""

    class Chosen(Message):
        """A person asks for the images of the cell under the cursor."""

    def __init__(self, shown: ShownEvaluation, cell: Cell) -> None:
        """Show the matrix of a result with the cursor on a cell: true class, predicted class."""
        super().__init__(id="matrix", classes="panel")
        self.cell = cell
        self.as_shares = False
        """True while cells show per cent of the true class, and not images."""
        self._confusion = shown.confusion
        self._names = shown.names
        self._longest = max(map(text.cells, shown.names))
        self._digits = max(MIN_DIGITS, len(str(max(images for _, _, images in shown.result.cells()))))
        self._scores_wanted = True
        self._top = 0
        """The class in the first row."""
        self._left = 0
        """The class in the first column."""

    def show(self, *, with_scores: bool) -> None:
        """Draw the matrix for the size there is, each class with its scores where they are wanted and fit."""
        self._scores_wanted = with_scores
        self._draw()

    @property
    def least_width(self) -> int:
        """Cells that all columns need, with names that can be told apart."""
        return min(self._longest, LEAST_NAME) + len(self._names) * (MIN_DIGITS + 1)

    def _draw(self) -> None:
        share_title = "per cent of the true class" if self._shares else "images"
        self.border_title = f"Confusion, {share_title}: true ↓ predicted →"
        # Where not all rows or columns fit, those around the cursor are shown.
        self._top, bottom = _around(self.cell[0], max(self.size.height - 1, 1), len(self._names))
        self._left, right = _around(self.cell[1], self._columns, len(self._names))
        hidden = bottom - self._top < len(self._names) or right - self._left < len(self._names)
        where = f"rows {self._top + 1}–{bottom}, columns {self._left + 1}–{right} of {len(self._names):,}"
        self.border_subtitle = where if hidden else ""
        columns = range(self._left, right)
        self.set_rows([self._head(columns), *(self._class_row(label, columns) for label in range(self._top, bottom))])

    def move(self, down: int, right: int) -> None:
        """Move the cursor, at most to the edges."""
        last = len(self._names) - 1
        self.move_to((min(max(self.cell[0] + down, 0), last), min(max(self.cell[1] + right, 0), last)))

    def move_to(self, cell: tuple[int, int]) -> None:
        """Put the cursor on a cell."""
        if cell != self.cell:
            self.cell = cell
            self._draw()
            self.post_message(self.Moved())

    def toggle_shares(self) -> None:
        """Show per cent instead of images, or images again."""
        self.as_shares = not self.as_shares
        self._draw()

    def on_click(self, event: events.Click) -> None:
        """Move the cursor to the cell; a click on the cell under the cursor asks for its images."""
        place = event.get_content_offset(self)
        if place is None:
            return
        cell = (place.y - 1 + self._top, (place.x - self._name_width) // self._cell_width + self._left)
        if not all(0 <= part < len(self._names) for part in cell) or place.y < 1 or place.x < self._name_width:
            return
        if cell == self.cell:
            self.post_message(self.Chosen())
        self.move_to(cell)

    @property
    def _shares(self) -> bool:
        """True while cells show per cent: when chosen, and where only they let all columns fit."""
        return self.as_shares or (self._all_fit(MIN_DIGITS) and not self._all_fit(self._digits))

    def _all_fit(self, digits: int) -> bool:
        return MIN_NAME + len(self._names) * (digits + 1) <= self.size.width

    @property
    def _cell_width(self) -> int:
        """Cells of a count; spare ones are spread over all columns."""
        least = 1 + (MIN_DIGITS if self._shares else self._digits)
        used = self._longest + len(self._names) * least
        used += len(SCORES_HEAD) if self._scores_wanted else 0
        return least + min(max(self.size.width - used, 0) // len(self._names), MAX_SPARE)

    @property
    def _columns(self) -> int:
        """Columns that fit."""
        width = self._cell_width
        if MIN_NAME + len(self._names) * width <= self.size.width:
            return len(self._names)
        return max((self.size.width - min(self._longest, self.size.width // 3)) // width, 1)

    @property
    def _name_width(self) -> int:
        return max(min(self._longest, self.size.width - self._columns * self._cell_width), MIN_NAME)

    @property
    def _scores_fit(self) -> bool:
        width = self._name_width + len(self._names) * self._cell_width + len(SCORES_HEAD)
        return self._scores_wanted and width <= self.size.width

    def _head(self, columns: range) -> Row:
        width = self._cell_width
        spans: list[Span] = [(" " * self._name_width, "")]
        names = short_names([self._names[one] for one in columns], width - 1, columns.start)
        for predicted, name in zip(columns, names, strict=True):
            spans.append((text.padded(name, width, right=True), "accent" if predicted == self.cell[1] else "label"))
        return (*spans, (SCORES_HEAD, "dim")) if self._scores_fit else tuple(spans)

    def _class_row(self, label: int, columns: range) -> Row:
        name = text.padded(fitted_name(self._names[label], self._name_width), self._name_width)
        spans: list[Span] = [(name, "accent" if label == self.cell[0] else "label")]
        spans += [self._cell_span(label, predicted) for predicted in columns]
        if self._scores_fit:
            score = self._confusion.scores[label]
            shares = (score.precision, score.recall, score.f1)
            spans.append(("".join(f"{short_percent(share):>{SCORE_WIDTH}}" for share in shares), "value"))
        return tuple(spans)

    def _cell_span(self, label: int, predicted: int) -> Span:
        count, share = self._confusion.count(label, predicted), self._confusion.share(label, predicted)
        number = str(count) if not self._shares else f"{share:.0%}".rstrip("%") if math.isfinite(share) else "–"
        shown = f"{number:>{self._cell_width}}"
        if (label, predicted) == self.cell:
            return shown, "cursor"
        return shown, strength(share, hit=label == predicted) if count else "dim"


def _around(place: int, fitting: int, count: int) -> tuple[int, int]:
    """Return the first of `count` that is shown, and the one after the last, where only so many fit around a place."""
    first = min(max(place - fitting // 2, 0), max(count - fitting, 0))
    return first, min(first + fitting, count)


def strength(share: float, *, hit: bool) -> str:
    """Return the style of a cell with a share of the true class above 0."""
    kind = "right" if hit else "wrong"
    return f"{kind}-{sum(share >= least for least in STRENGTHS[kind])}"


def short_percent(share: float) -> str:
    """Return `93.4`, `100` or `–`: at most four characters."""
    if not math.isfinite(share):
        return "–"
    return f"{share * 100:.1f}" if share < 0.9995 else "100"
