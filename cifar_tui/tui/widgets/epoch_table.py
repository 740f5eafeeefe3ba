"""The table of finished epochs, newest in view, the best one marked."""

from textual.widgets import DataTable

from cifar_tui import text
from cifar_tui.events import EpochDone
from cifar_tui.history.run_history import RunHistory
from cifar_tui.tui.widgets.rows import Rows

WIDTHS = {"Epoch": 5, "Loss": 6, "Acc %": 6, "Test loss": 9, "Test %": 6, "Rate": 9, "Time": 7}
"""Columns, and the cells of each."""
DROPPED_FIRST = ("Rate", "Test loss", "Loss", "Time", "Acc %")
"""Columns that are left out, in this order, where they do not fit: no number is ever cut."""
BEST_SIGN = "★"
SCROLLBAR = 2


class EpochTable(DataTable[str]):
    """One row for each epoch."""

    def __init__(self) -> None:
        super().__init__(id="epochs", classes="panel", cursor_type="row", zebra_stripes=False)
        self.border_title = "Epochs"
        self.border_subtitle = "the first is still to come"
        self._best: int | None = None
        self._shown = 0
        self._listed: list[EpochDone] = []

    def on_mount(self) -> None:
        """Ask to be shown."""
        self.post_message(Rows.Outdated())

    def on_resize(self) -> None:
        """Choose the columns that fit."""
        if self.size.width and columns_for(self.size.width) != tuple(key.value for key in self.columns):
            self.clear(columns=True)
            self._shown, self._best = 0, None
            for name in columns_for(self.size.width):
                self.add_column(name, key=name, width=WIDTHS[name])
            self.post_message(Rows.Outdated())

    def show(self, history: RunHistory) -> None:
        """Add the epochs that are new and move the mark where the best changed."""
        if not self.columns:
            return
        if any(one is not other for one, other in zip(self._listed, history.epochs, strict=False)) or self._shown > len(
            history.epochs
        ):
            self.clear()
            self._shown, self._best = 0, None
        at_end = self.scroll_y >= self.max_scroll_y
        for epoch in history.epochs[self._shown :]:
            cells = _cells(epoch)
            self.add_row(*(cells[key.value or ""] for key in self.columns), key=str(epoch.epoch))
        self._listed = list(history.epochs)
        if self._shown != len(history.epochs):
            self._shown = len(history.epochs)
            self._mark_best(history)
            if at_end:
                self.move_cursor(row=self._shown - 1, scroll=True)

    def _mark_best(self, history: RunHistory) -> None:
        best = history.best.epoch if history.best else None
        if best == self._best:
            return
        for epoch, sign in ((self._best, ""), (best, f" {BEST_SIGN}")):
            if epoch is not None:
                self.update_cell(str(epoch), "Epoch", f"{epoch:>3}{sign}")
        self._best = best
        self.border_subtitle = f"{BEST_SIGN} best on the test set" if best else ""


def columns_for(width: int) -> tuple[str, ...]:
    """Return the columns that fit so many cells."""
    chosen = list(WIDTHS)
    for name in DROPPED_FIRST:
        if sum(WIDTHS[one] + 2 for one in chosen) + SCROLLBAR > width:
            chosen.remove(name)
    return tuple(chosen)


def _cells(epoch: EpochDone) -> dict[str, str]:
    return {
        "Epoch": f"{epoch.epoch:>3}",
        "Loss": text.loss(epoch.train_loss),
        "Acc %": text.percent_number(epoch.train_accuracy),
        "Test loss": text.loss(epoch.test_loss),
        "Test %": text.percent_number(epoch.test_accuracy),
        "Rate": text.rate(epoch.learning_rate),
        "Time": text.clock(epoch.train_seconds + epoch.test_seconds),
    }
