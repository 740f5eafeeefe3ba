"""One run as the screen follows it: its history, what was asked of it, and the jobs it takes."""

from collections.abc import Callable

from cifar_tui.control import (
    CancelEvaluation,
    DeleteCheckpoint,
    Evaluate,
    Pause,
    PinCheckpoint,
    Request,
    Resume,
    SetAttended,
    Stop,
)
from cifar_tui.events import RunStarted
from cifar_tui.history.run_history import RunHistory
from cifar_tui.jobs.session import Jobs, RunConnection
from cifar_tui.text import safe_text
from cifar_tui.tui.widgets.status import Asked

CONFIRMED_BY: dict[Asked, tuple[str, ...]] = {
    "pause": ("paused",),
    "resume": ("training", "testing"),
    "stop": (),
    "stalled": (),
}
"""The states that confirm what was asked."""


class FollowedRun:
    """Passes requests to a run and takes in what it says. No widget knows where the run lives."""

    def __init__(self, jobs: Jobs) -> None:
        """Follow what `jobs` starts; nothing is started yet."""
        self.history = RunHistory()
        self.connection: RunConnection | None = None
        self._asked: Asked | None = None
        self.starts = 0
        """How often it was started or gone on with."""
        self._jobs = jobs
        self._evaluation: RunConnection | None = None
        self._errands: list[RunConnection] = []
        """Checkpoints being deleted or pinned beside a run that has ended."""

    def start(self, start: Callable[[], RunConnection]) -> None:
        """Start the run, or go on with it. Raises CifarTuiError, with the history as it was, when that cannot work."""
        connection = start()
        if self.connection is not None:
            self.connection.join(0.0)  # who is followed no longer
        self.history = RunHistory()
        self.connection = connection
        self._evaluation = None
        self.starts += 1
        connection.submit(SetAttended(attended=True))

    def accepts(self, verb: type[Request]) -> bool:
        """Whether the run lives and can be asked for that."""
        return self.connection is not None and self.history.live and self.connection.accepts(verb)

    @property
    def elsewhere(self) -> bool:
        """Whether the run lives in another process, if at all."""
        return self.connection is not None and self.connection.elsewhere

    def send(self, request: Request) -> None:
        """Hand a request to the run, where it still lives."""
        if self.connection is not None and self.accepts(type(request)):
            self.connection.submit(request)

    def send_and_await(self, what: Asked, request: Pause | Resume | Stop) -> None:
        """Hand over a request whose confirmation is waited for."""
        if self.accepts(type(request)):
            self.send(request)
            self._asked = what

    @property
    def asked(self) -> Asked | None:
        """What a person asked for and the engine has not confirmed; or that it gives no sign of life."""
        return "stalled" if self.connection is not None and self.connection.silent_seconds else self._asked

    @property
    def evaluating(self) -> bool:
        """Whether a checkpoint is being measured."""
        beside = self._evaluation is not None and not self._evaluation.ended
        return beside or self.history.evaluation is not None

    def evaluate(self, checkpoint: str) -> str:
        """Measure a checkpoint, in the live run or in a job of its own. Returns a sentence for the person, if any."""
        if self.evaluating:
            return "An evaluation is under way: x gives it up, in the browser (c)."
        if self.accepts(Evaluate):
            self.send(Evaluate(checkpoint))
            return f"{safe_text(checkpoint)} is evaluated after this step."
        self._evaluation = self._jobs.current.evaluate(checkpoint)
        return ""

    def cancel_evaluation(self) -> None:
        """Give the evaluation up."""
        connection = self._evaluation or self.connection
        if connection is not None:
            connection.submit(CancelEvaluation())

    def manage_checkpoint(self, request: DeleteCheckpoint | PinCheckpoint) -> None:
        """Delete or pin a checkpoint, through the run while it lives. Raises CifarTuiError."""
        if self.accepts(type(request)):
            self.send(request)
        else:
            self._errands.append(self._jobs.current.manage_checkpoint(request))

    def drain(self) -> bool:
        """Take in what was said since the last time. Returns whether anything was."""
        events = list(self.connection.poll()) if self.connection is not None else []
        if self._evaluation is not None:
            events += self._evaluation.poll()
        for errand in self._errands:
            events += errand.poll()
        self._errands = [errand for errand in self._errands if not errand.ended]
        for event in events:
            if isinstance(event, RunStarted) and self.history.started is not None:
                self.history = RunHistory()  # a journal that was written again is said from the start
            self.history.apply(event)
        if self._asked is not None and (self.history.state in CONFIRMED_BY[self._asked] or not self.history.live):
            self._asked = None
        return bool(events)

    @property
    def over(self) -> bool:
        """Whether the run has ended, and everything it said was taken in."""
        return (
            self.connection is not None
            and (self.connection.ended or self.connection.elsewhere)
            and not self.history.live
        )

    def leave(self) -> None:
        """Give up what is under way beside the run, and let go of a run elsewhere."""
        if self._evaluation is not None and not self._evaluation.ended:
            self._evaluation.submit(CancelEvaluation())
            self._evaluation.join()
        for errand in self._errands:
            errand.join()
        if self.connection is not None and self.connection.elsewhere:
            self.connection.join()
