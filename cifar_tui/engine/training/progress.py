"""The progress of a run: its step, its epochs, its training time."""

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
        self._images = 0
        self._loss_sum = 0.0
        self._hits = 0.0

    def add(self, step: StepDone) -> None:
        """Add a step."""
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
    """The one owner of a run's step, and of what follows from it."""

    step: int = 0
    """The last step done."""
    epochs_done: int = 0
    """Epochs trained and tested."""
    seconds: float = 0.0
    """Training time at the last step of the journal."""
    epoch_began_at: float = 0.0
    """Training time when the epoch under way began."""
    test_accuracy: float = math.nan
    """Of the last epoch, 0 to 1."""
    epoch_so_far: EpochMeans = field(default_factory=EpochMeans)
    """Means over the steps of the epoch under way."""

    def replay(
        self, folder: Path, step: int, steps_per_epoch: int, journaled: JournaledCheckpoints | None = None
    ) -> None:
        """Go to where the run was after `step`, by its journal, whose later events are passed over.

        Where records are missing, the step decides: an epoch that was trained past its end was tested, too.
        `journaled` gets what the events say of checkpoints.
        """
        self.step, self.epochs_done = step, max(step - 1, 0) // steps_per_epoch
        self.seconds, self.test_accuracy = 0.0, math.nan
        self._begin_epoch()
        path = journal_path(folder)
        if not path.exists():
            return
        epoch_saved = epoch_saved_at(read_events(path), step)
        for event in read_events(path):
            if not stands(event, step, epoch_saved=epoch_saved):
                continue
            if journaled is not None:
                journaled.record(event)
            if isinstance(event, StepDone):
                self.seconds = event.seconds
                if event.epoch == self.epochs_done + 1:
                    self.epoch_so_far.add(event)
            elif isinstance(event, EpochDone):
                self.test_accuracy = event.test_accuracy
                self.epochs_done = max(self.epochs_done, event.epoch)
                self._begin_epoch()

    def finish_epoch(self, done: EpochDone, seconds: float) -> None:
        """Count an epoch that was tested; `seconds` is the training time."""
        self.epochs_done, self.test_accuracy, self.seconds = done.epoch, done.test_accuracy, seconds
        self._begin_epoch()

    def _begin_epoch(self) -> None:
        self.epoch_so_far, self.epoch_began_at = EpochMeans(), self.seconds
