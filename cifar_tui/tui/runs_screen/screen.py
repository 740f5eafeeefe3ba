"""The screen of all runs: their state at a glance, and what can be done with them."""

import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from cifar_tui.runs.listing import RunListing, RunsPiece
from cifar_tui.runs.overview import Overview
from cifar_tui.system.invocation import command_line, from_here
from cifar_tui.text import counted, safe_text
from cifar_tui.tui import common_keys
from cifar_tui.tui.browser.folder_watcher import FolderWatcher, Found
from cifar_tui.tui.followed_run import FollowedRun
from cifar_tui.tui.runs_screen.actions import RunListActions
from cifar_tui.tui.runs_screen.queue_panel import QueuePanel
from cifar_tui.tui.runs_screen.run_list import RunList, detail_rows
from cifar_tui.tui.runs_screen.run_rows import ListedRuns, RunRow, run_order
from cifar_tui.tui.sized_screen import SizedScreen
from cifar_tui.tui.widgets.filtered_list import FilteredList
from cifar_tui.tui.widgets.key_row import KeyRow
from cifar_tui.tui.widgets.row_list import MARK_SIGN, RowList
from cifar_tui.tui.widgets.rows import Row, Rows

NO_RUN_OPEN = "No run is open: enter opens the one under the cursor, q quits."
DETAIL_ROWS = 3
OF_THE_LIST = ("act", "filter", "mark", "sort")
"""Actions on the run under the cursor, and on the list."""
FILTER_HINT = "words, or terms: state=failed accuracy>80% tag=night"


