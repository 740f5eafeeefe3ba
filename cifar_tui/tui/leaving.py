"""The ways to leave the screen: a key, Ctrl-C, a signal, a lost terminal, or a run that cannot start."""

import math
import signal
import time
from typing import Literal

from textual.app import App

from cifar_tui.control import Stop
from cifar_tui.errors import CifarTuiError
from cifar_tui.report import run_summary
from cifar_tui.tui.followed_run import FollowedRun
from cifar_tui.tui.run_actions import RunActions

Ending = Literal["left", "detached", "terminal lost", "at once"]


class Leaving:
    """Ends the app, at once or when the run has stopped, with the right exit code."""

    def __init__(self, app: App[int], followed: FollowedRun, actions: RunActions, interrupt_seconds: float) -> None:
        """Leave `app`; a Ctrl-C counts towards the next for `interrupt_seconds`."""
        self._app = app
        self._followed = followed
        self._actions = actions
        self._interrupt_seconds = interrupt_seconds
        self._interrupts = 0
        self._interrupted_at = -math.inf
        self._exit_code: int | None = None
        self.ending: Ending = "left"
        """The way the screen ended."""
        self.failure: CifarTuiError | None = None
        """The reason why the run could not start."""

    @property
    def under_way(self) -> bool:
        """True once the app is to end with the run, or at once."""
        return self._exit_code is not None

    def ask(self) -> None:
        """Leave; while it trains, only after asking which is meant."""
        followed = self._followed
        if not followed.accepts(Stop):
            self._exit_code = 0 if followed.elsewhere else run_summary.exit_code(followed.history)
            self._app.exit(self._exit_code)
            return

        def answered(answer: str | None) -> None:
            if answer == "d":
                self.detach()
            elif answer == "s":
                self._exit_code = 0
                self._actions.stop()

        from cifar_tui.tui.dialogs.questions import quit_question

        self._app.push_screen(quit_question(screen_only=followed.elsewhere), answered)

    def detach(self) -> None:
        """Take the screen down and leave the run training."""
        self._end("detached", 0)

    def interrupt(self) -> None:
        """Ask on the first Ctrl-C, stop and save on the second, leave at once on the third."""
        now = time.monotonic()
        self._interrupts = self._interrupts + 1 if now - self._interrupted_at < self._interrupt_seconds else 1
        self._interrupted_at = now
        if self._interrupts == 1 or not self._followed.accepts(Stop):
            self.ask()
        elif self._interrupts == 2:
            self._exit_code = 128 + signal.SIGINT
            self._app.notify("Stopping after this step, then saving. Press Ctrl-C once more to leave at once.")
            self._actions.stop()
        else:
            self._end("at once", 128 + signal.SIGINT)

    def terminate(self, number: int) -> None:
        """Stop, save and leave on a signal; a run elsewhere continues."""
        self._exit_code = 128 + number
        if self._followed.elsewhere or not self._followed.accepts(Stop):
            self._app.exit(self._exit_code)
        else:
            self._actions.stop(signal.Signals(number).name)

    def lose_terminal(self) -> None:
        """Take the screen down without its terminal, and let training continue; called at every poll from then on."""
        if self.ending == "terminal lost":
            return
        self.ending = "terminal lost"
        if not self.under_way or self._followed.elsewhere:
            self._app.exit(128 + signal.SIGHUP)

    def fail(self, error: CifarTuiError) -> None:
        """Leave because the run cannot start: the shell shows why."""
        self.failure = error
        self._app.exit(error.exit_code)

    def leave_after_run(self) -> None:
        """Leave if a person wants to and the run has ended."""
        if self._exit_code is not None and self._followed.over:
            self._app.exit(run_summary.exit_code(self._followed.history, self._exit_code))

    def _end(self, ending: Ending, exit_code: int) -> None:
        self.ending = ending
        self._app.exit(exit_code)
