"""The table of finished epochs, newest in view, the best one marked."""

from bisect import bisect_left

from textual.widgets import DataTable

from cifar_tui import text
from cifar_tui.events import EpochDone
from cifar_tui.history.run_history import RunHistory
from cifar_tui.tui.widgets.rows import Rows

WIDTHS = {
    "Epoch": 7,
    "Loss": 8,
    "Acc %": 6,
    "Test loss": 9,
    "Test %": 6,
    "Rate": 9,
    "Images/s": 8,
    "Time": 7,
}
"""Columns, and the least cells of each; its head and its numbers end at the right."""
DROPPED_FIRST = ("Images/s", "Rate", "Test loss", "Loss", "Time", "Acc %")
"""Columns that are left out, in this order, where they do not fit: no number is ever cut."""
BEST_SIGN, NO_SIGN = "★", "  "
BEFORE_FIRST = "The first line comes after epoch 1"
SCROLLBAR = 1
PADDING = 2
"""Cells beside every column."""
MOST_SPREAD = 5
"""Cells by which a column may be wider where there is room."""


class EpochTable(DataTable[str]):
    """One row for each epoch."""

    def __init__(self) -> None:
        super().__init__(id="epochs", classes="panel", cursor_type="row", zebra_stripes=False)
        self.border_title = "Epochs"
        self.border_subtitle = BEFORE_FIRST
        self._best: int | None = None
        self._shown = 0
        self._listed: list[EpochDone] = []
        self._widths: dict[str, int] = {}
        self._history = RunHistory()
        self._pointed: float | None = None

    def on_mount(self) -> None:
        """Ask to be shown."""
        self.post_message(Rows.Outdated())

    def on_resize(self) -> None:
        """Choose the columns that fit, and spread them."""
        widths = columns_for(self.size.width)
        if not self.size.width or widths == self._widths:
            return
        self._widths = widths
        row = self.cursor_row
        self.clear(columns=True)
        self._shown, self._best = 0, None
        for name, width in widths.items():
            head = f"{name}{NO_SIGN}" if name == "Epoch" else name
            self.add_column(f"{head:>{width}}", key=name, width=width)
        self.show(self._history)  # at once: an empty table would be laid out, and drawn
        self.move_cursor(row=row, scroll=True)

    def show(self, history: RunHistory) -> None:
        """Add the epochs that are new and move the mark where the best changed."""
        self._history = history
        if not self.columns:
            return
        if any(one is not other for one, other in zip(self._listed, history.epochs, strict=False)) or self._shown > len(
            history.epochs
        ):
            self.clear()
            self._shown, self._best = 0, None
        at_end = self.scroll_y >= self.max_scroll_y and self._pointed is None
        images = history.data.train_images if history.data is not None else 0
        for epoch in history.epochs[self._shown :]:
            cells = _cells(epoch, images)
            columns = ((cells[key.value or ""], column.width) for key, column in self.columns.items())
            self.add_row(*(f"{cell:>{width}}" for cell, width in columns), key=str(epoch.epoch))
        self._listed = list(history.epochs)
        if self._shown != len(history.epochs):
            self._shown = len(history.epochs)
            self._mark_best(history)
            if at_end:
                self.move_cursor(row=self._shown - 1, scroll=True)

    def point(self, step: float | None) -> None:
        """Go to the epoch of a step; without one, back to the newest."""
        if step != self._pointed and self._listed:
            last = len(self._listed) - 1
            row = last if step is None else bisect_left([epoch.step for epoch in self._listed], step)
            self.move_cursor(row=min(row, last), scroll=True)
        self._pointed = step

    def _mark_best(self, history: RunHistory) -> None:
        best = history.best.epoch if history.best else None
        if best == self._best:
            return
        width = next(iter(self.columns.values())).width
        for epoch, sign in ((self._best, NO_SIGN), (best, f" {BEST_SIGN}")):
            if epoch is not None:
                self.update_cell(str(epoch), "Epoch", f"{f'{epoch}{sign}':>{width}}")
        self._best = best
        self.border_subtitle = f"{BEST_SIGN} best on the test set" if best else ""


def columns_for(width: int) -> dict[str, int]:
    """Return the columns that fit so many cells, and the cells of each."""
    chosen = dict(WIDTHS)
    for name in DROPPED_FIRST:
        if _needed(chosen) > width:
            del chosen[name]
    spread = min(max(width - _needed(chosen), 0) // len(chosen), MOST_SPREAD)
    return {name: cells + spread for name, cells in chosen.items()}


def _needed(columns: dict[str, int]) -> int:
    return sum(cells + PADDING for cells in columns.values()) + SCROLLBAR


def _cells(epoch: EpochDone, images: int) -> dict[str, str]:
    seconds = epoch.train_seconds
    both = seconds + epoch.test_seconds
    return {
        "Epoch": f"{epoch.epoch}{NO_SIGN}",
        "Loss": text.loss(epoch.train_loss),
        "Acc %": text.percent_number(epoch.train_accuracy),
        "Test loss": text.loss(epoch.test_loss),
        "Test %": text.percent_number(epoch.test_accuracy),
        "Rate": text.rate(epoch.learning_rate),
        "Images/s": f"{images / seconds:,.0f}" if images and seconds > 0 else "–",
        "Time": text.clock(both) if both < 36_000 else f"{both / 3_600:.1f} h",
    }
