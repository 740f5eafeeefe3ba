"""The run that the screen follows: its history, the requests sent to it, and the jobs beside it."""

from collections.abc import Callable
from pathlib import Path

from cifar_tui.checkpoint_events import EvaluationDone, EvaluationFailed
from cifar_tui.control import (
    CancelEvaluation,
    DeleteCheckpoint,
    Evaluate,
    PinCheckpoint,
    Request,
    SetAttended,
)
from cifar_tui.dataclass import dataclass
from cifar_tui.errors import BadInput
from cifar_tui.events import RunStarted
from cifar_tui.history.run_history import RunHistory
from cifar_tui.jobs.session import CurrentJobs, RunConnection
from cifar_tui.text import safe_text
from cifar_tui.tui.widgets.status import Awaited

CONFIRMED_BY: dict[Awaited, tuple[str, ...]] = {
    "pause": ("paused",),
    "resume": ("training", "testing"),
    "stop": (),
    "stalled": (),
    "looking": (),
}
"""The states that confirm a request."""
TRAINING_HERE = "Another run is training in this screen, and goes first: u shows all runs, enter on it goes back to it."


@dataclass(frozen=True, slots=True)
class OwnRun:
    """The run that trains in this process, while another one is in view."""

    history: RunHistory
    """Its events so far."""
    connection: RunConnection
    """Its feed, and the control."""

    def poll(self) -> None:
        """Apply its events since the last poll."""
        for event in self.connection.poll():
            self.history.apply(event)


