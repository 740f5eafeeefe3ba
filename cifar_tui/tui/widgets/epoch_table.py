"""The table of finished epochs, newest in view, the best one marked."""

from textual.widgets import DataTable

from cifar_tui import text
from cifar_tui.events import EpochDone
from cifar_tui.history import RunHistory
from cifar_tui.tui.widgets.rows import Rows

COLUMNS = ("Epoch", "Loss", "Acc %", "Test loss", "Test %", "Rate", "Time")
BEST_SIGN = "★"


class EpochTable(DataTable[str]):
    """One row an epoch."""

    def __init__(self) -> None:
        """Start with no rows."""
        super().__init__(id="epochs", classes="panel", cursor_type="row", zebra_stripes=False)
        self.border_title = "Epochs"
        self._best: int | None = None
        self._shown = 0

    def on_mount(self) -> None:
        """Add the columns."""
        for name in COLUMNS:
            self.add_column(name, key=name)
        self.post_message(Rows.Outdated())

    def show(self, history: RunHistory) -> None:
        """Add the epochs that are new and move the mark where the best changed."""
        if not self.columns:
            return
        if self._shown > len(history.epochs):
            self.clear()
            self._shown, self._best = 0, None
        at_end = self.scroll_y >= self.max_scroll_y
        for epoch in history.epochs[self._shown :]:
            self.add_row(*_cells(epoch), key=str(epoch.epoch))
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
                self.update_cell(str(epoch), "Epoch", f"{epoch:>3}{sign}", update_width=True)
        self._best = best
        self.border_subtitle = f"{BEST_SIGN} best on the test set" if best else ""


def _cells(epoch: EpochDone) -> tuple[str, ...]:
    return (
        f"{epoch.epoch:>3}",
        text.loss(epoch.train_loss),
        text.percent_number(epoch.train_accuracy),
        text.loss(epoch.test_loss),
        text.percent_number(epoch.test_accuracy),
        text.rate(epoch.learning_rate),
        text.duration(epoch.train_seconds + epoch.test_seconds),
    )
