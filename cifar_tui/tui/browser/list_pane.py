"""The browser's list with its filter: the checkpoints of the run in view, in the order a person has chosen."""

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message

from cifar_tui.tui.browser.checkpoint_list import CheckpointList
from cifar_tui.tui.browser.checkpoint_view import Entry
from cifar_tui.tui.browser.filter_box import FilterBox
from cifar_tui.tui.browser.run_checkpoints import BrowsedRuns, marks_caption


class ListPane(Vertical):
    """Sorts and filters the list; its screen is told when it was put in order."""

    class Ordered(Message):
        """The list was put in order."""

    def __init__(self, runs: BrowsedRuns, start_at: str = "") -> None:
        """List the run of `runs` that is in view, with the cursor on the checkpoint `start_at` at first."""
        super().__init__(id="checkpoints")
        self._runs = runs
        self._filter_box = FilterBox("file, epoch, best, pinned, damaged")
        self._list = CheckpointList(start_at, id="checkpoint-list")

    def compose(self) -> ComposeResult:
        """Put the filter above the list."""
        yield self._filter_box
        yield self._list

    def on_mount(self) -> None:
        """Give the list the keys."""
        self._list.border_title = self._runs.shown.title(0)
        self._list.focus()

    @property
    def selected(self) -> Entry | None:
        """The checkpoint under the cursor."""
        return self._list.selected

    def filter(self) -> None:
        """Let a person type words to filter by."""
        self._filter_box.open()

    def clear_filter(self) -> bool:
        """Filter no longer. Returns True if anything was filtered."""
        filtered = bool(self._filter_box.value)
        if filtered:
            self._filter_box.action_cancel_filter()
        return filtered

    def sort(self, *, next_column: bool) -> None:
        """Sort by the next column in view, or by the same one the other way round."""
        view = self._runs.shown.view
        if next_column:
            view.next_column(self._list.columns)
        else:
            view.sort_by(view.column)
        self.order()

    def order(self) -> None:
        """Put the list in order, with the signs that hold now."""
        shown = self._runs.shown
        entries, view = shown.entries(), shown.view
        self._list.border_title = shown.title(len(entries)).replace("[", "\\[")
        self._list.border_subtitle = marks_caption(self._runs.all, self._list.size.width - 2).replace("[", "\\[")
        self._list.show(entries, view.column, falling=view.falling)
        self.post_message(self.Ordered())

    def refresh_ages(self) -> None:
        """Show how old everything is by now."""
        self._list.refresh()

    @on(CheckpointList.HeadClicked)
    def _sort_by(self, message: CheckpointList.HeadClicked) -> None:
        self._runs.shown.view.sort_by(message.column)
        self.order()

    @on(FilterBox.Changed)
    def _filter_by(self, event: FilterBox.Changed) -> None:
        self._runs.shown.view.filter_text = event.value
        self.order()

    @on(FilterBox.Left)
    def _focus_list(self) -> None:
        self._list.focus()
