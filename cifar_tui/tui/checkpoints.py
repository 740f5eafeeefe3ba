"""The checkpoint browser: what a run has saved, and what an evaluation says of it. Reads sidecars only."""

from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.screen import Screen

from cifar_tui.control import DeleteCheckpoint, PinCheckpoint
from cifar_tui.history import RunHistory
from cifar_tui.tui import keys
from cifar_tui.tui.checkpoint_messages import (
    BranchAsked,
    CancellationAsked,
    ComparisonAsked,
    EvaluationAsked,
    TendingAsked,
)
from cifar_tui.tui.checkpoint_view import CheckpointView, Entry
from cifar_tui.tui.dialogs import delete_question
from cifar_tui.tui.found_verdict import FoundVerdict, VerdictFinder
from cifar_tui.tui.lister import Found, Lister
from cifar_tui.tui.verdict import VerdictScreen
from cifar_tui.tui.widgets.checkpoint_list import CheckpointList
from cifar_tui.tui.widgets.filter_box import FilterBox
from cifar_tui.tui.widgets.key_row import KeyRow
from cifar_tui.tui.widgets.rows import Rows
from cifar_tui.tui.widgets.status import Asked, StatusPanel
from cifar_tui.tui.widgets.verdict_panel import VerdictPanel

LIST_SECONDS = 2.0
"""How often the folder is looked at again while the browser is open."""
SOON_SECONDS = 0.3
"""When it is looked at after a person has changed something."""


