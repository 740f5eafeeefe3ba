"""The tutorial's own records of a run: log.txt, acc.txt and best_acc.txt, in its very formats (tutorial section 3)."""

from pathlib import Path

from cifar_tui.events import EpochDone, Event, StepDone
from cifar_tui.runs.durable import write_durably
from cifar_tui.runs.line_file import LineFile

BEST_ACCURACY_FLOOR = 85.0
"""Per cent that a test accuracy must exceed to enter best_acc.txt, as in the tutorial."""


class TutorialLogs:
    """Writes the three files from a run's events."""

    def __init__(self, folder: Path) -> None:
        """Open log.txt and acc.txt in the folder. Raises OSError."""
        self.log = LineFile(folder / "log.txt")
        self.accuracies = LineFile(folder / "acc.txt")
        self._best_path = folder / "best_acc.txt"
        self._best = BEST_ACCURACY_FLOOR
        self._epoch = 0
        self._batches = 0
        self._loss_sum = 0.0
        self._images = 0
        self._hits = 0.0

    def write(self, event: Event) -> None:
        """Add the event's line, where the tutorial has one for it. Raises OSError for best_acc.txt."""
        if isinstance(event, StepDone):
            self._write_step(event)
        elif isinstance(event, EpochDone):
            self._write_epoch(event)

    def close(self) -> None:
        """Close the files."""
        self.log.close()
        self.accuracies.close()

    def _write_step(self, step: StepDone) -> None:
        if step.epoch != self._epoch:
            self._epoch, self._batches, self._loss_sum, self._images, self._hits = step.epoch, 0, 0.0, 0, 0.0
        self._batches += 1
        self._loss_sum += step.loss
        self._images += step.images
        self._hits += round(step.accuracy * step.images)
        means = (self._loss_sum / self._batches, 100.0 * self._hits / self._images)
        self.log.append(b"%03d  %05d |Loss: %.03f | Acc: %.3f%% \n" % (step.epoch, step.step, *means))

    def _write_epoch(self, epoch: EpochDone) -> None:
        accuracy = 100.0 * epoch.test_accuracy
        self.accuracies.append(b"EPOCH=%03d,Accuracy= %.3f%%\n" % (epoch.epoch, accuracy))
        if accuracy > self._best:
            self._best = accuracy
            line = b"EPOCH=%d,best_acc= %.3f%%" % (epoch.epoch, accuracy)
            write_durably(self._best_path, lambda file: file.write(line))