class RunsScreen(SizedScreen[None]):
    """All runs in a folder. It stays when another screen comes to the front, and looks at the folder while in view."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "act('open')", "Open", tooltip="Open this run; attach to it while it trains"),
        Binding("escape,u", "back", "Back", key_display="esc", tooltip="Clear the filter; then back to the open run"),
        Binding("slash", "filter", "Filter", key_display="/", tooltip="Show only runs that match what you type"),
        Binding("space", "mark", "Mark", tooltip="Mark this run, or unmark it"),
        Binding("n", "sort(True)", "Sort", show=False, tooltip="Sort by the next column"),
        Binding("N", "sort(False)", "Reverse", show=False, tooltip="Reverse the order"),
        Binding("o", "act('overlay')", "Overlay", show=False, tooltip="Open it, overlaid with the marked runs"),
        Binding(
            "C", "act('compare')", "Compare", show=False, tooltip="Compare the best checkpoints of the marked runs"
        ),
        Binding("S", "results", "Results", tooltip="Compare the marked runs, else those in view, by what differs"),
        Binding("Q", "queue", "Queue", tooltip="Go to the queue, where jobs wait, and back to the runs"),
        Binding("r", "act('resume')", "Resume", tooltip="Resume this run, which has ended"),
        Binding("b", "act('branch')", "Branch", show=False, tooltip="Start a new run from its newest checkpoint"),
        Binding("R", "act('rename')", "Rename", show=False, tooltip="Rename this run"),
        Binding("j", "act('note')", "Note", show=False, tooltip="Write a note on this run"),
        Binding("T", "act('tag')", "Tag", show=False, tooltip="Change the tags of this run, or of all marked runs"),
        Binding(
            "D,delete",
            "act('delete')",
            "Delete",
            key_display="D",
            tooltip="Delete this run, or all marked runs (asks first)",
        ),
        *common_keys.OF_THE_PROGRAM,
    ]

    def __init__(
        self,
        place: Path,
        followed: FollowedRun,
        actions: RunListActions,
        look_seconds: float,
        show_results: Callable[["RunsScreen"], None],
    ) -> None:
        """List the runs in `place`, which is looked at every `look_seconds`; nothing is read yet.

        `show_results` compares the runs of this screen on another one.
        """
        super().__init__()
        self._show_results = show_results
        self.runs = ListedRuns()
        self._place = place
        self._followed = followed
        self._actions = actions
        self._look_seconds = look_seconds
        self._watcher: FolderWatcher[RunsPiece] = FolderWatcher(self.post_message, RunListing)
        rows = RunList(id="run-list")
        self._list = FilteredList(rows, run_order(), FILTER_HINT)
        self._detail = Rows(id="run-detail")
        self._queue = QueuePanel(place)

    def compose(self) -> ComposeResult:
        """Put the list above what is known of the run under the cursor."""
        yield self._list
        yield self._detail
        yield self._queue
        yield KeyRow()

    def on_mount(self) -> None:
        """Look at the folder at once: it is read while the first frame is drawn."""
        self._list.name_list("Runs", "")
        self.look()
        self.set_interval(self._look_seconds, self._look_if_in_view)

    def on_screen_resume(self) -> None:
        """Show what has changed meanwhile."""
        self.look()
        self.show_list()

    def on_unmount(self) -> None:
        """Look at the folder no more."""
        self._watcher.close()

    @property
    def busy(self) -> bool:
        """True while the folder is being looked at, or still to be."""
        return self._watcher.busy or self._queue.busy

    @property
    def selected(self) -> RunRow | None:
        """The run under the cursor."""
        return self._list.rows.selected

    def look(self) -> None:
        """Look at the folder again."""
        self._watcher.look(self._place)
        self._queue.look()

    @on(FilteredList.Reordered)
    def show_list(self) -> None:
        """Show the list, with the signs that hold now."""
        in_view = self._list.show(self.runs.rows(self._followed.folder))
        place = safe_text(f"{from_here(self._place)}/", 60)
        marked = len(self.runs.marked)
        unreadable = f" · {self.runs.unreadable} cannot be read" if self.runs.unreadable else ""
        self._list.name_list(
            f"{self.runs.title(in_view)} in {place}{unreadable}",
            self._list.trouble or (f"{MARK_SIGN} {counted(marked, 'run')} marked" if marked else ""),
        )
        self._show_detail()

    def action_act(self, action: str) -> None:
        """Do what a key names with the run under the cursor."""
        if self.selected is not None:
            self._actions.run(action, self.selected, self)

    def action_back(self) -> None:
        """Return from the queue to the runs, show all of them again, or return to the run that is open."""
        if self._queue.has_focus:
            self._list.rows.focus()
            return
        if self._list.clear_filter():
            return
        if self._followed.connection is None:
            self.notify(NO_RUN_OPEN)
        else:
            self.app.pop_screen()

    def action_filter(self) -> None:
        """Type words to filter by."""
        self._list.filter()

    def action_mark(self) -> None:
        """Mark the run under the cursor, or take the mark away, and go to the next."""
        if self.selected is not None:
            self.runs.marked ^= {self.selected.folder}
            self.show_list()
            self._list.rows.action_move(1)

    def action_queue(self) -> None:
        """Go to the queue, or from it back to the runs."""
        if self._queue.display:
            (self._list.rows if self._queue.has_focus else self._queue).focus()
        else:
            self.notify(f"No job waits. To add one, quit with q, then type: {command_line('queue add')}")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 - textual's
        """Offer the queue only where there is one, and nothing of the list while the cursor is in the queue."""
        if action == "queue":
            return self._queue.display
        return action not in OF_THE_LIST or not self._queue.has_focus

    def action_results(self) -> None:
        """Compare runs by what differs between them."""
        if self.compared_runs():
            self._show_results(self)
        else:
            self.notify("There are no runs in view to compare.", severity="warning")

    def compared_runs(self) -> list[Overview]:
        """Return the marked runs, or without any those that match the filter, the oldest first."""
        in_view = (row.overview for row in self._list.matching(self.runs.rows(None)))
        return self.runs.marked_overviews() or sorted(in_view, key=lambda one: (one.started_at, one.name))

    def action_sort(self, next_column: bool) -> None:
        """Sort by the next column in view, or by the same one the other way round."""
        self._list.sort(next_column=next_column)

    @on(Found)
    def _list_runs(self, message: Found[RunsPiece]) -> None:
        first = not self.runs.complete
        unreadable = self.runs.unreadable
        self.runs.update(message.piece)
        if message.piece.changed or message.piece.gone or first or unreadable != self.runs.unreadable:
            self.show_list()

    @on(RowList.Chosen)
    def _open(self) -> None:
        self.action_act("open")

    @on(RowList.Moved)
    @on(Rows.Outdated)
    def _show_detail(self) -> None:
        self._detail.set_rows(self._detail_rows())

    def _look_if_in_view(self) -> None:
        if self.is_active:
            self.look()
            self._list.rows.refresh()  # everything is a little older

    def _detail_rows(self) -> list[Row]:
        width = self._detail.size.width
        if self._list.trouble:
            return [
                ((line, "warn"),)
                for line in textwrap.wrap(self._list.trouble, max(width, 20), max_lines=DETAIL_ROWS, placeholder="…")
            ]
        if self.selected is not None:
            return detail_rows(self.selected, width)
        if self.runs.listed:
            return [(("No run matches.", ""),), (("Escape shows all of them again.", "dim"),)]
        if not self.runs.complete:
            return []
        if self.runs.unreadable:
            return [
                ((f"{counted(self.runs.unreadable, 'run')} in {from_here(self._place)}/ cannot be read.", "warn"),),
                (("The reason: quit with q, then type: ", ""), (command_line("runs"), "accent")),
            ]
        return [
            ((f"There are no runs in {from_here(self._place)}/ yet.", "value"),),
            (("To start one, quit with q, then type: ", ""), (command_line("train"), "accent")),
        ]