class Checkpoints(Screen[None]):
    """A run's checkpoints and the verdict on the one under the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c,escape", "app.pop_screen", "Back", key_display="c", tooltip="Back to the charts"),
        Binding("e", "evaluate", "Evaluate", tooltip="Measure the checkpoint under the cursor"),
        Binding("o,enter", "open", "Open", key_display="o", tooltip="Open its verdict; enter does, too"),
        Binding("slash", "filter", "Filter", key_display="/", tooltip="Show only checkpoints that match words"),
        Binding("n", "next_column", "Sort", show=False, tooltip="Sort by the next column"),
        Binding("v", "turn_round", "Reverse", show=False, tooltip="Sort the other way round"),
        Binding("k", "pin", "Pin", show=False, tooltip="Pin it, so that it is never deleted; or no longer"),
        Binding("D,delete", "delete", "Delete", show=False, key_display="D", tooltip="Delete it (asks first)"),
        Binding("b", "branch", "New run", show=False, tooltip="Start a new run from the checkpoint under the cursor"),
        Binding("space", "mark", "Mark", show=False, tooltip="Mark the checkpoint under the cursor, or no longer"),
        Binding("m", "compare", "Compare", show=False, tooltip="Compare the marked checkpoints, image by image"),
        Binding("x", "cancel", "Give up", show=False, tooltip="Give up the evaluation under way"),
        *keys.BEFORE,
        *keys.AFTER,
    ]

    def __init__(self, history: RunHistory) -> None:
        """Show the checkpoints of a run with this history; nothing is read yet."""
        super().__init__()
        self._folder: Path | None = None
        self._saved = -1
        self._finder = VerdictFinder()
        self._history = history
        self._view = CheckpointView()
        self._lister = Lister(self.post_message)
        self._signs: object = None
        """What the rows' signs come from, as it was last shown."""

    def compose(self) -> ComposeResult:
        """Put the list and the verdict up."""
        yield StatusPanel()
        with Container(id="browser"):
            with Vertical(id="checkpoints"):
                yield FilterBox()
                yield CheckpointList()
            yield VerdictPanel()
        yield KeyRow()

    def on_mount(self) -> None:
        """Take the keys."""
        self._list.border_title = self._view.title(0)
        self._list.focus()
        # At once, so that the folder is read while the first frame is drawn.
        self._follow_folder(self._history)
        self.set_interval(LIST_SECONDS, self._look)

    def on_unmount(self) -> None:
        """Look at the folder no more."""
        self._lister.close()

    def on_screen_resume(self) -> None:
        """Ask to be shown what was said meanwhile."""
        self.post_message(Rows.Outdated())

    def show(self, history: RunHistory, asked: Asked | None) -> bool:
        """Put the history on the screen; look at the folder again when something was saved or deleted.

        Returns whether a part of it has to wait: never.
        """
        self._history = history
        self.query_one(StatusPanel).show(history, asked)
        self._follow_folder(history)
        if (history.best, list(history.failed_evaluations)) != self._signs:
            self._order()
        self._show_verdict()
        return False

    @property
    def selected(self) -> Entry | None:
        """The checkpoint under the cursor."""
        return self._list.selected

    def on_found(self, message: Found) -> None:
        """Take in what was found; only the first rows and all of them are put in order."""
        first = not self._view.listed
        self._view.take(message.piece)
        if first or message.piece.size is not None:
            self._order()

    def on_checkpoint_list_moved(self) -> None:
        """Show the verdict on the checkpoint now under the cursor."""
        self._show_verdict()

    def on_checkpoint_list_chosen(self) -> None:
        """Open the verdict on enter and on a click on the row under the cursor; where there is none, evaluate."""
        if self._find() is not None:
            self.action_open()
        else:
            self.action_evaluate()

    def on_checkpoint_list_head_clicked(self, message: CheckpointList.HeadClicked) -> None:
        """Sort by the column."""
        self._view.sort_by(message.column)
        self._order()

    def on_input_changed(self, event: FilterBox.Changed) -> None:
        """Show only what matches the words."""
        self._view.words = event.value
        self._order()

    def on_filter_box_left(self) -> None:
        """Give the list the keys."""
        self._list.focus()

    def action_filter(self) -> None:
        """Type words to filter by."""
        self.query_one(FilterBox).open()

    def action_next_column(self) -> None:
        """Sort by the next column that is in view."""
        self._view.next_column(self._list.columns)
        self._order()

    def action_turn_round(self) -> None:
        """Sort the other way round."""
        self._view.sort_by(self._view.column)
        self._order()

    def action_open(self) -> None:
        """Open the verdict on the checkpoint under the cursor."""
        found = self._find()
        if found is not None:
            self.app.push_screen(VerdictScreen(found))
        elif self.selected is not None:
            self.notify("There is no verdict yet: e measures this checkpoint.")

    def action_evaluate(self) -> None:
        """Ask for the checkpoint under the cursor to be measured."""
        if self.selected is not None:
            self.post_message(EvaluationAsked(self.selected.name))

    def action_cancel(self) -> None:
        """Ask for the evaluation under way to be given up."""
        self.post_message(CancellationAsked())

    def action_mark(self) -> None:
        """Mark the checkpoint under the cursor for a comparison, or take the mark away."""
        if self.selected is not None:
            self._view.marked ^= {self.selected.name}
            self._order()

    def action_compare(self) -> None:
        """Ask for the marked checkpoints to be compared."""
        if self._folder is not None:
            self.post_message(ComparisonAsked(self._folder, self._view.marked_sidecars()))

    def action_branch(self) -> None:
        """Ask for a new run from the checkpoint under the cursor."""
        if self.selected is not None and self._folder is not None:
            self.post_message(BranchAsked(self._folder, self.selected.sidecar))

    def action_pin(self) -> None:
        """Ask for the checkpoint under the cursor to be pinned, or no longer."""
        if self.selected is not None:
            self._tend(PinCheckpoint(self.selected.name, not self.selected.pinned))

    def action_delete(self) -> None:
        """Ask for the checkpoint under the cursor to be deleted, once the person has said so again."""
        entry = self.selected
        if entry is None:
            return
        because = self._view.why_kept(entry.name, self._history)
        if because:
            self.notify(because, severity="warning", markup=False)
            return

        def answered(answer: str | None) -> None:
            if answer == "y":
                self._tend(DeleteCheckpoint(entry.name))

        self.app.push_screen(delete_question(entry.name, entry.there or 0), answered)

    @property
    def _list(self) -> CheckpointList:
        return self.query_one(CheckpointList)

    def _tend(self, request: DeleteCheckpoint | PinCheckpoint) -> None:
        self.post_message(TendingAsked(request))
        self.set_timer(SOON_SECONDS, self._look)

    def _follow_folder(self, history: RunHistory) -> None:
        """Look at the run's folder when something was saved or deleted since."""
        if history.started is not None:
            self._folder = Path(history.started.folder)
        if self._folder is not None and len(history.checkpoints) != self._saved:
            self._saved = len(history.checkpoints)
            self._lister.look(self._folder)

    def _look(self) -> None:
        """Look at the folder again, and show how old everything is by now."""
        if self._folder is not None:
            self._lister.look(self._folder)
        self._list.refresh()

    def _order(self) -> None:
        """Put the list in order, with the signs that hold now."""
        self._signs = self._history.best, list(self._history.failed_evaluations)
        entries = self._view.entries(self._history)
        self._list.border_title = self._view.title(len(entries))
        self._list.show(entries, self._view.column, falling=self._view.falling)
        self._show_verdict()

    def _find(self) -> FoundVerdict | None:
        """What is known of the checkpoint under the cursor."""
        if self.selected is None or self._folder is None:
            return None
        return self._finder.find(self._folder, self.selected.sidecar, self._history)

    def _show_verdict(self) -> None:
        """Put what is known on the panel."""
        name = self.selected.name if self.selected is not None else ""
        filtered = bool(self._view.words)
        self.query_one(VerdictPanel).show(name, self._find(), self._history, filtered=filtered)
