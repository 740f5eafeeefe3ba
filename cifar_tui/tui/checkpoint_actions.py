"""What a person can have done with checkpoints: a comparison, and a new run from one of a run that has ended."""

from collections.abc import Callable

from cifar_tui.errors import CifarTuiError
from cifar_tui.jobs.session import Jobs, RunConnection
from cifar_tui.report.comparison_text import MOST_COMPARED
from cifar_tui.runs.find import checkpoint_argument
from cifar_tui.tui.browser.browser import Checkpoints
from cifar_tui.tui.browser.checkpoint_messages import BranchRequested, ComparisonRequested
from cifar_tui.tui.dialogs.branch import BranchChoice, BranchQuestion
from cifar_tui.tui.evaluation.comparison_screen import ComparisonScreen
from cifar_tui.tui.run_actions import RunActions

EVALUATING = "An evaluation is under way: x gives it up, in the browser (c)."


class CheckpointActions(RunActions, inherit_bindings=False):
    """An app that starts jobs on the checkpoints of the run it follows."""

    _jobs: Jobs

    def on_checkpoints_branch_requested(self, message: BranchRequested) -> None:
        """Ask what is to be different, and start a new run."""
        started = self.history.started
        if started is None or not self._may_branch(message):
            return

        def answered(choice: BranchChoice | None) -> None:
            if choice is not None:
                self._branch(message.sidecar.checkpoint, choice)

        self.push_screen(BranchQuestion(message.sidecar.checkpoint, started.recipe), answered)

    def on_checkpoints_comparison_requested(self, message: ComparisonRequested) -> None:
        """Compare what is marked; a run that trains trains on meanwhile."""
        if not 2 <= len(message.weights) <= MOST_COMPARED:
            self.notify(f"Mark 2 to {MOST_COMPARED} checkpoints with space, then m compares them.")
        elif self.followed.evaluating:
            self.notify(EVALUATING, severity="warning")
        else:
            try:
                connection = self._jobs.current.compare(message.weights, beside=self.history.live)
            except CifarTuiError as error:
                self.notify(str(error), severity="error", markup=False)
                return
            self.push_screen(ComparisonScreen(connection))

    def _may_branch(self, message: BranchRequested) -> bool:
        """Whether a new run can start here now; where it cannot, it is said why, and what can."""
        if self.history.live:
            words = checkpoint_argument(message.folder, message.sidecar)
            sentence = (
                f"This run is training: stop or detach it first, or type elsewhere: cifar-tui train --from {words}"
            )
        elif self.followed.evaluating:
            sentence = EVALUATING
        else:
            return True
        self.notify(sentence, severity="warning", timeout=15, markup=False)
        return False

    def _branch(self, checkpoint: str, choice: BranchChoice) -> None:
        """Follow the new run, on the dashboard."""
        starts = self.followed.starts
        self._start(lambda: self._jobs.current.branch(checkpoint, choice.epochs, choice.learning_rate))
        if self.followed.starts > starts and isinstance(self.screen, Checkpoints):
            self.pop_screen()

    def _start(self, start: Callable[[], RunConnection]) -> None:
        """Start a run, and follow it."""
        raise NotImplementedError
