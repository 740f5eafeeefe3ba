"""The requests that a key sends to the followed run, and the questions that come first."""

from collections.abc import Callable

from textual.app import App

from cifar_tui.control import ChangeRate, FinishEpoch, Pause, Request, Resume, SaveNow, Stop, requester_name
from cifar_tui.tui.dialogs.questions import RateQuestion, stop_question
from cifar_tui.tui.followed_run import FollowedRun
from cifar_tui.tui.widgets.status import Awaited

NEEDS: dict[str, type[Request]] = {
    "pause": Pause,
    "resume": Pause,
    "stop": Stop,
    "finish": FinishEpoch,
    "save": SaveNow,
    "rate": ChangeRate,
}
"""The request that a run has to accept for each action."""


class RunActions:
    """Actions on a live run, by the names that the bindings use."""

    def __init__(self, app: App[int], followed: FollowedRun, show: Callable[[], None]) -> None:
        """Send requests to a run; `show` puts what is awaited on the screen."""
        self._app = app
        self._followed = followed
        self._show = show

    def allowed(self, action: object) -> bool:
        """Return True if the action does something in the run's state."""
        history = self._followed.history
        if action in ("pause", "resume") and (history.state == "paused") != (action == "resume"):
            return False
        if action == "rate" and history.last_step is None:
            return False
        return self._followed.accepts(NEEDS[str(action)])

    def run(self, action: str) -> None:
        """Send the action's request, once the person has answered its question."""
        match action:
            case "pause":
                self._send("pause", Pause(requester_name()))
            case "resume":
                self._send("resume", Resume())
            case "stop":
                self._app.push_screen(stop_question(), lambda answer: self.stop() if answer == "y" else None)
            case "rate" if self._followed.history.last_step is not None:
                self._app.push_screen(RateQuestion(self._followed.history.last_step.learning_rate), self._change_rate)
            case "finish":
                self._followed.send(FinishEpoch())
            case "save":
                self._followed.send(SaveNow())
                self._app.notify("Saving after this step…")

    def stop(self, *, by_name: bool = True) -> None:
        """Stop and save after this step; `by_name` says who asked for it."""
        self._send("stop", Stop(requester_name()) if by_name else Stop())

    def _send(self, awaiting: Awaited, request: Request) -> None:
        self._followed.send(request, awaiting)
        self._show()

    def _change_rate(self, answer: ChangeRate | None) -> None:
        if answer is not None:
            self._followed.send(answer)
