"""What a person can have done with the checkpoints of a run that has ended: a new run from one."""

from collections.abc import Callable
from pathlib import Path

from cifar_tui.runs.start import source_words
from cifar_tui.session import Jobs, Link
from cifar_tui.tui.branch_question import BranchChoice, BranchQuestion
from cifar_tui.tui.checkpoints import Checkpoints
from cifar_tui.tui.run_actions import RunActions

EVALUATING = "An evaluation is under way: x gives it up, in the browser (c)."


class CheckpointActions(RunActions, inherit_bindings=False):
    """An app that starts jobs on the checkpoints of the run it follows."""

    _jobs: Jobs

    def on_checkpoints_branch_asked(self, message: Checkpoints.BranchAsked) -> None:
        """Ask what is to be different, and start a new run; beside one that trains, say how it is done."""
        started = self.history.started
        if started is None or self._refused(message):
            return

        def answered(choice: BranchChoice | None) -> None:
            if choice is not None:
                self._branch(message.sidecar.checkpoint, choice)

        self.push_screen(BranchQuestion(message.sidecar.checkpoint, started.recipe), answered)

    def _refused(self, message: Checkpoints.BranchAsked) -> bool:
        """Say why no new run can start on this screen. Returns whether that is so."""
        if self.history.live:
            words = source_words(Path(message.folder), message.sidecar)
            sentence = (
                f"This run is training: stop or detach it first, or type elsewhere: cifar-tui train --from {words}"
            )
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
