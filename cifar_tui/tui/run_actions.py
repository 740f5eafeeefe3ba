"""The requests that a key sends to the followed run, and the questions that come first."""

import math
from collections.abc import Callable

from textual.app import App

from cifar_tui.control import (
    MOST_NOTE,
    AddNote,
    ChangeRate,
    FinishEpoch,
    Pause,
    Request,
    Resume,
    SaveNow,
    Stop,
    requester_name,
)
from cifar_tui.tui.followed_run import FollowedRun
from cifar_tui.tui.widgets.status import Awaited

NOTE_DETAIL = "It goes into the run's journal, with the step it has come to. Enter writes it down, escape cancels."

NEEDS: dict[str, type[Request]] = {
    "pause": Pause,
    "resume": Pause,
    "stop": Stop,
    "finish": FinishEpoch,
    "save": SaveNow,
    "rate": ChangeRate,
    "note": AddNote,
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
                from cifar_tui.tui.dialogs.questions import stop_question

                self._app.push_screen(stop_question(), lambda answer: self.stop() if answer == "y" else None)
            case "rate":
                from cifar_tui.tui.dialogs.rate import RateQuestion

                self._app.push_screen(RateQuestion(self._rate), self._change_rate)
            case "note":
                from cifar_tui.tui.dialogs.text_question import TextQuestion

                self._app.push_screen(TextQuestion("Write a note", NOTE_DETAIL, ""), self._add_note)
            case "finish":
                self._followed.send(FinishEpoch())
            case "save":
                self._followed.send(SaveNow())
                self._app.notify("Saving after this step…")

    def stop(self, signal: str = "") -> None:
        """Stop and save after this step, for the person who is here or a signal."""
        self._send("stop", Stop(signal=signal) if signal else Stop(requester_name()))

    def _send(self, awaiting: Awaited, request: Request) -> None:
        self._followed.send(request, awaiting)
        self._show()

    def _rate(self) -> float:
        step = self._followed.history.last_step
        return step.learning_rate if step is not None else math.nan

    def _change_rate(self, answer: ChangeRate | None) -> None:
        """Send the answer; one that changes the rate by much, only once the person has confirmed it."""
        if answer is None:
            return
        from cifar_tui.tui.dialogs.rate import large_change_question

        now = self._rate()
        question = large_change_question(now, answer.rate * now if answer.relative else answer.rate)
        if question is None:
            self._followed.send(answer)
        else:
            self._app.push_screen(question, lambda reply: self._followed.send(answer) if reply == "y" else None)

    def _add_note(self, text: str | None) -> None:
        if text is not None and text.strip():
            self._followed.send(AddNote(text.strip()[:MOST_NOTE], requester_name()))
