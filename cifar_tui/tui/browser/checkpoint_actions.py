"""The actions on checkpoints: evaluate, compare, pin and delete them, and start a new run from one."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import App

from cifar_tui.checkpoint_events import MOST_COMPARED
from cifar_tui.control import DeleteCheckpoint, PinCheckpoint
from cifar_tui.errors import CifarTuiError
from cifar_tui.jobs.session import CurrentJobs, RunConnection
from cifar_tui.runs.find import checkpoint_argument
from cifar_tui.system.invocation import command_line
from cifar_tui.text import safe_text
from cifar_tui.tui.followed_run import TRAINING_HERE, FollowedRun

if TYPE_CHECKING:
    from cifar_tui.tui.browser.checkpoint_view import Entry
    from cifar_tui.tui.browser.run_checkpoints import RunCheckpoints
    from cifar_tui.tui.dialogs.branch import BranchChoice


class CheckpointActions:
    """Sends requests about checkpoints to the live run, or starts jobs of their own beside one that has ended."""

    def __init__(
        self,
        app: App[int],
        jobs: CurrentJobs,
        followed: FollowedRun,
        start: Callable[[Callable[[], RunConnection]], bool],
        look_again_seconds: float,
    ) -> None:
        """Act for `app`; `start` has a new run followed, the folder is looked at again after a change."""
        self._app = app
        self._jobs = jobs
        self._followed = followed
        self._start = start
        self._look_again_seconds = look_again_seconds

    def run(self, action: str, checkpoints: "RunCheckpoints", entry: "Entry") -> None:
        """Do what a binding names with one of the run's checkpoints."""
        match action:
            case "evaluate":
                self.evaluate(entry.name)
            case "pin":
                self._manage(PinCheckpoint(entry.name, not entry.pinned), checkpoints)
            case "delete":
                self._delete(checkpoints, entry)
            case "branch":
                self._branch(checkpoints, entry)

    def evaluate(self, checkpoint: str) -> None:
        """Evaluate a checkpoint, in the live run or in a job of its own; of the one being evaluated, cancel that."""
        try:
            if self._followed.evaluated_checkpoint == checkpoint:
                self._followed.cancel_evaluation()
            elif self._followed.evaluating:
                self._app.notify(self._followed.evaluating_text, markup=False)
            elif self._followed.evaluate(checkpoint):
                self._app.notify(f"{safe_text(checkpoint)} will be evaluated after this step.", markup=False)
        except CifarTuiError as error:
            self._app.notify(str(error), markup=False)

    @property
    def evaluated_checkpoint(self) -> str:
        """The checkpoint that is being evaluated or is about to be; empty for none."""
        return self._followed.evaluated_checkpoint

    def compare(self, weights: list[Path]) -> None:
        """Compare checkpoints; a run that trains trains on meanwhile."""
        from cifar_tui.tui.evaluation.comparison_screen import ComparisonScreen

        if not 2 <= len(weights) <= MOST_COMPARED:
            self._app.notify(f"Mark 2 to {MOST_COMPARED} checkpoints with space, then press C to compare them.")
        elif self._followed.evaluating:
            self._app.notify(self._followed.evaluating_text, severity="warning", markup=False)
        else:
            beside = self._followed.history.live or self._followed.training_beside
            try:
                connection = self._jobs.current.compare(weights, beside=beside)
            except CifarTuiError as error:
                self._app.notify(str(error), severity="error", markup=False)
                return
            self._app.push_screen(ComparisonScreen(connection))

    def _delete(self, checkpoints: "RunCheckpoints", entry: "Entry") -> None:
        """Delete a checkpoint that may go, once the person has confirmed it."""
        because = checkpoints.view.why_kept(entry.name, checkpoints.history)
        if because:
            self._app.notify(because, severity="warning", markup=False)
            return

        def answered(answer: str | None) -> None:
            if answer == "y":
                self._manage(DeleteCheckpoint(entry.name), checkpoints)

        from cifar_tui.tui.dialogs.questions import delete_question

        self._app.push_screen(delete_question(entry.name, entry.there or 0), answered)

    def _manage(self, request: DeleteCheckpoint | PinCheckpoint, checkpoints: "RunCheckpoints") -> None:
        try:
            self._followed.manage_checkpoint(request)
        except CifarTuiError as error:
            self._app.notify(str(error), severity="error", markup=False)
        self._app.set_timer(self._look_again_seconds, checkpoints.look)

    def _branch(self, checkpoints: "RunCheckpoints", entry: "Entry") -> None:
        """Ask what is to be different, then start a new run and follow it on the dashboard."""
        from cifar_tui.tui.dialogs.branch import BranchQuestion

        started, browser = self._followed.history.started, self._app.screen
        if started is None or checkpoints.folder is None or not self._may_branch(checkpoints.folder, entry):
            return

        def answered(choice: "BranchChoice | None") -> None:
            if choice is None:
                return
            epochs, rate = choice.epochs, choice.learning_rate
            if self._start(lambda: self._jobs.current.branch(entry.name, epochs, rate)) and self._app.screen is browser:
                self._app.pop_screen()

        self._app.push_screen(BranchQuestion(entry.name, started.recipe), answered)

    def _may_branch(self, folder: Path, entry: "Entry") -> bool:
        """Return True if a new run can start here now; where it cannot, say why, and what can."""
        if self._followed.history.live:
            argument = checkpoint_argument(folder, entry.sidecar)
            typed = command_line(f"train --from {argument}")
            sentence = f"This run is training: stop or detach it first, or in another shell: {typed}"
        elif self._followed.evaluating:
            sentence = self._followed.evaluating_text
        elif self._followed.training_beside:
            sentence = TRAINING_HERE
        else:
            return True
        self._app.notify(sentence, severity="warning", timeout=15, markup=False)
        return False
