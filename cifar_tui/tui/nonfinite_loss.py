"""The question about a loss that is not finite, which training waits for."""

from typing import TYPE_CHECKING

from textual.app import App

from cifar_tui.control import Ignore, Request, RollBack, Stop
from cifar_tui.events import LossNotFinite
from cifar_tui.tui.followed_run import FollowedRun

if TYPE_CHECKING:
    from cifar_tui.tui.dialogs.questions import Question

ANSWERED_ELSEWHERE = "answered elsewhere"


class NonfiniteLossQuestion:
    """Asks once about every loss that waits for an answer."""

    def __init__(self, app: App[int], followed: FollowedRun) -> None:
        """Ask on `app` about the losses of a run."""
        self._app = app
        self._followed = followed
        self._asked_about: LossNotFinite | None = None
        self._question: Question | None = None

    def ask(self) -> None:
        """Ask if a loss waits for an answer; take a question down that was answered on another screen."""
        loss = self._followed.history.nonfinite_loss
        if loss is self._asked_about:
            return
        self._asked_about = loss
        if self._question is not None and self._question in self._app.screen_stack:
            self._question.dismiss(ANSWERED_ELSEWHERE)
        self._question = None
        if loss is not None and self._followed.accepts(RollBack):
            from cifar_tui.tui.dialogs.questions import nonfinite_loss_question

            self._question = nonfinite_loss_question(loss.at_step, loss.loss)
            self._app.push_screen(self._question, self._answered)

    def _answered(self, answer: str | None) -> None:
        answers: dict[str, Request] = {"b": RollBack(), "i": Ignore(), "s": Stop()}
        if answer is None:
            # Dismissed, the question comes back: training waits for it.
            self._asked_about = None
        elif answer in answers:
            self._followed.send(answers[answer])
