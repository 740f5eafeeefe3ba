"""The job that evaluates one checkpoint of a run that is not training here."""

from collections.abc import Callable
from pathlib import Path

from cifar_tui.control import Request, RequestQueue
from cifar_tui.evaluation_events import EvaluationFailed
from cifar_tui.events import Event
from cifar_tui.jobs.session import Emit, Session, start_session
from cifar_tui.jobs.train import _keep_details
from cifar_tui.recipe import Recipe
from cifar_tui.runs.records.recorder import Recorder
from cifar_tui.text import safe_text


class EvaluateJob:
    """Measures one checkpoint of a run that is not training here."""

    def __init__(
        self,
        recipe: Recipe,
        folder: Path,
        checkpoint: str,
        recorder: Recorder | None = None,
        *,
        tta: bool = False,
        external: bool = False,
        keep: bool = True,
    ) -> None:
        """Measure `checkpoint` in `folder`; with a recorder the verdict joins the run's records.

        A `external` is of no run of ours: how its colours are normalised follows from the file. The verdict is kept
        beside the checkpoint where `keep` says so.
        """
        self._recipe = recipe
        self._folder = folder
        self._checkpoint = checkpoint
        self._recorder = recorder
        self._tta = tta
        self._external = external
        self._keep = keep

    def replay(self) -> tuple[Event, ...]:
        """Nothing: whoever asks has the run's history."""
        return ()

    def run(self, emit: Emit, requests: RequestQueue) -> None:
        """Load the data again and measure."""
        from cifar_tui.engine.evaluation.evaluate_checkpoint import evaluate_checkpoint

        choices = {"tta": self._tta, "external": self._external, "keep": self._keep}
        evaluate_checkpoint(self._recipe, self._folder, self._checkpoint, emit, requests, **choices)

    def listen(self, _submit: Callable[[Request], None], _say: Callable[[Event], None]) -> None:
        """Nobody else asks."""

    def append_event(self, event: Event) -> None:
        """Write an event into the run's records, where there are some."""
        if self._recorder:
            self._recorder.append_event(event)

    def failed(self, reason: str, _exit_code: int) -> Event:
        """The evaluation failed; the run is what it was."""
        return EvaluationFailed(safe_text(self._checkpoint), reason, damaged=False)

    def failed_unexpectedly(self, reason: str, details: str) -> Event:
        """The evaluation failed; the details are put beside the run's records, where it has some here."""
        file = _keep_details(self._folder, details) if self._recorder else ""
        reason = f"{reason} (details in {file})" if file else reason
        return EvaluationFailed(safe_text(self._checkpoint), reason, damaged=False)

    def close(self) -> None:
        """Close the records."""
        if self._recorder:
            self._recorder.close()


def evaluate_checkpoint(
    recipe: Recipe, folder: Path, checkpoint: str, *, tta: bool = False, external: bool = False, keep: bool = True
) -> Session:
    """Start measuring a checkpoint of any run, which may be training elsewhere, or of none.

    Nothing but the verdict is kept.
    """
    return start_session(EvaluateJob(recipe, folder, checkpoint, tta=tta, external=external, keep=keep))
