"""The keys that do something with the checkpoints in the browser."""

from pathlib import Path
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.screen import Screen

from cifar_tui.control import DeleteCheckpoint, PinCheckpoint
from cifar_tui.runs.find import run_argument
from cifar_tui.tui import common_keys
from cifar_tui.tui.browser.checkpoint_messages import (
    BranchRequested,
    CancellationRequested,
    ComparisonRequested,
    EvaluationRequested,
    ManagementRequested,
)
from cifar_tui.tui.browser.checkpoint_view import Entry
from cifar_tui.tui.browser.run_checkpoints import RunCheckpoints
from cifar_tui.tui.dialogs.questions import delete_question
from cifar_tui.tui.evaluation.evaluation_screen import EvaluationScreen

SOON_SECONDS = 0.3
"""When the folder is looked at again after a person has changed something."""


class CheckpointKeys(Screen[None]):
    """A screen with checkpoints to do something with; those of another run are only read and compared."""

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
        Binding("a", "choose_run", "Other run", show=False, tooltip="Show another run's checkpoints; marks stay"),
        Binding("x", "cancel", "Give up", show=False, tooltip="Give up the evaluation under way"),
        *common_keys.BEFORE,
        *common_keys.AFTER,
    ]

    shown: RunCheckpoints
    """The run whose checkpoints are in view."""

    @property
    def selected(self) -> Entry | None:
        """The checkpoint under the cursor."""
        raise NotImplementedError

    def marked(self) -> list[Path]:
        """The files of all that is marked, of every run."""
        raise NotImplementedError

    def order(self) -> None:
        """Put the list in order, and show it."""
        raise NotImplementedError

    def look(self) -> None:
        """Look at the folder again."""
        raise NotImplementedError

    def action_open(self) -> None:
        """Open the verdict on the checkpoint under the cursor."""
        found = self.shown.find(self.selected.sidecar) if self.selected is not None else None
        if found is not None:
            self.app.push_screen(EvaluationScreen(found))
        elif self._own() is not None:
            self.notify("There is no verdict yet: e measures this checkpoint.")

    def action_evaluate(self) -> None:
        """Ask for the checkpoint under the cursor to be measured."""
        entry = self._own()
        if entry is not None:
            self.post_message(EvaluationRequested(entry.name))

    def action_cancel(self) -> None:
        """Ask for the evaluation under way to be given up."""
        self.post_message(CancellationRequested())

    def action_mark(self) -> None:
        """Mark the checkpoint under the cursor for a comparison, or take the mark away."""
        if self.selected is not None:
            self.shown.view.marked ^= {self.selected.name}
            self.order()

    def action_compare(self) -> None:
        """Ask for the marked checkpoints to be compared."""
        self.post_message(ComparisonRequested(self.marked()))

    def action_branch(self) -> None:
        """Ask for a new run from the checkpoint under the cursor."""
        entry = self._own()
        if entry is not None and self.shown.folder is not None:
            self.post_message(BranchRequested(self.shown.folder, entry.sidecar))

    def action_pin(self) -> None:
        """Ask for the checkpoint under the cursor to be pinned, or no longer."""
        entry = self._own()
        if entry is not None:
            self._tend(PinCheckpoint(entry.name, not entry.pinned))

    def action_delete(self) -> None:
        """Ask for the checkpoint under the cursor to be deleted, once the person has said so again."""
        entry = self._own()
        if entry is None:
            return
        because = self.shown.view.why_kept(entry.name, self.shown.history)
        if because:
            self.notify(because, severity="warning", markup=False)
            return

        def answered(answer: str | None) -> None:
            if answer == "y":
                self._tend(DeleteCheckpoint(entry.name))

        self.app.push_screen(delete_question(entry.name, entry.there or 0), answered)

    def _own(self) -> Entry | None:
        """The checkpoint under the cursor; of another run none, and it is said how to come by that run."""
        if self.shown.is_other and self.shown.folder is not None:
            words = run_argument(self.shown.folder)
            self.notify(f"{self.shown.name} is only read here. To open it, type cifar-tui attach {words}", markup=False)
            return None
        return self.selected

    def _tend(self, request: DeleteCheckpoint | PinCheckpoint) -> None:
        self.post_message(ManagementRequested(request))
        self.set_timer(SOON_SECONDS, self.look)
