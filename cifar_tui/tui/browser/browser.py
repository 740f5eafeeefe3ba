"""The checkpoint browser: the list of what runs have saved, and the evaluation of one. Reads sidecars only."""

from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container

from cifar_tui.history.run_history import RunHistory
from cifar_tui.runs.checkpoints.listing import Piece
from cifar_tui.runs.find import run_argument
from cifar_tui.system.invocation import command_line
from cifar_tui.tui import common_keys
from cifar_tui.tui.browser.checkpoint_actions import CheckpointActions
from cifar_tui.tui.browser.checkpoint_list import CheckpointList
from cifar_tui.tui.browser.checkpoint_view import Entry, checkpoint_order
from cifar_tui.tui.browser.folder_watcher import Found
from cifar_tui.tui.browser.run_checkpoints import BrowsedRuns, RunCheckpoints, marks_caption
from cifar_tui.tui.dialogs.run_choice import RunPick, sibling_runs
from cifar_tui.tui.evaluation.evaluation_panel import EvaluationPanel
from cifar_tui.tui.evaluation.evaluation_screen import EvaluationScreen
from cifar_tui.tui.intervals import ScreenIntervals
from cifar_tui.tui.run_reader import RunLoaded, RunUpdated
from cifar_tui.tui.sized_screen import SizedScreen
from cifar_tui.tui.widgets.filtered_list import FilteredList
from cifar_tui.tui.widgets.key_row import KeyRow
from cifar_tui.tui.widgets.rows import Rows
from cifar_tui.tui.widgets.status import Awaited, StatusPanel


