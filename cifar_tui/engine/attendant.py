"""Heeds what a person asks, at the places where the engine can: between two steps and between two test batches."""

import time
from collections import deque
from collections.abc import Callable

from cifar_tui.control import CancelEvaluation, Evaluate, Pause, Request, Requests, Resume, Stop
from cifar_tui.errors import StopAsked
from cifar_tui.events import Event, Paused, Resumed


class Attendant:
    """Reads requests, confirms them as events, and holds the engine while a pause lasts."""

    def __init__(
        self,
        requests: Requests,
        emit: Callable[[Event], None],
        evaluate: Callable[[str], None],
        settle: Callable[[], None],
    ) -> None:
        """Serve the requests: `evaluate` measures a checkpoint, `settle` says every step done before anything waits."""
        self.step = 0
        """The last step done; the loop keeps it up."""
        self.seconds_away = 0.0
        """Time spent waiting and evaluating on request since the start."""
        self._requests = requests
        self._emit = emit
        self._evaluate = evaluate
        self._settle = settle
        self._paused = False
        self._evaluating = False
        self._cancelled = False
        self._evaluations: deque[str] = deque()

    def attend(self) -> None:
        """Do what was asked and return when training may go on. Raises StopAsked."""
        started = time.monotonic()
        self._heed_all()
        if not (self._paused or self._evaluations):
            return
        while self._paused or self._evaluations:
            if self._evaluations:
                self._serve(self._evaluations.popleft())
            else:
                self._heed(self._requests.wait())
        self.seconds_away += time.monotonic() - started

    def go_on_evaluating(self) -> bool:
        """Whether the evaluation somebody asked for is still wanted. Raises StopAsked."""
        self._heed_all()
        return not self._cancelled

    def _serve(self, checkpoint: str) -> None:
        self._settle()
        self._evaluating, self._cancelled = True, False
        try:
            self._evaluate(checkpoint)
        finally:
            self._evaluating = False
        self._heed_all()

    def _heed_all(self) -> None:
        while (request := self._requests.take()) is not None:
            self._heed(request)

    def _heed(self, request: Request) -> None:
        match request:
            case Pause() if not self._paused:
                self._settle()
                self._paused = True
                self._emit(Paused(self.step))
            case Resume() if self._paused:
                self._paused = False
                self._emit(Resumed(self.step))
            case Evaluate():
                self._evaluations.append(request.checkpoint)
            case CancelEvaluation():
                self._cancelled = self._evaluating
            case Stop():
                raise StopAsked
            case _:
                pass  # pausing what is paused, or resuming what runs, changes nothing
