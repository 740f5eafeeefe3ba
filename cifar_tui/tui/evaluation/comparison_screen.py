"""The screen that compares checkpoints: its progress, then a table."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import ScrollableContainer
from textual.screen import Screen

from cifar_tui.checkpoint_events import ComparisonDone, EvaluationFailed
from cifar_tui.control import CancelEvaluation
from cifar_tui.events import Progressed
from cifar_tui.jobs.session import RunConnection
from cifar_tui.report import run_summary
from cifar_tui.report.comparison_text import comparison_rows
from cifar_tui.tui import common_keys
from cifar_tui.tui.evaluation.evaluation_rows import wrapped
from cifar_tui.tui.widgets.key_row import KeyRow
from cifar_tui.tui.widgets.rows import Row, Rows, bar

POLL_SECONDS = 0.1
"""Time between two polls of the comparison's events."""
BAR_WIDTH = 24


class ComparisonScreen(Screen[None]):
    """One comparison, from its start; leaving cancels it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "app.pop_screen", "Back", key_display="esc", tooltip="Back to the checkpoints"),
        *common_keys.AFTER,
    ]

    def __init__(self, connection: RunConnection) -> None:
        """Show the events of a comparison's job."""
        super().__init__()
        self._connection = connection
        self._progress: Progressed | None = None
        self._comparison: ComparisonDone | None = None
        self._failure = ""

    def compose(self) -> ComposeResult:
        """Lay out the page."""
        with ScrollableContainer(id="comparison-page"):
            yield Rows(id="comparison")
        yield KeyRow()

    def on_mount(self) -> None:
        """Begin to poll for events."""
        self.query_one("#comparison-page").focus()
        self.set_interval(POLL_SECONDS, self._poll)

    def on_unmount(self) -> None:
        """Cancel the comparison: nobody waits for it any more."""
        self._connection.submit(CancelEvaluation())

    def on_rows_outdated(self, message: Rows.Outdated) -> None:
        """Draw for the new size."""
        message.stop()
        self._show()

    def _poll(self) -> None:
        events = self._connection.poll()
        for event in events:
            match event:
                case Progressed():
                    self._progress = event
                case ComparisonDone():
                    self._comparison = event
                case EvaluationFailed():
                    self._failure = event.reason
        if events:
            self._show()

    def _show(self) -> None:
        panel = self.query_one("#comparison", Rows)
        rows = self._rows(self.size.width - 2)
        # As large as its text: what does not fit is scrolled to.
        panel.styles.height = len(rows)
        panel.styles.min_width = max((sum(len(span) for span, _ in row) for row in rows), default=0)
        panel.set_rows(rows)

    def _rows(self, width: int) -> list[Row]:
        if self._comparison is not None:
            return comparison_rows(self._comparison)
        if self._failure:
            return [(("Not compared.", "bad"),), *wrapped(self._failure, width, "value")]
        progress = self._progress
        if progress is None:
            return [(("Reading the checkpoints…", "value"),)]
        line: Row = ((run_summary.progress_line(progress), "value"),)
        share = progress.done / progress.total if progress.total else 0.0
        return [line, bar(share, BAR_WIDTH), (), (("esc cancels it", "dim"),)]
