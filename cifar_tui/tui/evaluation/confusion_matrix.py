"""A confusion matrix as a heat map with a cursor: true classes down, predicted classes across."""

import math

from textual import events
from textual.message import Message

from cifar_tui import text
from cifar_tui.checkpoint_events import EvaluationDone
from cifar_tui.report.confusion import class_scores, share_of_row
from cifar_tui.report.verdict_text import class_names, short_names
from cifar_tui.tui.widgets.rows import Row, Rows, Span, cut

STRENGTHS = {"right": (0.0, 0.5, 0.8, 0.9), "wrong": (0.0, 0.02, 0.05, 0.15)}
"""Shares of the true class from which a cell has each strength; right ones are on the diagonal."""
MIN_NAME = 4
"""Cells that a class name needs to differ from the others."""
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

    def __init__(self, result: EvaluationDone, cell: tuple[int, int]) -> None:
        """Show the matrix of a result with the cursor on a cell: true class, predicted class."""
        super().__init__(id="matrix", classes="panel")
        self.result = result
        self.cell = cell
        self.as_shares = False
        """True while cells show per cent of the true class, and not images."""
        self._names = class_names(result)
        self._scores = class_scores(result)
        self._scores_wanted = True
        self._top = 0
        """The class in the first row."""

    def show(self, *, with_scores: bool) -> None:
        """Draw the matrix for the size there is, each class with its scores where they are wanted and fit."""
        self._scores_wanted = with_scores
        self._draw()

    def _draw(self) -> None:
        share_title = "per cent of the true class" if self._shares else "images"
        self.border_title = f"Confusion, {share_title}: true ↓ predicted →"
        # Where not all rows fit, those around the cursor are shown.
        fitting = max(self.size.height - 1, 1)
        self._top = min(max(self.cell[0] - fitting // 2, 0), max(len(self._names) - fitting, 0))
        rows = [self._head(), *(self._class_row(label) for label in range(self._top, len(self._names)))]
        self.set_rows(rows if self.size.width >= self._name_width + self._cells_width else _too_narrow(self.size.width))

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
        cell = (place.y - 1 + self._top, (place.x - self._name_width) // self._cell_width)
        if not all(0 <= part < len(self._names) for part in cell) or place.y < 1 or place.x < self._name_width:
            return
        if cell == self.cell:
            self.post_message(self.Chosen())
        self.move_to(cell)

    @property
    def _digits(self) -> int:
        return max(MIN_DIGITS, len(str(max(map(max, self.result.confusion)))))

    @property
    def _shares(self) -> bool:
        """True while cells show per cent: when chosen, and where counts do not fit."""
        return self.as_shares or len(self._names) * (self._digits + 1) > self.size.width - MIN_NAME

    @property
    def _cell_width(self) -> int:
        """Cells of a count; spare ones are spread over all columns."""
        least = 1 + (MIN_DIGITS if self._shares else self._digits)
        used = max(map(text.cells, self._names)) + len(self._names) * least
        used += len(SCORES_HEAD) if self._scores_wanted else 0
        return least + min(max(self.size.width - used, 0) // len(self._names), MAX_SPARE)

    @property
    def _cells_width(self) -> int:
        return len(self._names) * self._cell_width

    @property
    def _name_width(self) -> int:
        return max(min(max(map(text.cells, self._names)), self.size.width - self._cells_width), MIN_NAME)

    @property
    def _scores_fit(self) -> bool:
        return self._scores_wanted and self._name_width + self._cells_width + len(SCORES_HEAD) <= self.size.width

    def _head(self) -> Row:
        width = self._cell_width
        spans: list[Span] = [(" " * self._name_width, "")]
        for predicted, name in enumerate(short_names(self._names, width - 1)):
            spans.append((text.padded(name, width, right=True), "accent" if predicted == self.cell[1] else "label"))
        return (*spans, (SCORES_HEAD, "dim")) if self._scores_fit else tuple(spans)

    def _class_row(self, label: int) -> Row:
        name = text.padded(cut(self._names[label], self._name_width), self._name_width)
        spans: list[Span] = [(name, "accent" if label == self.cell[0] else "label")]
        spans += [self._cell_span(label, predicted) for predicted in range(len(self._names))]
        if self._scores_fit:
            score = self._scores[label]
            shares = (score.precision, score.recall, score.f1)
            spans.append(("".join(f"{short_percent(share):>{SCORE_WIDTH}}" for share in shares), "value"))
        return tuple(spans)

    def _cell_span(self, label: int, predicted: int) -> Span:
        count = self.result.confusion[label][predicted]
        share = share_of_row(self.result, label, predicted)
        number = str(count) if not self._shares else f"{share:.0%}".rstrip("%") if math.isfinite(share) else "–"
        shown = f"{number:>{self._cell_width}}"
        if (label, predicted) == self.cell:
            return shown, "cursor"
        return shown, strength(share, hit=label == predicted) if count else "dim"


def strength(share: float, *, hit: bool) -> str:
    """Return the style of a cell with a share of the true class above 0."""
    kind = "right" if hit else "wrong"
    return f"{kind}-{sum(share >= least for least in STRENGTHS[kind])}"


def short_percent(share: float) -> str:
    """Return `93.4`, `100` or `–`: at most four characters."""
    if not math.isfinite(share):
        return "–"
    return f"{share * 100:.1f}" if share < 0.9995 else "100"


def _too_narrow(width: int) -> list[Row]:
    return [((cut("The matrix needs 60 columns.", width), "dim"),)]