class FollowedRun:
    """Sends requests to a run and applies its events. No widget knows where the run lives."""

    def __init__(self, jobs: CurrentJobs) -> None:
        """Follow what `jobs` starts; nothing is started yet."""
        self.history = RunHistory()
        self.connection: RunConnection | None = None
        self._awaited: Awaited | None = None
        self.starts = 0
        """Times it was started or resumed."""
        self._jobs = jobs
        self._evaluation: RunConnection | None = None
        self._requested = ""
        """The checkpoint whose evaluation was requested, until it is done or has failed."""
        self._checkpoint_jobs: list[RunConnection] = []
        """Deletions and pins beside a run that has ended."""
        self.own: OwnRun | None = None
        """The run that trains in this process, where another one is in view."""
        self.opened = False
        """True where it was chosen from all runs, and not on the command line."""
        self._opening: Path | None = None
        """The folder of a run that was opened, whose first event has not arrived yet."""

    def start(self, start: Callable[[], RunConnection]) -> None:
        """Start or resume the run. Raises CifarTuiError, with the history as it was, when that cannot work."""
        connection = start()
        if self.connection is not None:
            self.connection.join(0.0)  # the run that is followed no longer
        self.history = RunHistory()
        self.connection = connection
        self._evaluation, self._requested, self._opening = None, "", None
        self.starts += 1
        connection.submit(SetAttended(attended=True))

    def open(self, folder: Path) -> None:
        """Follow another run; one that trains in this process trains on meanwhile. Raises CifarTuiError."""
        if self._evaluation is not None and not self._evaluation.ended:
            raise BadInput(self.evaluating_text)
        self._join_checkpoint_jobs()
        here = self.connection if self.connection is not None and not self.connection.elsewhere else None
        own = OwnRun(self.history, here) if here is not None and not here.ended else None
        self.start(lambda: self._jobs.open(folder, beside=own is not None))
        self._awaited, self.own, self.opened, self._opening = None, own or self.own, True, folder

    def come_back(self) -> bool:
        """Follow the run that trains in this process again. Returns True if another one was in view."""
        if self.own is None or self.connection is None:
            return False
        self._join_checkpoint_jobs()
        self.connection.join(0.0)
        self._jobs.come_back()
        self.history, self.connection, self.own = self.own.history, self.own.connection, None
        self._awaited = self._evaluation = None
        return True

    def release(self, folder: Path) -> bool:
        """Give back the folder of a run that has ended, to be changed. Returns True if it is the run in view."""
        own = self.own.history.started if self.own is not None and not self.training_beside else None
        if own is not None and Path(own.folder) == folder:
            self._jobs.release_other()
            self.own = None
        if folder != self.folder or not self.over:
            return False
        self._jobs.release(folder)
        return True

    def forget(self) -> None:
        """Follow no run any more: it was deleted."""
        self.history, self.connection, self._awaited, self._evaluation = RunHistory(), None, None, None
        self._opening = None

    @property
    def folder(self) -> Path | None:
        """The folder of the run; None where there is none yet."""
        return Path(self.history.started.folder) if self.history.started is not None else self._opening

    @property
    def training_beside(self) -> bool:
        """True while another run than the one in view trains in this process."""
        return self.own is not None and not self.own.connection.ended

    def accepts(self, verb: type[Request]) -> bool:
        """Return True if the run lives and accepts such a request."""
        return self.connection is not None and self.history.live and self.connection.accepts(verb)

    @property
    def elsewhere(self) -> bool:
        """True if the run lives in another process, if at all."""
        return self.connection is not None and self.connection.elsewhere

    def send(self, request: Request, awaiting: Awaited | None = None) -> None:
        """Send a request to the run, where it still lives; `awaiting` is shown until the engine confirms it."""
        if self.connection is not None and self.accepts(type(request)):
            self.connection.submit(request)
            self._awaited = awaiting or self._awaited

    @property
    def awaited(self) -> Awaited | None:
        """The request that the engine has not confirmed yet; or that it gives no sign of life, or takes none of us."""
        if self.connection is not None and self.connection.other_user:
            return "looking"
        return "stalled" if self.connection is not None and self.connection.silent_seconds else self._awaited

    @property
    def evaluating(self) -> bool:
        """True while a checkpoint is being evaluated, or is about to be."""
        beside = self._evaluation is not None and not self._evaluation.ended
        return beside or self.history.evaluation is not None or bool(self._requested)

    @property
    def evaluated_checkpoint(self) -> str:
        """The checkpoint that is being evaluated or is about to be; empty for none."""
        return self.history.evaluation.checkpoint if self.history.evaluation is not None else self._requested

    @property
    def evaluating_text(self) -> str:
        """A sentence for what has to wait for the evaluation under way."""
        name = safe_text(self.evaluated_checkpoint)
        return f"{name} is being evaluated. Press e on it in the list of checkpoints (c) to cancel."

    def evaluate(self, checkpoint: str) -> bool:
        """Evaluate a checkpoint. Returns True if the live run does it, between two steps. Raises CifarTuiError."""
        if self.accepts(Evaluate):
            self.send(Evaluate(checkpoint))
            self._requested = checkpoint
            return True
        if self.training_beside:
            raise BadInput(TRAINING_HERE)
        self._evaluation = self._jobs.current.evaluate(checkpoint)
        self._requested = checkpoint
        return False

    def cancel_evaluation(self) -> None:
        """Cancel the evaluation under way."""
        connection = self._evaluation or self.connection
        if connection is not None:
            connection.submit(CancelEvaluation())

    def manage_checkpoint(self, request: DeleteCheckpoint | PinCheckpoint) -> None:
        """Delete or pin a checkpoint, through the run while it lives. Raises CifarTuiError."""
        if self.accepts(type(request)):
            self.send(request)
        else:
            self._checkpoint_jobs.append(self._jobs.current.manage_checkpoint(request))

    def poll(self) -> bool:
        """Apply the events since the last poll. Returns True if there were any."""
        if self.own is not None:
            self.own.poll()
        events = list(self.connection.poll()) if self.connection is not None else []
        if self._evaluation is not None:
            events += self._evaluation.poll()
        for job in self._checkpoint_jobs:
            events += job.poll()
        self._checkpoint_jobs = [job for job in self._checkpoint_jobs if not job.ended]
        for event in events:
            if isinstance(event, RunStarted) and self.history.started is not None:
                self.history = RunHistory()  # a journal that was written again is read from the start
            self.history.apply(event)
        over = any(isinstance(event, EvaluationDone | EvaluationFailed) for event in events)
        if over or (not self.history.live and self._evaluation is None):
            self._requested = ""
        if self._awaited is not None and (self.history.state in CONFIRMED_BY[self._awaited] or not self.history.live):
            self._awaited = None
        return bool(events)

    @property
    def over(self) -> bool:
        """True once the run has ended and all its events were applied."""
        return (
            self.connection is not None
            and (self.connection.ended or self.connection.elsewhere)
            and not self.history.live
        )

    def close(self) -> None:
        """Cancel what is under way beside the run, and disconnect from a run elsewhere."""
        if self._evaluation is not None and not self._evaluation.ended:
            self._evaluation.submit(CancelEvaluation())
            self._evaluation.join()
        self._join_checkpoint_jobs()
        if self.connection is not None and self.connection.elsewhere:
            self.connection.join()

    def _join_checkpoint_jobs(self) -> None:
        for job in self._checkpoint_jobs:
            job.join()
