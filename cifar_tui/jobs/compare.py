"""The job of comparing checkpoints, which belongs to no run and leaves nothing behind."""

from collections.abc import Sequence
from pathlib import Path

from cifar_tui.checkpoint_events import EvaluationFailed
from cifar_tui.control import RequestQueue
from cifar_tui.events import Emit, Event
from cifar_tui.jobs.session import Job, Session, start_session
from cifar_tui.runs.compared_checkpoint import ComparedCheckpoint, compared_checkpoint


class CompareJob(Job):
    """Measures checkpoints of any runs on the same images."""

    def __init__(self, compared: Sequence[ComparedCheckpoint]) -> None:
        self._compared = compared

    def run(self, emit: Emit, requests: RequestQueue) -> None:
        """Read, load and measure."""
        from cifar_tui.engine.evaluation.compare import compare_checkpoints

        compare_checkpoints(self._compared, emit, requests)

    def failed(self, reason: str, exit_code: int) -> Event:
        """Return that they could not be compared."""
        return EvaluationFailed("", reason, damaged=False, exit_code=exit_code)


def start_comparison(compared: Sequence[ComparedCheckpoint]) -> Session:
    """Start comparing checkpoints with the first of them."""
    return start_session(CompareJob(compared))


def compare_checkpoints(weights: Sequence[Path]) -> Session:
    """Start comparing checkpoints of runs with the first of them. Raises BadInput."""
    return start_comparison([compared_checkpoint(file) for file in weights])
