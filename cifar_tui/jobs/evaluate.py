"""The job that evaluates one checkpoint of a run that is not training here."""

from pathlib import Path
from typing import Any

from cifar_tui.checkpoint_events import EvaluationFailed
from cifar_tui.control import RequestQueue
from cifar_tui.events import Emit, Event
from cifar_tui.files.atomic_write import write_failure
from cifar_tui.jobs.session import Job, Session, start_session
from cifar_tui.recipe import Recipe
from cifar_tui.runs.records.recorder import Recorder
from cifar_tui.text import safe_text


class EvaluateJob(Job):
    """Measures one checkpoint of a run that is not training here."""

    def __init__(
        self, recipe: Recipe, folder: Path, checkpoint: str, recorder: Recorder | None = None, **options: Any
    ) -> None:
        """Measure `checkpoint` in `folder`; with a recorder the result joins the run's records.

        `options` are those of the engine's `evaluate_checkpoint`: `external` for a file of no run of ours, whose
        normalization follows from the file; `keep` to store the result beside the checkpoint; `tta`; `load_data`.
        """
        self._recipe = recipe
        self._folder = folder
        self._checkpoint = checkpoint
        self._recorder = recorder
        self._options = options

    def run(self, emit: Emit, requests: RequestQueue) -> None:
        """Load the data again and measure."""
        from cifar_tui.engine.evaluation.evaluate_checkpoint import evaluate_checkpoint

        evaluate_checkpoint(self._recipe, self._folder, self._checkpoint, emit, requests, **self._options)

    def append_event(self, event: Event) -> None:
        """Append an event to the run's records, where there are some."""
        if self._recorder:
            self._recorder.append_event(event)

    def failed(self, reason: str, exit_code: int) -> Event:
        """Return that the evaluation failed; the run is what it was."""
        return EvaluationFailed(safe_text(self._checkpoint), reason, damaged=False, exit_code=exit_code)

    def failed_unexpectedly(self, reason: str, details: str) -> Event:
        """Return that the evaluation failed; the details are put beside the run's records, where it has some here."""
        file = write_failure(self._folder, details) if self._recorder else ""
        return self.failed(f"{reason} (details in {file})" if file else reason, 1)

    def close(self) -> None:
        """Close the records."""
        if self._recorder:
            self._recorder.close()


def evaluate_checkpoint(recipe: Recipe, folder: Path, checkpoint: str, **options: Any) -> Session:
    """Start measuring a checkpoint of any run, which may be training elsewhere, or of none.

    Nothing but the result is kept. `options` are those of `EvaluateJob`.
    """
    return start_session(EvaluateJob(recipe, folder, checkpoint, **options))
