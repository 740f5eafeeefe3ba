"""What a person can ask of the run that is followed, by key or by name, and the questions that come with it."""

from textual.driver import Driver

from cifar_tui.control import (
    ChangeRate,
    FinishEpoch,
    Ignore,
    Pause,
    Request,
    Resume,
    RollBack,
    SaveNow,
    Stop,
    requester_name,
)
from cifar_tui.errors import CifarTuiError
from cifar_tui.events import LossNotFinite
from cifar_tui.history.run_history import RunHistory
from cifar_tui.jobs.session import Jobs
from cifar_tui.tui.base_app import BaseApp
from cifar_tui.tui.browser.checkpoint_messages import ManagementRequested
from cifar_tui.tui.dialogs.questions import Question, RateQuestion, nonfinite_loss_question, stop_question
from cifar_tui.tui.followed_run import FollowedRun
from cifar_tui.tui.settings.preferences import Preferences, PreferencesFile
from cifar_tui.tui.settings.themes import Themes
from cifar_tui.tui.widgets.status import Asked

REQUESTS: dict[str, type[Request]] = {
    "stop": Stop,
    "finish_epoch": FinishEpoch,
    "save_now": SaveNow,
    "change_rate": ChangeRate,
}
"""What an action needs to be heard."""
DECIDED = "decided"
"""The answer of a question that was decided elsewhere."""


class RunActions(BaseApp, inherit_bindings=False):
    """An app that follows a run and passes requests to it."""

    def __init__(
        self,
        jobs: Jobs,
        themes: Themes,
        theme: str,
        preferences: Preferences,
        preferences_file: PreferencesFile | None,
        driver: type[Driver] | None,
    ) -> None:
        """Follow what `jobs` starts; nothing is started yet."""
        super().__init__(themes, theme, preferences, preferences_file, driver)
        self.followed = FollowedRun(jobs)
        self._asked_about: LossNotFinite | None = None
        self._loss_question: Question | None = None

    @property
    def history(self) -> RunHistory:
        """Everything said so far."""
        return self.followed.history

    def check_action(self, action: str, _parameters: tuple[object, ...], /) -> bool | None:
        """Which keys do something in the run's state; the others are hidden."""
        paused = self.history.state == "paused"
        if action in ("pause", "resume"):
            return self.followed.accepts(Pause) and paused == (action == "resume")
        if action == "detach":
            return self.history.live and self.history.started is not None
        if action == "change_rate" and self.history.last_step is None:
            return False
        if action in REQUESTS:
            return self.followed.accepts(REQUESTS[action])
        if action == "resume_run":
            return self.history.state in ("stopped", "failed") and self.history.started is not None
        return True

    def action_pause(self) -> None:
        """Ask for a pause."""
        self._send_request("pause", Pause(requester_name()))

    def action_resume(self) -> None:
        """Ask to go on."""
        self._send_request("resume", Resume())

    def action_stop(self) -> None:
        """Stop, once the person has said so again."""

        def answered(answer: str | None) -> None:
            if answer == "y":
                self._send_request("stop", Stop(requester_name()))

        self.push_screen(stop_question(), answered)

    def action_change_rate(self) -> None:
        """Ask for a learning rate and train with it."""
        if self.history.last_step is not None:
            self.push_screen(RateQuestion(self.history.last_step.learning_rate), self._rate_answered)

    def action_finish_epoch(self) -> None:
        """Stop at the end of this epoch, or call that off."""
        self.followed.send(FinishEpoch())

    def action_save_now(self) -> None:
        """Save weights and state after this step."""
        self.followed.send(SaveNow())
        self.notify("Saving after this step…")

    def on_checkpoints_management_requested(self, message: ManagementRequested) -> None:
        """Delete or pin a checkpoint, in the live run or in a job of its own."""
        try:
            self.followed.manage_checkpoint(message.request)
        except CifarTuiError as error:
            self.notify(str(error), severity="error", markup=False)

    def _show_history(self) -> None:
        """Put the history on the screen in view."""
        raise NotImplementedError

    def _send_request(self, what: Asked, request: Pause | Resume | Stop) -> None:
        self.followed.send_and_await(what, request)
        self._show_history()

    def _ask_about_nonfinite_loss(self) -> None:
        """Put the question up once for every loss that waits for an answer."""
        nonfinite_loss = self.history.nonfinite_loss
        if nonfinite_loss is self._asked_about:
            return
        self._asked_about = nonfinite_loss
        if self._loss_question is not None and self._loss_question in self.screen_stack:
            self._loss_question.dismiss(DECIDED)  # by somebody else
        self._loss_question = None
        if nonfinite_loss is not None and self.followed.accepts(RollBack):
            self._loss_question = nonfinite_loss_question(nonfinite_loss.at_step, nonfinite_loss.loss)
            self.push_screen(self._loss_question, self._broken_loss_answered)

    def _broken_loss_answered(self, answer: str | None) -> None:
        answers: dict[str, Request] = {"b": RollBack(), "i": Ignore(), "s": Stop()}
        if answer is None:
            # Waved away, the question comes back: training waits for it.
            self._asked_about = None
        elif answer in answers:
            self.followed.send(answers[answer])

    def _rate_answered(self, answer: ChangeRate | None) -> None:
        if answer is not None:
            self.followed.send(answer)
