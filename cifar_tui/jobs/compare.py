"""The job of comparing checkpoints, which belongs to no run and leaves nothing behind."""

from collections.abc import Callable, Sequence
from pathlib import Path

from cifar_tui.control import Request, RequestQueue
from cifar_tui.evaluation_events import EvaluationFailed
from cifar_tui.events import Event
from cifar_tui.jobs.session import Emit, Session
from cifar_tui.runs.compared_checkpoint import ComparedCheckpoint, compared_checkpoint


class CompareJob:
    """Measures checkpoints of any runs on the same images."""

    def __init__(self, compared: Sequence[ComparedCheckpoint]) -> None:
        """Compare the others with the first."""
        self._compared = compared

    def replay(self) -> tuple[Event, ...]:
        """Nothing was said before."""
        return ()

    def listen(self, _submit: Callable[[Request], None], _say: Callable[[Event], None]) -> None:
        """Nobody else asks."""

    def run(self, emit: Emit, requests: RequestQueue) -> None:
        """Read, load and measure."""
        from cifar_tui.engine.evaluation.compare import compare_checkpoints

        compare_checkpoints(self._compared, emit, requests)

    def append_event(self, event: Event) -> None:
        """Nothing is written down."""

    def failed(self, reason: str, _exit_code: int) -> Event:
        """They could not be compared."""
        return EvaluationFailed("", reason, damaged=False)

    def failed_unexpectedly(self, reason: str, _details: str) -> Event:
        """They could not be compared."""
        return EvaluationFailed("", reason, damaged=False)

    def close(self) -> None:
        """There is nothing to let go of."""


def start_comparison(compared: Sequence[ComparedCheckpoint]) -> Session:
    """Start comparing checkpoints with the first of them."""
    session = Session(CompareJob(compared))
    session.start()
    return session


def compare_checkpoints(weights: Sequence[Path]) -> Session:
    """Start comparing checkpoints of runs with the first of them. Raises BadInput."""
    return start_comparison([compared_checkpoint(file) for file in weights])
