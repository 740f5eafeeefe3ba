"""The curves of a run and the marks on them, from steps one by one or many at once."""

from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Any

from cifar_tui import lazy_numpy as np
from cifar_tui.dataclass import dataclass
from cifar_tui.events import EpochDone, StepDone
from cifar_tui.history.layers import LayerHistory
from cifar_tui.history.series import Floats, RecentAverage, Series
from cifar_tui.serialization import field_names

STEP_FIELDS = field_names(StepDone)
_INTEGERS = tuple(field.type is int for field in fields(StepDone))


@dataclass(frozen=True, slots=True)
class StepColumns:
    """Many steps at once, in order, as columns: what a journal of a million steps is read into."""

    columns: dict[str, Floats]
    """float64 [N] for each field of `StepDone`."""

    @classmethod
    def joined(cls, parts: "Sequence[StepColumns]") -> "StepColumns":
        """Return steps in parts, in order, as one."""
        return cls({name: np.concatenate([part[name] for part in parts]) for name in STEP_FIELDS})

    def __getitem__(self, name: str) -> Floats:
        """Return the column of a field."""
        return self.columns[name]

    def last(self, most: int) -> list[StepDone]:
        """Return the last of them, at most so many, one by one."""
        return [StepDone(*row) for row in self.rows(most)]

    def rows(self, most: int = 0) -> Iterator[tuple[Any, ...]]:
        """Yield the last rows, or all, in the order of `StepDone`'s fields; integers are integers."""
        values = (self.columns[name][-most:] for name in STEP_FIELDS)
        columns = [one.astype(int) if whole else one for one, whole in zip(values, _INTEGERS, strict=True)]
        yield from zip(*(column.tolist() for column in columns), strict=True)


class Curves:
    """Every curve over the steps of a run. x is the step."""

    def __init__(self) -> None:
        self.version = 0
        """Raised with everything that changes a curve or a mark on one."""
        self.train_loss = Series()
        self.train_accuracy = Series(shares=True)
        self.learning_rate = Series()
        self.seconds = Series()
        """Training time at every step."""
        self.test_loss = Series()
        self.test_accuracy = Series(shares=True)
        self.layers = LayerHistory()
        """The norms of the network's layers."""
        self.loss_now = RecentAverage()
        """The loss of the latest steps."""
        self.accuracy_now = RecentAverage()
        """Their accuracy."""
        self.pauses: list[int] = []
        """Steps after which the run paused."""
        self.broken_steps: list[int] = []
        """Steps whose loss was not finite, also those undone since."""
        self.rate_changes: list[int] = []
        """Steps from which another rate was chosen."""
        self.saved: list[int] = []
        """Steps after which a checkpoint was saved."""

    def add_step(self, step: StepDone) -> None:
        """Add a step."""
        self.version += 1
        self.train_loss.append(step.step, step.loss)
        self.train_accuracy.append(step.step, step.accuracy)
        self.learning_rate.append(step.step, step.learning_rate)
        self.seconds.append(step.step, step.seconds)
        self.loss_now.append(step.loss)
        self.accuracy_now.append(step.accuracy)

    def add_columns(self, steps: StepColumns) -> None:
        """Add many steps."""
        self.version += 1
        self.train_loss.extend(steps["step"], steps["loss"])
        self.train_accuracy.extend(steps["step"], steps["accuracy"])
        self.learning_rate.extend(steps["step"], steps["learning_rate"])
        self.seconds.extend(steps["step"], steps["seconds"])
        self.loss_now.extend(steps["loss"])
        self.accuracy_now.extend(steps["accuracy"])

    def add_epoch(self, epoch: EpochDone) -> None:
        """Add a test."""
        self.version += 1
        self.test_loss.append(epoch.step, epoch.test_loss)
        self.test_accuracy.append(epoch.step, epoch.test_accuracy)

    def mark(self, steps: list[int], step: int) -> None:
        """Add a step to one of the lists of marks."""
        self.version += 1
        steps.append(step)

    def rewind(self, step: int) -> None:
        """Forget later steps, for they are trained again. Losses that were not finite stay marked."""
        self.version += 1
        for series in (
            self.train_loss,
            self.train_accuracy,
            self.learning_rate,
            self.seconds,
            self.test_loss,
            self.test_accuracy,
        ):
            series.rewind(step)
        self.layers.rewind(step)
        self.saved = [saved for saved in self.saved if saved <= step]
        self.pauses = [paused for paused in self.pauses if paused <= step]
        self.rate_changes = [changed for changed in self.rate_changes if changed <= step]

    def step_at(self, step: int, epoch: int, images: int) -> StepDone:
        """A step as the curves know it; where steps were merged, with their means."""
        series = (self.train_loss, self.train_accuracy, self.learning_rate, self.seconds)
        loss, accuracy, rate, seconds = (one.at(step) for one in series)
        return StepDone(step, epoch, loss, accuracy, images, rate, seconds)