class CheckpointBrowser(SizedScreen[None]):
    """A run's checkpoints and the evaluation of the one under the cursor; on request those of another run."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", key_display="esc", tooltip="Clear the filter; then back to the charts"),
        Binding("e", "act('evaluate')", "Evaluate", tooltip="Evaluate this checkpoint (again: cancel)"),
        Binding("enter", "open", "Open", key_display="enter", tooltip="Open its evaluation"),
        Binding("b", "act('branch')", "Branch", tooltip="Start a new run from this checkpoint"),
        Binding("space", "mark", "Mark", tooltip="Mark this checkpoint for a comparison, or unmark it"),
        Binding("C", "compare", "Compare", tooltip="Compare the marked checkpoints, image by image"),
        Binding("slash", "filter", "Filter", key_display="/", tooltip="Show only checkpoints that match what you type"),
        Binding("n", "sort(True)", "Sort", show=False, tooltip="Sort by the next column"),
        Binding("N", "sort(False)", "Reverse", show=False, tooltip="Reverse the order"),
        Binding("P", "act('pin')", "Pin", show=False, tooltip="Pin it, so that it is never deleted, or unpin it"),
        Binding("D,delete", "act('delete')", "Delete", show=False, key_display="D", tooltip="Delete it (asks first)"),
        Binding("a", "choose_run", "Other run", show=False, tooltip="Show another run's checkpoints; marks stay"),
        *common_keys.BEFORE,
        *common_keys.AFTER,
    ]

    def __init__(
        self, history: RunHistory, actions: CheckpointActions, intervals: ScreenIntervals, start_at: str = ""
    ) -> None:
        """Show the checkpoints of a run with this history, `start_at` under the cursor; nothing is read yet."""
        super().__init__()
        self._runs = BrowsedRuns(history, self.post_message, intervals.other_runs)
        self._order = checkpoint_order()
        rows = CheckpointList(start_at, id="checkpoint-list")
        self._list = FilteredList(rows, self._order, "file, epoch, best, pinned, damaged")
        self._actions = actions
        self._look_seconds = intervals.folder
        self._status = StatusPanel(intervals, history)

    def compose(self) -> ComposeResult:
        """Put the list and the evaluation up."""
        yield self._status
        with Container(id="browser"):
            yield self._list
            yield EvaluationPanel()
        yield KeyRow()

    def on_mount(self) -> None:
        """Look at the folder at once: it is read while the first frame is drawn."""
        self._runs.own.follow(self._runs.own.history)
        self.set_interval(self._look_seconds, self._look)

    def on_unmount(self) -> None:
        """Look at no folder any more."""
        self._runs.close()

    def on_screen_resume(self) -> None:
        """Ask to be shown the events that came meanwhile."""
        self.post_message(Rows.Outdated())

    def show(self, history: RunHistory, awaited: Awaited | None) -> bool:
        """Put the history on the screen; look at the folder again when something was saved or deleted.

        Returns True if a part of it has to wait: never.
        """
        self._status.show(history, awaited)
        self._runs.own.follow(history)
        self._show_changes()
        return False

    @property
    def shown(self) -> RunCheckpoints:
        """The run whose checkpoints are in view."""
        return self._runs.shown

    @property
    def selected(self) -> Entry | None:
        """The checkpoint under the cursor."""
        return self._list.rows.selected

    def action_open(self) -> None:
        """Open the evaluation of the checkpoint under the cursor."""
        found = self.shown.find(self.selected.sidecar) if self.selected is not None else None
        if found is not None:
            self.app.push_screen(EvaluationScreen(found, self.shown.run_name))
        elif self.selected is not None and self._actions.evaluated_checkpoint == self.selected.name:
            self.notify(f"{self.selected.name} is being evaluated. Press e to cancel.")
        elif self._own_entry() is not None:
            self.notify("Not evaluated yet. Press e to evaluate this checkpoint.")

    def action_act(self, action: str) -> None:
        """Evaluate, pin, delete or branch from the checkpoint under the cursor."""
        entry = self._own_entry()
        if entry is not None:
            self._actions.run(action, self.shown, entry)
            self._show_verdict()

    def action_back(self) -> None:
        """Clear the filter; without one, go back to the charts."""
        if not self._list.clear_filter():
            self.app.pop_screen()

    def action_mark(self) -> None:
        """Mark the checkpoint under the cursor for a comparison, or take the mark away."""
        if self.selected is not None:
            self.shown.view.marked ^= {self.selected.name}
            self._show_list()

    def action_compare(self) -> None:
        """Compare the marked checkpoints."""
        self._actions.compare(self._runs.marked())

    def action_filter(self) -> None:
        """Type words to filter by."""
        self._list.filter()

    def action_sort(self, next_column: bool) -> None:
        """Sort by the next column in view, or by the same one the other way round."""
        self._list.sort(next_column=next_column)

    def action_choose_run(self) -> None:
        """Ask whose checkpoints are to be shown."""
        started, own = self._runs.own.history.started, self._runs.own.folder
        beside = sibling_runs(own, started.recipe) if started is not None and own is not None else []

        def answered(folder: Path | None) -> None:
            if folder is not None and folder != self.shown.folder:
                self._runs.show(folder)
                self._show_list()

        if own is not None and beside:
            self.app.push_screen(RunPick(own, beside, self.shown.folder or own), answered)
        else:
            self.notify("There is no other run in this folder.")

    @on(Found)
    def _list_files(self, message: Found[Piece]) -> None:
        for run in self._runs.all:
            if run.list_files(message) and run is self.shown:
                self._show_list()

    @on(RunLoaded)
    @on(RunUpdated)
    def _apply(self, message: RunLoaded | RunUpdated) -> None:
        if self.shown.apply(message):
            self._show_changes()

    @on(CheckpointList.Chosen)
    def _open_or_evaluate(self) -> None:
        selected = self.selected
        evaluating = selected is not None and self._actions.evaluated_checkpoint == selected.name
        if selected is not None and (evaluating or self.shown.find(selected.sidecar) is not None):
            self.action_open()
        else:
            self.action_act("evaluate")

    @on(FilteredList.Reordered)
    def _show_list(self) -> None:
        """Show the list of the run in view, with the signs that hold now."""
        in_view = self._list.show(self.shown.entries())
        marks = marks_caption(self._runs.all, self._list.rows.size.width - 2)
        self._list.name_list(self.shown.title(in_view), marks)
        self._show_verdict()

    def _look(self) -> None:
        """Look at the folder again, and show how old everything is by now."""
        self.shown.look()
        self._list.rows.refresh()

    def _own_entry(self) -> Entry | None:
        """Return the checkpoint under the cursor; of another run none, but say how to open that run."""
        if self.shown.is_other and self.shown.folder is not None:
            argument = run_argument(self.shown.folder)
            self.notify(
                f"{self.shown.name} is read-only here. To work on it: {command_line(f'attach {argument}')}",
                markup=False,
            )
            return None
        return self.selected

    def _show_changes(self) -> None:
        """Show what has changed with the history of the run in view."""
        if self.shown.outdated:
            self._show_list()
        self._show_verdict()

    @on(CheckpointList.Moved)
    def _show_verdict(self) -> None:
        """Show the evaluation of the checkpoint under the cursor."""
        selected = self.selected
        self.query_one(EvaluationPanel).show(
            selected.name if selected is not None else "",
            self.shown.find(selected.sidecar) if selected is not None else None,
            self.shown.history,
            filtered=bool(self._order.filter_text),
            read_only=self.shown.is_other,
            queued="" if self.shown.is_other else self._actions.evaluated_checkpoint,
        )
