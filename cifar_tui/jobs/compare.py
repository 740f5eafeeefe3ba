"""The job of comparing checkpoints, which belongs to no run and leaves nothing behind."""

from collections.abc import Callable, Sequence
from pathlib import Path

from cifar_tui.control import Request, Requests
from cifar_tui.events import EvaluationFailed, Event
from cifar_tui.jobs.session import Emit, Session
from cifar_tui.runs.compared_checkpoint import Contender, contender_of_run


class CompareJob:
    """Measures checkpoints of any runs on the same images."""

    def __init__(self, contenders: Sequence[Contender]) -> None:
        """Compare the others with the first."""
        self._contenders = contenders

    def past(self) -> tuple[Event, ...]:
        """Nothing was said before."""
        return ()

    def open(self, _ask: Callable[[Request], None], _say: Callable[[Event], None]) -> None:
        """Nobody else asks."""

    def run(self, emit: Emit, requests: Requests) -> None:
        """Read, load and measure."""
        from cifar_tui.engine.evaluation.compare import compare_alone

        compare_alone(self._contenders, emit, requests)

    def record(self, event: Event) -> None:
        """Nothing is written down."""

    def failed(self, reason: str, _exit_code: int) -> Event:
        """They could not be compared."""
        return EvaluationFailed("", reason, damaged=False)

    def failed_unexpectedly(self, reason: str, _details: str) -> Event:
        """They could not be compared."""
        return EvaluationFailed("", reason, damaged=False)

    def close(self) -> None:
        """There is nothing to let go of."""


def start_comparison(contenders: Sequence[Contender]) -> Session:
    """Start comparing checkpoints with the first of them."""
    session = Session(CompareJob(contenders))
    session.start()
    return session


def compare_checkpoints(weights: Sequence[Path]) -> Session:
    """Start comparing checkpoints of runs with the first of them. Raises BadInput."""
    return start_comparison([contender_of_run(file) for file in weights])
