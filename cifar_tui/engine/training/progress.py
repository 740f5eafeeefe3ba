"""What a run has behind it when it goes on from a step: read from what was said of it."""

import math
from dataclasses import dataclass, field
from pathlib import Path

from cifar_tui.events import EpochDone, StepDone
from cifar_tui.files.run_files import journal_path
from cifar_tui.runs.checkpoints.retention import JournaledCheckpoints
from cifar_tui.runs.records.journal import read_events
from cifar_tui.runs.records.rewind import epoch_saved_at, stands


class EpochMeans:
    """Per-image means over the steps of an epoch so far."""

    def __init__(self) -> None:
        """Start with no steps."""
        self._images = 0
        self._loss_sum = 0.0
        self._hits = 0.0

    def add(self, step: StepDone) -> None:
        """Take a step in."""
        self._images += step.images
        self._loss_sum += step.loss * step.images
        self._hits += step.accuracy * step.images

    @property
    def loss(self) -> float:
        """Mean cross-entropy; NaN before the first step."""
        return self._loss_sum / self._images if self._images else math.nan

    @property
    def accuracy(self) -> float:
        """0 to 1; NaN before the first step."""
        return self._hits / self._images if self._images else math.nan


@dataclass(slots=True)
class TrainingProgress:
    """Where a run is."""

    step: int = 0
    """The last step done."""
    epochs_done: int = 0
    """Epochs trained and tested."""
    seconds: float = 0.0
    """Training time so far."""
    epoch_began_at: float = 0.0
    """Training time when the epoch under way began."""
    test_accuracy: float = math.nan
    """Of the last epoch, 0 to 1."""
    journaled: JournaledCheckpoints = field(default_factory=JournaledCheckpoints)
    """What was said of the checkpoints."""
    epoch_so_far: EpochMeans = field(default_factory=EpochMeans)
    """Means over the steps of the epoch under way."""


def replay_progress(folder: Path, step: int, steps_per_epoch: int) -> TrainingProgress:
    """The past of a run that goes on from `step`, from its journal; later steps are passed over.

    Where records are missing, the step decides: an epoch that was trained past its end was tested too.
    """
    past = TrainingProgress(step, max(step - 1, 0) // steps_per_epoch)
    path = journal_path(folder)
    if not path.exists():
        return past
    epoch_saved = epoch_saved_at(read_events(path), step)
    for event in read_events(path):
        if not stands(event, step, epoch_saved=epoch_saved):
            continue
        past.journaled.record(event)
        if isinstance(event, StepDone):
            past.seconds = event.seconds
            if event.epoch == past.epochs_done + 1:
                past.epoch_so_far.add(event)
        elif isinstance(event, EpochDone):
            past.test_accuracy = event.test_accuracy
            past.epochs_done = max(past.epochs_done, event.epoch)
            past.epoch_so_far, past.epoch_began_at = EpochMeans(), past.seconds
    return past
