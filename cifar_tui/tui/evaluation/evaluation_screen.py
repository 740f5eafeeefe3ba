"""The screen of one evaluation: confusion matrix, scores of the classes, most confused pairs."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.screen import Screen

from cifar_tui import text
from cifar_tui.report.confusion import ClassScore, Pair, class_scores, most_confused, share_of_row
from cifar_tui.report.verdict_text import class_names
from cifar_tui.tui import common_keys
from cifar_tui.tui.evaluation.confusion_matrix import ConfusionMatrix
from cifar_tui.tui.evaluation.evaluation_finder import FoundEvaluation
from cifar_tui.tui.evaluation.evaluation_rows import age_rows, number_pieces
from cifar_tui.tui.evaluation.misclassified import MisclassifiedScreen
from cifar_tui.tui.widgets.key_row import KeyRow
from cifar_tui.tui.widgets.rows import Row, Rows, bar, cut, fitted

PAIR_WIDTH = 38
"""Cells of a pair beside another."""
BAR_ROOM = 26
"""Cells of a class's row without its bars and its name."""


class EvaluationScreen(Screen[None]):
    """One evaluation, as it was when the screen was opened."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "app.pop_screen", "Back", key_display="esc", tooltip="Back to the checkpoints"),
        Binding(
            "enter", "show_cell", "Images of the cell", key_display="enter", tooltip="All images of the selected cell"
        ),
        Binding("i", "show_all", "Images", tooltip="All test images that were predicted as another class"),
        Binding("greater_than_sign", "next_pair(1)", "Next pair", key_display=">", tooltip="The next confused pair"),
        Binding(
            "less_than_sign",
            "next_pair(-1)",
            "Previous pair",
            show=False,
            key_display="<",
            tooltip="The previous confused pair",
        ),
        Binding(
            "percent_sign", "toggle_shares", "Per cent", key_display="%", tooltip="Per cent of the class, or images"
        ),
        Binding("left", "move(0, -1)", "Left", show=False, tooltip="Move through the matrix (all arrows)"),
        Binding("right", "move(0, 1)", "Right", show=False),
        Binding("up", "move(-1, 0)", "Up", show=False),
        Binding("down", "move(1, 0)", "Down", show=False),
        *common_keys.BEFORE,
        *common_keys.AFTER,
    ]

    def __init__(self, found: FoundEvaluation, run: str) -> None:
        """Show an evaluation of a run's checkpoint; the cursor is on the most confused pair."""
        super().__init__()
        self._found = found
        checkpoint = text.safe_text(found.result.checkpoint, 40)
        self._title = f"{run} · {checkpoint}" if run else checkpoint
        self._names = class_names(found.result)
        self._scores = class_scores(found.result)
        self._pairs = most_confused(found.result)

    def compose(self) -> ComposeResult:
        """Lay out the panels."""
        first = (self._pairs[0].label, self._pairs[0].predicted) if self._pairs else (0, 0)
        yield Rows(id="verdict-head", classes="head")
        with Container(id="verdict-page"):
            yield ConfusionMatrix(self._found.result, first)
            yield _panel("pairs", "Most confused pairs: true → predicted")
            yield _panel("class-scores", "Classes")
        yield Rows(id="cell")
        yield KeyRow()

    def on_mount(self) -> None:
        """Give the matrix the focus."""
        self.query_one("#verdict-head").styles.height = 2
        self._matrix.focus()

    def on_rows_outdated(self, message: Rows.Outdated) -> None:
        """Draw everything for the new size."""
        message.stop()
        self._show()

    def on_screen_resume(self) -> None:
        """Draw for a size that may have changed behind another screen."""
        self._show()

    def on_confusion_matrix_moved(self) -> None:
        """Describe the cell now under the cursor."""
        self._show_cell()
        self._show_pairs()

    def on_confusion_matrix_chosen(self) -> None:
        """Show the images of the cell under the cursor."""
        self.action_show_cell()

    def action_move(self, down: int, right: int) -> None:
        """Move over the matrix."""
        self._matrix.move(down, right)

    def action_show_cell(self) -> None:
        """Show the images of the cell under the cursor."""
        self.app.push_screen(MisclassifiedScreen(self._found, self._title, *self._matrix.cell))

    def action_show_all(self) -> None:
        """Show the wrong images."""
        self.app.push_screen(MisclassifiedScreen(self._found, self._title))

    def action_next_pair(self, by: int) -> None:
        """Go to the next of the most confused pairs, or the previous one; the first follows the last."""
        if self._pairs:
            place = self._place()
            pair = self._pairs[min(by, 0) if place is None else (place + by) % len(self._pairs)]
            self._matrix.move_to((pair.label, pair.predicted))

    def action_toggle_shares(self) -> None:
        """Show per cent instead of images, or images again."""
        self._matrix.toggle_shares()

    @property
    def _matrix(self) -> ConfusionMatrix:
        return self.query_one(ConfusionMatrix)

    def _place(self) -> int | None:
        """Place of the cursor's cell among the most confused pairs, from 0; None for another cell."""
        cells = [(pair.label, pair.predicted) for pair in self._pairs]
        return cells.index(self._matrix.cell) if self._matrix.cell in cells else None

    def _show(self) -> None:
        head = self.query_one("#verdict-head", Rows)
        width = head.size.width
        title: Row = ((cut(self._title, width), "accent"),)
        head.set_rows([fitted([title, *number_pieces(self._found.result)], width), *age_rows(self._found, width)])
        self._matrix.show(with_scores=not self.query_one("#class-scores").display)
        self._show_pairs()
        self._show_classes()
        self._show_cell()

    def _show_pairs(self) -> None:
        panel = self.query_one("#pairs", Rows)
        columns, height = max(panel.size.width // PAIR_WIDTH, 1), panel.size.height
        shown = self._pairs[: columns * height]
        rows: list[Row] = [
            tuple(span for place in range(y, len(shown), height) for span in self._pair_spans(shown[place]))
            for y in range(min(height, len(shown)))
        ]
        panel.set_rows(rows or [(("No image was predicted as another class.", "good"),)])

    def _pair_spans(self, pair: Pair) -> Row:
        width = max(map(text.cells, self._names))
        under_cursor = (pair.label, pair.predicted) == self._matrix.cell
        label, predicted = self._names[pair.label], self._names[pair.predicted]
        names = f"{text.padded(label, width, right=True)} → {text.padded(predicted, width)}"
        numbers = f"{pair.images:>5,} {text.percent(pair.share, 1):>7}"
        return ((names, "accent" if under_cursor else "label"), (numbers, "value"), ("  ", ""))

    def _show_classes(self) -> None:
        panel = self.query_one("#class-scores", Rows)
        width = max(map(text.cells, self._names))
        cells = max((panel.size.width - width - BAR_ROOM) // 2, 4)
        head = f"{'':<{width}} {'precision':>{cells + 8}} {'recall':>{cells + 8}} {'F1':>7}"
        rows: list[Row] = [((head, "dim"),)]
        for name, score in zip(self._names, self._scores, strict=True):
            spans: Row = (
                (f"{text.padded(name, width)} ", "label"),
                *_bar(score.precision, cells),
                *_bar(score.recall, cells),
            )
            rows.append((*spans, (f"{text.percent(score.f1, 1):>7}", "value")))
        panel.set_rows(rows)

    def _show_cell(self) -> None:
        """Describe the cell under the cursor, and its two classes."""
        panel = self.query_one("#cell", Rows)
        label, predicted = self._matrix.cell
        images = text.counted(self._found.result.confusion[label][predicted], "image")
        share = text.percent(share_of_row(self._found.result, label, predicted), 1)
        title = f"{self._names[label]} predicted as {self._names[predicted]}"
        place = self._place()
        pieces: list[Row] = [
            ((title if label != predicted else f"{self._names[label]} predicted correctly", "accent"),),
            ((images, "value"),),
            ((share, "value"),),
        ]
        if place is not None:
            pieces.append(((f"pair {place + 1} of {len(self._pairs)}", "dim"),))
        scores = (_score_pieces(self._names[one], self._scores[one]) for one in dict.fromkeys((label, predicted)))
        panel.set_rows([fitted(row, panel.size.width) for row in (pieces, *scores)])


def _panel(name: str, title: str) -> Rows:
    panel = Rows(id=name, classes="panel")
    panel.border_title = title
    return panel


def _bar(share: float, cells: int) -> Row:
    known = share if share == share else 0.0
    return (*bar(known, cells), (f" {text.percent(share, 1):>7} ", "value"))


def _score_pieces(name: str, score: ClassScore) -> list[Row]:
    numbers = (("precision", score.precision), ("recall", score.recall), ("F1", score.f1))
    return [
        ((name, "label"),),
        *(((f"{score_name} ", "dim"), (text.percent(share, 1), "value")) for score_name, share in numbers),
    ]
