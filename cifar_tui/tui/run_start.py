"""Starting a run from the screen: for the first time, again, or on other data."""

from collections.abc import Callable

from textual.app import App

from cifar_tui.errors import BadInput, CifarTuiError
from cifar_tui.jobs.session import CurrentJobs, RunConnection
from cifar_tui.report import run_summary
from cifar_tui.tui.dialogs.questions import data_question
from cifar_tui.tui.followed_run import EVALUATING, TRAINING_HERE, FollowedRun
from cifar_tui.tui.leaving import Leaving


class RunStarter:
    """Starts jobs and has them followed; what cannot work from the first ends the program with its sentence."""

    def __init__(self, app: App[int], jobs: CurrentJobs, followed: FollowedRun, leaving: Leaving) -> None:
        self._app = app
        self._jobs = jobs
        self._followed = followed
        self._leaving = leaving

    def train(self, data: str | None = None) -> None:
        """Start the run, on other data than chosen where `data` names some."""
        self.start(lambda: self._jobs.current.train(data))

    def resume(self) -> None:
        """Resume the run that has ended."""
        if self._followed.evaluating:
            self._app.notify(EVALUATING, severity="warning")
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
        if history.state == "no data":
            question = data_question(run_summary.outcome(history), resumed=history.resumed)
            self._app.push_screen(question, self._data_answered)
        elif (
            self._followed.starts == 1
            and not self._followed.opened
            and history.training is None
            and run_summary.exit_code(history) == 2
        ):
            self._leaving.fail(BadInput(run_summary.outcome(history)))

    def _data_answered(self, answer: str | None) -> None:
        if answer == "r":
            self.train()
        elif answer == "s":
            self.train("synthetic")
        else:
            self._app.exit(run_summary.exit_code(self._followed.history))
