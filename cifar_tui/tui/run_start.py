"""Starting a run from the screen: for the first time, again, on other data, or with a shorter preset."""

from collections.abc import Callable
from pathlib import Path

from textual.app import App

from cifar_tui.errors import BadInput, CifarTuiError
from cifar_tui.history.run_history import RunHistory
from cifar_tui.jobs.session import CurrentJobs, RunConnection
from cifar_tui.report import run_summary
from cifar_tui.report.run_time import ShorterPreset, shorter_preset, times_text
from cifar_tui.runs.checkpoints.states import resumable
from cifar_tui.tui.followed_run import TRAINING_HERE, FollowedRun
from cifar_tui.tui.leaving import Leaving
from cifar_tui.tui.run_actions import RunActions


class RunStarter:
    """Starts jobs and has them followed; what cannot work from the first ends the program with its sentence."""

    def __init__(
        self, app: App[int], jobs: CurrentJobs, followed: FollowedRun, leaving: Leaving, actions: RunActions
    ) -> None:
        self._app = app
        self._jobs = jobs
        self._followed = followed
        self._leaving = leaving
        self._actions = actions
        self.shorter: ShorterPreset | None = None
        """The preset to take instead of the run under way, where that is longer than an evening."""
        self.can_resume = False
        """True where the run has ended with a state to resume from."""
        self._advised = False
        self._next_preset = ""
        """The preset to start with once this run has stopped; empty for none."""

    def train(self, data: str | None = None) -> None:
        """Start the run, on other data than chosen where `data` names some."""
        self.start(lambda: self._jobs.current.train(data))

    def resume(self) -> None:
        """Resume the run that has ended."""
        if self._followed.evaluating:
            self._app.notify(self._followed.evaluating_text, severity="warning", markup=False)
        elif self._followed.training_beside:
            self._app.notify(TRAINING_HERE, severity="warning")
        else:
            self.start(self._jobs.current.resume)

    def start(self, start: Callable[[], RunConnection]) -> bool:
        """Start or resume a run, and follow it. Returns True if it has started."""
        if self._leaving.under_way:
            return False  # a person may leave before the first frame has started anything
        try:
            self._followed.start(start)
        except CifarTuiError as error:
            if self._followed.connection is None:
                self._leaving.fail(error)
            else:
                self._app.notify(str(error), severity="error", markup=False)
            return False
        return True

    def react(self) -> None:
        """Ask for other data if there is none; leave if the run could not start at all."""
        history = self._followed.history
        self.can_resume = _can_resume(history)
        if history.state == "no data":
            from cifar_tui.tui.dialogs.questions import data_question

            question = data_question(run_summary.outcome(history), resumed=history.resumed)
            self._app.push_screen(question, self._data_answered)
        elif (
            self._followed.starts == 1
            and not self._followed.opened
            and history.training is None
            and run_summary.exit_code(history) == 2
        ):
            self._leaving.fail(BadInput(run_summary.outcome(history)))

    def poll(self) -> bool:
        """Look for a shorter preset, and start with the chosen one once this run has stopped.

        Returns True when there is one to offer now, or none any more.
        """
        before, followed = self.shorter, self._followed
        self.shorter = None if followed.elsewhere or self._next_preset else shorter_preset(followed.history)
        if self.shorter is not None and not self._advised:
            self._advised = True
            self._app.notify(
                f"{times_text(self.shorter)} Press z to train {self.shorter.preset} instead.", markup=False
            )
        if self._next_preset and followed.over:
            chosen, self._next_preset = self._next_preset, ""
            if followed.history.state == "stopped":
                self.start(lambda: self._jobs.current.train_preset(chosen))
        return (before is None) != (self.shorter is None)

    def ask_for_shorter(self) -> None:
        """Start a run with the shorter preset instead of this one, after a question."""
        if self.shorter is not None:
            from cifar_tui.tui.dialogs.questions import shorter_question

            chosen = self.shorter.preset
            self._app.clear_notifications()  # the offer lies where the question comes
            self._app.push_screen(shorter_question(self.shorter), lambda answer: self._shorten(chosen, answer))

    def _shorten(self, preset: str, answer: str | None) -> None:
        if answer == "y" and self._followed.history.live:
            self._next_preset = preset
            self._actions.stop()

    def _data_answered(self, answer: str | None) -> None:
        if answer == "r":
            self.train()
        elif answer == "s":
            self.train("synthetic")
        elif answer is not None and answer != "q":
            self.train(answer)
        else:
            self._app.exit(run_summary.exit_code(self._followed.history))


def _can_resume(history: RunHistory) -> bool:
    if history.state not in ("stopped", "failed") or history.started is None:
        return False
    try:
        return resumable(Path(history.started.folder))
    except OSError:
        return False
