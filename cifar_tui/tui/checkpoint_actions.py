"""What a person can have done with the checkpoints of a run that has ended: a new run, a comparison."""

from collections.abc import Callable, Sequence
from pathlib import Path

from cifar_tui.comparison_words import MOST_COMPARED
from cifar_tui.errors import CifarTuiError
from cifar_tui.runs.sidecars import Sidecar
from cifar_tui.runs.start import source_words
from cifar_tui.session import Jobs, Link
from cifar_tui.tui.branch_question import BranchChoice, BranchQuestion
from cifar_tui.tui.checkpoint_messages import BranchAsked, ComparisonAsked
from cifar_tui.tui.checkpoints import Checkpoints
from cifar_tui.tui.comparison import ComparisonScreen
from cifar_tui.tui.run_actions import RunActions

EVALUATING = "An evaluation is under way: x gives it up, in the browser (c)."


class CheckpointActions(RunActions, inherit_bindings=False):
    """An app that starts jobs on the checkpoints of the run it follows."""

    _jobs: Jobs

    def on_checkpoints_branch_asked(self, message: BranchAsked) -> None:
        """Ask what is to be different, and start a new run."""
        started = self.history.started
        if started is None or self._refused("train --from", message.folder, [message.sidecar]):
            return

        def answered(choice: BranchChoice | None) -> None:
            if choice is not None:
                self._branch(message.sidecar.checkpoint, choice)

        self.push_screen(BranchQuestion(message.sidecar.checkpoint, started.recipe), answered)

    def on_checkpoints_comparison_asked(self, message: ComparisonAsked) -> None:
        """Compare what is marked."""
        marked = message.sidecars
        if not 2 <= len(marked) <= MOST_COMPARED:
            self.notify(f"Mark 2 to {MOST_COMPARED} checkpoints with space, then v compares them.")
        elif not self._refused("compare", message.folder, marked):
            try:
                link = self._jobs.compare([message.folder / one.checkpoint for one in marked])
            except CifarTuiError as error:
                self.notify(str(error), severity="error", markup=False)
                return
            self.push_screen(ComparisonScreen(link))

    def _refused(self, command: str, folder: Path, sidecars: Sequence[Sidecar]) -> bool:
        """Say why a job of this process cannot start now, and what can. Returns whether that is so."""
        if self.history.live:
            words = " ".join(source_words(folder, one) for one in sidecars)
            sentence = f"This run is training: stop or detach it first, or type elsewhere: cifar-tui {command} {words}"
        elif self.followed.evaluating:
            sentence = EVALUATING
        else:
            return False
        self.notify(sentence, severity="warning", timeout=15, markup=False)
        return True

    def _branch(self, checkpoint: str, choice: BranchChoice) -> None:
        """Follow the new run, on the dashboard."""
        starts = self.followed.starts
        self._start(lambda: self._jobs.branch(checkpoint, choice.epochs, choice.learning_rate))
        if self.followed.starts > starts and isinstance(self.screen, Checkpoints):
            self.pop_screen()

    def _start(self, start: Callable[[], Link]) -> None:
        """Start a run, and follow it."""
        raise NotImplementedError
