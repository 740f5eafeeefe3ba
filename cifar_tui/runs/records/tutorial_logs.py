"""The tutorial's own records of a run: log.txt, acc.txt and best_acc.txt, in its very formats (tutorial section 3)."""

from collections.abc import Callable, Iterable
from pathlib import Path

from cifar_tui.events import EpochDone, Event, StepDone
from cifar_tui.files.append_file import LineFile
from cifar_tui.files.atomic_write import write_atomically
from cifar_tui.files.run_files import ACCURACIES_NAME, BEST_NAME, LOG_NAME

BEST_ACCURACY_FLOOR = 85.0
"""Per cent that a test accuracy must exceed to enter best_acc.txt, as in the tutorial."""


class TutorialLines:
    """Turns steps and epochs, in order, into the tutorial's lines."""

    def __init__(self) -> None:
        self._best = BEST_ACCURACY_FLOOR
        self._epoch = 0
        self._batches = 0
        self._loss_sum = 0.0
        self._images = 0
        self._hits = 0.0

    def step_line(self, step: StepDone) -> bytes:
        """The step's line of log.txt: the epoch's means so far."""
        if step.epoch != self._epoch:
            self._epoch, self._batches, self._loss_sum, self._images, self._hits = step.epoch, 0, 0.0, 0, 0.0
        self._batches += 1
        self._loss_sum += step.loss
        self._images += step.images
        self._hits += round(step.accuracy * step.images)
        means = (self._loss_sum / self._batches, 100.0 * self._hits / self._images)
        return b"%03d  %05d |Loss: %.03f | Acc: %.3f%% \n" % (step.epoch, step.step, *means)

    def epoch_line(self, epoch: EpochDone) -> bytes:
        """The epoch's line of acc.txt."""
        return b"EPOCH=%03d,Accuracy= %.3f%%\n" % (epoch.epoch, 100.0 * epoch.test_accuracy)

    def best_line(self, epoch: EpochDone) -> bytes | None:
        """Return the content of best_acc.txt from this epoch on; None when it is not the best."""
        accuracy = 100.0 * epoch.test_accuracy
        if not accuracy > self._best:
            return None
        self._best = accuracy
        return b"EPOCH=%d,best_acc= %.3f%%" % (epoch.epoch, accuracy)


class TutorialLogs:
    """Writes the three files from a run's events."""

    def __init__(self, folder: Path, past: Callable[[], Iterable[Event]] = tuple) -> None:
        """Open log.txt and acc.txt, which hold the lines of `past` already. Raises OSError."""
        self.log = LineFile(folder / LOG_NAME)
        self.accuracies = LineFile(folder / ACCURACIES_NAME)
        self._best_path = folder / BEST_NAME
        self._past = past
        self._lines: TutorialLines | None = None

    def write(self, event: Event) -> None:
        """Add the event's line, where the tutorial has one for it. Raises OSError for best_acc.txt."""
        if not isinstance(event, StepDone | EpochDone):
            return
        if self._lines is None:
            # Not before there is something to write: the past of a long run takes a while to read.
            self._lines = _lines_after(self._past())
        if isinstance(event, StepDone):
            self.log.append(self._lines.step_line(event))
        else:
            self.accuracies.append(self._lines.epoch_line(event))
            best = self._lines.best_line(event)
            if best is not None:
                write_atomically(self._best_path, lambda file: file.write(best))


def _lines_after(past: Iterable[Event]) -> TutorialLines:
    lines = TutorialLines()
    for event in past:
        if isinstance(event, StepDone):
            lines.step_line(event)
        elif isinstance(event, EpochDone):
            lines.best_line(event)
    return lines


def write_again(folder: Path, past: Iterable[Event]) -> None:
    """Make the three files hold exactly what belongs to `past`. Raises OSError."""
    lines = TutorialLines()
    log, accuracies, best = bytearray(), bytearray(), None
    for event in past:
        if isinstance(event, StepDone):
            log += lines.step_line(event)
        elif isinstance(event, EpochDone):
            accuracies += lines.epoch_line(event)
            best = lines.best_line(event) or best
    write_atomically(folder / LOG_NAME, lambda file: file.write(log))
    write_atomically(folder / ACCURACIES_NAME, lambda file: file.write(accuracies))
    if best is not None:
        write_atomically(folder / BEST_NAME, lambda file: file.write(best))
    else:
        (folder / BEST_NAME).unlink(missing_ok=True)
