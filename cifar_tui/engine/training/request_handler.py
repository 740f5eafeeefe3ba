"""Handles what a person requests, where the engine can: between two steps and between two test batches."""

from typing import assert_never

from cifar_tui import control
from cifar_tui.checkpoint_events import EvaluationFailed
from cifar_tui.engine.evaluation.evaluate_checkpoint import CANCELLED
from cifar_tui.engine.training.run_parts import RunParts
from cifar_tui.errors import StopRequested
from cifar_tui.events import LossNotFinite, NoteAdded, Noted, Paused, Resumed


class RequestHandler:
    """Reads requests, confirms them as events, and holds the engine while a pause lasts."""

    def __init__(self, requests: control.RequestQueue, parts: RunParts) -> None:
        self._requests = requests
        self._parts = parts
        self._emit = parts.context.emit
        self._evaluations = parts.evaluations
        self._attending: set[int] = set()
        """The screens that a person is at."""
        self._paused = False
        self._cancelled = False
        self._answer: control.RollBack | control.Ignore | None = None

    def handle_requests(self) -> None:
        """Handle all requests and return when training may go on. Raises StopRequested."""
        self._handle_all()
        if self._paused or self._evaluations:
            with self._parts.clock.stopped():
                while self._paused or self._evaluations:
                    self._evaluate_or_wait()

    def wait_for_decision(self, step: int, loss: float) -> control.RollBack | control.Ignore | None:
        """Return what a person decides about a loss that is no finite number; None where nobody is there.

        Raises StopRequested.
        """
        self._handle_all()
        self._emit(LossNotFinite(step, loss, waiting=bool(self._attending)))
        self._answer = None
        with self._parts.clock.stopped():
            while self._attending and self._answer is None:
                self._evaluate_or_wait()
        if self._answer is not None:
            self._paused = False  # a pause requested just before would hold what the answer set going
        return self._answer

    def _evaluate_or_wait(self) -> None:
        if self._evaluations:
            self._evaluate_next()
        else:
            self._handle(self._requests.wait_for_next())

    def _evaluate_next(self) -> None:
        self._parts.steps.flush()
        self._cancelled = False
        try:
            self._parts.evaluator.evaluate(self._evaluations.start_next(), self._keep_evaluating)
        finally:
            self._evaluations.current = ""
        self._handle_all()

    def _keep_evaluating(self) -> bool:
        """Return True unless the evaluation was cancelled. Raises StopRequested."""
        self._handle_all()
        return not self._cancelled

    def _handle_all(self) -> None:
        while (request := self._requests.dequeue()) is not None:
            self._handle(request)

    def _handle(self, request: control.Request) -> None:
        match request:
            case control.Pause():
                self._pause(request.by)
            case control.Resume():
                self._resume()
            case control.Evaluate():
                self._evaluations.add(request.checkpoint)
            case control.CancelEvaluation():
                self._cancel_evaluation()
            case control.ChangeRate():
                self._parts.plan.change_rate(self._parts.progress.step + 1, request)
            case control.FinishEpoch():
                self._parts.plan.toggle_finish(self._parts.progress.epochs_done)
            case control.SaveNow():
                self._save()
            case control.DeleteCheckpoint() | control.PinCheckpoint():
                self._parts.checkpointer.manage_checkpoint(request)
            case control.RollBack() | control.Ignore():
                self._answer = request
            case control.AddNote():
                self._emit(NoteAdded(self._parts.progress.step, request.text, request.by))
            case control.SetAttended():
                (self._attending.add if request.attended else self._attending.discard)(request.screen)
                if request.because:
                    self._emit(Noted(request.because))
            case control.Stop():
                if request.by:
                    self._emit(Noted(f"Stopped by {request.by}."))
                raise StopRequested(request.signal)
            case _:
                assert_never(request)

    def _pause(self, by: str) -> None:
        if not self._paused:
            self._parts.steps.flush()
            self._paused = True
            self._emit(Paused(self._parts.progress.step, by))

    def _resume(self) -> None:
        if self._paused:
            self._paused = False
            self._emit(Resumed(self._parts.progress.step))

    def _cancel_evaluation(self) -> None:
        """Cancel the evaluation under way, or those that wait where none is."""
        self._cancelled = bool(self._evaluations.current)
        if not self._cancelled:
            for checkpoint in self._evaluations.drop_waiting():
                self._emit(EvaluationFailed(checkpoint, CANCELLED, damaged=False))

    def _save(self) -> None:
        self._parts.steps.flush()
        self._parts.checkpointer.save_mid_epoch(self._parts.progress.step, self._parts.plan.steps_per_epoch)
        self._parts.checkpointer.save_state(self._parts.progress.step)
