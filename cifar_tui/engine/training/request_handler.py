"""Heeds what a person asks, at the places where the engine can: between two steps and between two test batches."""

from collections import deque
from collections.abc import Callable
from typing import Protocol

from cifar_tui.control import (
    CancelEvaluation,
    ChangeRate,
    DeleteCheckpoint,
    Evaluate,
    FinishEpoch,
    Ignore,
    Pause,
    PinCheckpoint,
    Request,
    RequestQueue,
    Resume,
    RollBack,
    SaveNow,
    SetAttended,
    Stop,
)
from cifar_tui.errors import StopRequested
from cifar_tui.events import Event, LossNotFinite, Noted, Paused, Resumed


class TrainingActions(Protocol):
    """What a training can do for a person between two steps."""

    def flush_records(self) -> None:
        """Say every step done so far, before anything waits."""

    def evaluate_checkpoint(self, checkpoint: str) -> None:
        """Measure a checkpoint."""

    def change_rate(self, request: ChangeRate) -> None:
        """Train with another learning rate from the next step on."""

    def plan_finish(self) -> None:
        """Stop at the end of this epoch, or call that off."""

    def save_now(self) -> None:
        """Save weights and state."""

    def manage_checkpoint(self, request: DeleteCheckpoint | PinCheckpoint) -> None:
        """Delete or pin a checkpoint."""


class RequestHandler:
    """Reads requests, confirms them as events, and holds the engine while a pause lasts."""

    def __init__(
        self, requests: RequestQueue, emit: Callable[[Event], None], served: TrainingActions, now: Callable[[], float]
    ) -> None:
        """Serve the requests with what `served` can do; `now` is the clock, in seconds."""
        self.step = 0
        """The last step done; the loop keeps it up."""
        self.seconds_away = 0.0
        """Time spent waiting and evaluating on request since the start."""
        self._requests = requests
        self._emit = emit
        self._training = served
        self._now = now
        self._watching: set[int] = set()
        """The screens that a person is at."""
        self._paused = False
        self._evaluating = ""
        """The checkpoint that is being evaluated."""
        self._cancelled = False
        self._answer: RollBack | Ignore | None = None
        self._evaluations: deque[str] = deque()

    def handle_requests(self) -> None:
        """Do what was asked and return when training may go on. Raises StopRequested."""
        started = self._now()
        self._handle_all()
        if not (self._paused or self._evaluations):
            return
        while self._paused or self._evaluations:
            self._wait_or_handle()
        self.seconds_away += self._now() - started

    def wait_for_decision(self, step: int, loss: float) -> RollBack | Ignore | None:
        """What to do about a loss that is no number, after asking the person who watches; None where nobody does.

        Raises StopRequested.
        """
        self._handle_all()
        self._emit(LossNotFinite(step, loss, waiting=bool(self._watching)))
        started = self._now()
        self._answer = None
        while self._watching and self._answer is None:
            self._wait_or_handle()
        self.seconds_away += self._now() - started
        if self._answer is not None:
            self._paused = False  # a pause asked for just before would hold what the answer set going
        return self._answer

    def keep_evaluating(self) -> bool:
        """Whether the evaluation somebody asked for is still wanted. Raises StopRequested."""
        self._handle_all()
        return not self._cancelled

    def in_use(self) -> frozenset[str]:
        """The checkpoints that are being evaluated, or wait for it; any thread may ask."""
        return frozenset({*list(self._evaluations), self._evaluating})

    def _wait_or_handle(self) -> None:
        if self._evaluations:
            self._run_deferred(self._evaluations[0])
        else:
            self._handle(self._requests.wait_for_next())

    def _run_deferred(self, checkpoint: str) -> None:
        self._training.flush_records()
        self._evaluating, self._cancelled = checkpoint, False
        self._evaluations.popleft()
        try:
            self._training.evaluate_checkpoint(checkpoint)
        finally:
            self._evaluating = ""
        self._handle_all()

    def _handle_all(self) -> None:
        while (request := self._requests.dequeue()) is not None:
            self._handle(request)

    def _handle(self, request: Request) -> None:
        match request:
            case Pause() if not self._paused:
                self._training.flush_records()
                self._paused = True
                self._emit(Paused(self.step, request.by))
            case Resume() if self._paused:
                self._paused = False
                self._emit(Resumed(self.step))
            case Evaluate():
                self._evaluations.append(request.checkpoint)
            case CancelEvaluation():
                self._cancelled = bool(self._evaluating)
            case ChangeRate():
                self._training.change_rate(request)
            case FinishEpoch():
                self._training.plan_finish()
            case SaveNow():
                self._training.save_now()
            case DeleteCheckpoint() | PinCheckpoint():
                self._training.manage_checkpoint(request)
            case RollBack() | Ignore():
                self._answer = request
            case SetAttended():
                (self._watching.add if request.attended else self._watching.discard)(request.screen)
                if request.because:
                    self._emit(Noted(request.because))
            case Stop():
                if request.by:
                    self._emit(Noted(f"Stopped by {request.by}."))
                raise StopRequested
            case _:
                pass  # pausing what is paused, or resuming what runs, changes nothing
