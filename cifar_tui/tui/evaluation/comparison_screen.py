"""The screen that compares checkpoints: its progress, then a table, and from there the images that changed."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import ScrollableContainer

from cifar_tui.checkpoint_events import ComparisonDone, EvaluationFailed
from cifar_tui.control import CancelEvaluation
from cifar_tui.events import Progressed
from cifar_tui.jobs.session import RunConnection
from cifar_tui.report import run_summary
from cifar_tui.report.comparison_text import comparison_rows
from cifar_tui.tui import common_keys
from cifar_tui.tui.evaluation.compared_classes import ComparedClass, compared_classes, compared_order
from cifar_tui.tui.evaluation.compared_images import ComparedImagesScreen
from cifar_tui.tui.evaluation.evaluation_rows import wrapped
from cifar_tui.tui.sized_screen import SizedScreen
from cifar_tui.tui.widgets.filter_box import FilterBox
from cifar_tui.tui.widgets.key_row import KeyRow
from cifar_tui.tui.widgets.rows import Row, Rows, bar

POLL_SECONDS = 0.1
"""Time between two polls of the comparison's events."""
BAR_WIDTH = 24
MIN_BAR = 6
MARGIN = 7
"""Cells beside the text: the page's, the frame's, and the scroll bar's."""


class ComparisonScreen(SizedScreen[None]):
    """One comparison, from its start; leaving cancels it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape", "back", "Back", key_display="esc", tooltip="Show all again; then back to the previous screen"
        ),
        Binding("i", "images", "Images", tooltip="The images that one got right and the other wrong"),
        Binding("slash", "filter", "Filter", key_display="/", tooltip="Show only classes with the names that you type"),
        Binding("n", "sort(True)", "Sort", show=False, tooltip="Sort classes by order, change, accuracy, images, name"),
        Binding("N", "sort(False)", "Reverse", show=False, tooltip="Reverse the order"),
        *common_keys.AFTER,
    ]

    def __init__(self, connection: RunConnection) -> None:
        """Show the events of a comparison's job."""
        super().__init__()
        self._connection = connection
        self._progress: Progressed | None = None
        self._comparison: ComparisonDone | None = None
        self._failure = ""
        self._order = compared_order()
        self._compared: list[ComparedClass] = []
        self._filter_box = FilterBox("names of classes")

    def compose(self) -> ComposeResult:
        """Lay out the page."""
        yield self._filter_box
        with ScrollableContainer(id="comparison-page"):
            yield Rows(id="comparison", classes="panel")
        yield KeyRow()

    def on_mount(self) -> None:
        """Begin to poll for events."""
        self.query_one("#comparison", Rows).border_title = "Comparison"
        self.query_one("#comparison-page").focus()
        self.set_interval(POLL_SECONDS, self._poll)

    def on_unmount(self) -> None:
        """Cancel the comparison: nobody waits for it any more."""
        self._connection.submit(CancelEvaluation())

    def on_rows_outdated(self, message: Rows.Outdated) -> None:
        """Draw for the new size."""
        message.stop()
        self._show()

    def check_action(self, action: str, _parameters: tuple[object, ...], /) -> bool | None:
        """Return False for an action that does nothing yet."""
        return self._comparison is not None or action not in ("images", "filter", "sort")

    def action_back(self) -> None:
        """Show all classes again, or return to the previous screen."""
        if not self._filter_box.cancel():
            self.app.pop_screen()

    def action_filter(self) -> None:
        """Type names to filter by."""
        self._filter_box.open()

    def action_sort(self, next_column: bool) -> None:
        """Sort the classes by something else, or the other way round."""
        if next_column:
            self._order.next_column(list(self._order.keys))
        else:
            self._order.sort_by(self._order.column)
        self._show()

    @on(FilterBox.Changed)
    def _filter_by(self, event: FilterBox.Changed) -> None:
        self._order.filter_text = event.value
        self._show()

    @on(FilterBox.Left)
    def _focus_page(self) -> None:
        self.query_one("#comparison-page").focus()

    def action_images(self) -> None:
        """Show the images that were fixed and broken."""
        if self._comparison is not None:
            self.app.push_screen(ComparedImagesScreen(self._comparison))

    def _poll(self) -> None:
        events = self._connection.poll()
        for event in events:
            match event:
                case Progressed():
                    self._progress = event
                case ComparisonDone():
                    self._comparison = event
                    self._compared, self._order = compared_classes(event), compared_order(len(event.classes))
                case EvaluationFailed():
                    self._failure = event.reason
        if events:
            self.refresh_bindings()
            self._show()

    def _show(self) -> None:
        panel = self.query_one("#comparison", Rows)
        rows = self._rows(self.size.width - MARGIN)
        # As large as its text: what does not fit is scrolled to.
        panel.styles.height = len(rows) + 2
        panel.styles.min_width = _width(rows) + 4
        panel.set_rows(rows)
        if self._comparison is not None:
            panel.border_title = f"Comparison, classes by {self._order.column} {'▼' if self._order.falling else '▲'}"

    def _rows(self, width: int) -> list[Row]:
        if self._comparison is not None:
            labels = [one.label for one in self._order.arranged(self._compared)]
            plain = comparison_rows(self._comparison, labels=labels)
            room = (width - _width(plain)) // len(self._comparison.checkpoints) - 1
            cells = min(room, BAR_WIDTH) if room >= MIN_BAR else 0
            if cells:
                return comparison_rows(self._comparison, lambda share: ((" ", ""), *bar(share, cells)), labels)
            return plain
        if self._failure:
            return [(("Not compared.", "bad"),), *wrapped(self._failure, width, "value")]
        progress = self._progress
        if progress is None:
            return [(("Reading the checkpoints…", "value"),)]
        line: Row = ((run_summary.progress_line(progress), "value"),)
        share = progress.done / progress.total if progress.total else 0.0
        return [line, bar(share, BAR_WIDTH), (), (("esc", "accent"), (" Cancel the comparison", "dim"))]


def _width(rows: list[Row]) -> int:
    return max((sum(len(span) for span, _ in row) for row in rows), default=0)
