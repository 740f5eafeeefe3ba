"""Checkpoints side by side: measured while a person waits, then a table."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import ScrollableContainer
from textual.screen import Screen

from cifar_tui.control import CancelEvaluation
from cifar_tui.evaluation_events import ComparisonDone, EvaluationFailed
from cifar_tui.events import Progressed
from cifar_tui.jobs.session import RunConnection
from cifar_tui.report import run_summary
from cifar_tui.report.comparison_text import comparison_rows
from cifar_tui.tui import common_keys
from cifar_tui.tui.evaluation.verdict_rows import wrapped
from cifar_tui.tui.widgets.key_row import KeyRow
from cifar_tui.tui.widgets.rows import Row, Rows, bar

DRAIN_SECONDS = 0.1
"""How often is looked whether there is more to show."""
BAR_WIDTH = 24


class ComparisonScreen(Screen[None]):
    """One comparison, from its start; leaving gives it up."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("m,escape", "app.pop_screen", "Back", key_display="m", tooltip="Back to the checkpoints"),
        *common_keys.AFTER,
    ]

    def __init__(self, connection: RunConnection) -> None:
        """Show what a comparison's job says."""
        super().__init__()
        self._connection = connection
        self._progress: Progressed | None = None
        self._done: ComparisonDone | None = None
        self._trouble = ""

    def compose(self) -> ComposeResult:
        """Put the page up."""
        with ScrollableContainer(id="comparison-page"):
            yield Rows(id="comparison")
        yield KeyRow()

    def on_mount(self) -> None:
        """Look for what was said, now and then."""
        self.query_one("#comparison-page").focus()
        self.set_interval(DRAIN_SECONDS, self._drain)

    def on_unmount(self) -> None:
        """Give up what nobody waits for any more."""
        self._connection.submit(CancelEvaluation())

    def on_rows_outdated(self, message: Rows.Outdated) -> None:
        """Draw for the room there is now."""
        message.stop()
        self._show()

    def _drain(self) -> None:
        said = self._connection.poll()
        for event in said:
            match event:
                case Progressed():
                    self._progress = event
                case ComparisonDone():
                    self._done = event
                case EvaluationFailed():
                    self._trouble = event.reason
        if said:
            self._show()

    def _show(self) -> None:
        panel = self.query_one("#comparison", Rows)
        rows = self._rows(self.size.width - 2)
        # As large as its words: what has no room is scrolled to.
        panel.styles.height = len(rows)
        panel.styles.min_width = max((sum(len(words) for words, _ in row) for row in rows), default=0)
        panel.set_rows(rows)

    def _rows(self, width: int) -> list[Row]:
        if self._done is not None:
            return comparison_rows(self._done)
        if self._trouble:
            return [(("Not compared.", "bad"),), *wrapped(self._trouble, width, "value")]
        progress = self._progress
        if progress is None:
            return [(("Reading the checkpoints…", "value"),)]
        line: Row = ((run_summary.progress_line(progress), "value"),)
        share = progress.done / progress.total if progress.total else 0.0
        return [line, bar(share, BAR_WIDTH), (), (("m gives it up", "dim"),)]
