"""The screen of all runs: their state at a glance, and what can be done with them."""

from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from cifar_tui.runs.listing import RunListing, RunsPiece
from cifar_tui.system.invocation import command_line
from cifar_tui.text import counted, safe_text
from cifar_tui.tui import common_keys
from cifar_tui.tui.browser.checkpoint_view import MARK_SIGN
from cifar_tui.tui.browser.filter_box import FilterBox
from cifar_tui.tui.browser.folder_watcher import FolderWatcher, Found
from cifar_tui.tui.followed_run import FollowedRun
from cifar_tui.tui.runs_screen.actions import RunListActions
from cifar_tui.tui.runs_screen.run_list import RunList, detail_rows
from cifar_tui.tui.runs_screen.run_rows import RunRow, RunsInView
from cifar_tui.tui.widgets.key_row import KeyRow
from cifar_tui.tui.widgets.row_list import RowList
from cifar_tui.tui.widgets.rows import Row, Rows

NO_RUN_OPEN = "No run is open: enter opens the one under the cursor, q quits."


class RunsScreen(Screen[None]):
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
        Binding("r", "act('resume')", "Resume", tooltip="Resume this run, which has ended"),
        Binding("b", "act('branch')", "Branch", show=False, tooltip="Start a new run from its newest checkpoint"),
        Binding("R", "act('rename')", "Rename", show=False, tooltip="Rename this run"),
        Binding("j", "act('note')", "Note", show=False, tooltip="Write a note on this run"),
        Binding("D,delete", "act('delete')", "Delete", key_display="D", tooltip="Delete the run (asks first)"),
        *common_keys.OF_THE_PROGRAM,
    ]

    def __init__(self, place: Path, followed: FollowedRun, actions: RunListActions, look_seconds: float) -> None:
        """List the runs in `place`, which is looked at every `look_seconds`; nothing is read yet."""
        super().__init__()
        self.runs = RunsInView()
        self._place = place
        self._followed = followed
        self._actions = actions
        self._look_seconds = look_seconds
        self._watcher: FolderWatcher[RunsPiece] = FolderWatcher(self.post_message, RunListing)
        self._filter_box = FilterBox("name, state, preset, data, note, live, marked")
        self._list = RunList(id="run-list")
        self._detail = Rows(id="run-detail")

    def compose(self) -> ComposeResult:
        """Put the list above what is known of the run under the cursor."""
        yield self._filter_box
        yield self._list
        yield self._detail
        yield KeyRow()

    def on_mount(self) -> None:
        """Look at the folder at once: it is read while the first frame is drawn."""
        self._list.border_title = "Runs"
        self._list.focus()
        self.look()
        self.set_interval(self._look_seconds, self._look_if_in_view)

    def on_screen_resume(self) -> None:
        """Show what has changed meanwhile."""
        self.look()
        self.order()

    def on_unmount(self) -> None:
        """Look at the folder no more."""
        self._watcher.close()

    @property
    def busy(self) -> bool:
        """True while the folder is being looked at, or still to be."""
        return self._watcher.busy

    @property
    def selected(self) -> RunRow | None:
        """The run under the cursor."""
        return self._list.selected

    def look(self) -> None:
        """Look at the folder again."""
        self._watcher.look(self._place)

    def order(self) -> None:
        """Put the list in order, with the signs that hold now."""
        rows = self.runs.rows(self._followed.folder)
        place = safe_text(f"{_shown(self._place)}/", 60)
        self._list.border_title = f"{self.runs.title(len(rows))} in {place}".replace("[", "\\[")
        marked = len(self.runs.marked)
        self._list.border_subtitle = f"{MARK_SIGN} {counted(marked, 'run')} marked" if marked else ""
        self._list.show(rows, self.runs.column, falling=self.runs.falling)
        self._show_detail()

    def action_act(self, action: str) -> None:
        """Do what a key names with the run under the cursor."""
        if self.selected is not None:
            self._actions.run(action, self.selected, self)

    def action_back(self) -> None:
        """Return to the run that is open."""
        if self.runs.filter_text:
            self._filter_box.action_cancel_filter()
        elif self._followed.connection is None:
            self.notify(NO_RUN_OPEN)
        else:
            self.app.pop_screen()

    def action_filter(self) -> None:
        """Type words to filter by."""
        self._filter_box.open()

    def action_mark(self) -> None:
        """Mark the run under the cursor, or take the mark away, and go to the next."""
        if self.selected is not None:
            self.runs.marked ^= {self.selected.folder}
            self.order()
            self._list.action_move(1)

    def action_sort(self, next_column: bool) -> None:
        """Sort by the next column in view, or by the same one the other way round."""
        if next_column:
            self.runs.next_column(self._list.columns)
        else:
            self.runs.sort_by(self.runs.column)
        self.order()

    @on(Found)
    def _list_runs(self, message: Found[RunsPiece]) -> None:
        first = not self.runs.complete
        self.runs.update(message.piece)
        if message.piece.changed or message.piece.gone or first:
            self.order()

    @on(RowList.Chosen)
    def _open(self) -> None:
        self.action_act("open")

    @on(RowList.HeadClicked)
    def _sort_by(self, message: RowList.HeadClicked) -> None:
        self.runs.sort_by(message.column)
        self.order()

    @on(FilterBox.Changed)
    def _filter_by(self, event: FilterBox.Changed) -> None:
        self.runs.filter_text = event.value
        self.order()

    @on(FilterBox.Left)
    def _focus_list(self) -> None:
        self._list.focus()

    @on(RowList.Moved)
    @on(Rows.Outdated)
    def _show_detail(self) -> None:
        self._detail.set_rows(self._detail_rows())

    def _look_if_in_view(self) -> None:
        if self.app.screen is self:
            self.look()
            self._list.refresh()  # everything is a little older

    def _detail_rows(self) -> list[Row]:
        if self.selected is not None:
            return detail_rows(self.selected, self._detail.size.width)
        if self.runs.listed:
            return [(("No run matches.", ""),), (("Escape shows all of them again.", "dim"),)]
        if not self.runs.complete:
            return []
        return [
            ((f"There are no runs in {_shown(self._place)}/ yet.", "value"),),
            (("To start one, quit with q, then type: ", ""), (command_line("train"), "accent")),
        ]


def _shown(place: Path) -> str:
    try:
        return str(place.relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(place)
