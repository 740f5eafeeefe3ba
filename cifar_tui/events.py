"""Events of a run: frozen facts in the past tense."""

import math
from collections.abc import Callable
from typing import ClassVar, Literal

from cifar_tui.dataclass import dataclass
from cifar_tui.recipe import Recipe


class Event:
    """Base of all events; a subclass is known to journals and sockets by its name."""

    __slots__ = ()

    recorded: ClassVar[bool] = True
    """False for an event that only those who watch receive: it is in no journal."""
    undone_by_rewind: ClassVar[bool] = False
    """True for an event that no longer holds once its run has gone back to a step before its own `step`."""

    def __init_subclass__(cls) -> None:
        """Register the event under its name."""
        KINDS[cls.__name__] = cls


KINDS: dict[str, type[Event]] = {}
"""Event classes by the name they have in a journal."""


@dataclass(frozen=True, slots=True)
class RunStarted(Event):
    """A run has its folder and its recipe; nothing is loaded yet."""

    run: str
    """The run's name."""
    folder: str
    """The run's folder, absolute."""
    recipe: Recipe
    """Every choice that defines the run."""
    started_at: float
    """Wall clock, seconds since 1970."""
    version: str
    """The program's version."""


@dataclass(frozen=True, slots=True)
class Progressed(Event):
    """Something long that is not training has come this far."""

    recorded: ClassVar[bool] = False
    what: str
    """The work that is under way, as a sentence's start: `Reading images`."""
    done: int
    """Amount that is done, in `unit`."""
    total: int | None
    """Amount in all, where known."""
    unit: Literal["images", "bytes", ""]
    """The unit of `done`; empty when nothing is counted."""
    seconds: float
    """Seconds so far."""


@dataclass(frozen=True, slots=True)
class DataReady(Event):
    """The images are on the device."""

    description: str
    """The data set's name, for people: `CIFAR-10`, `synthetic images`, `images in DIR`."""
    synthetic: bool
    """True where the images were drawn by the program and are no photographs."""
    classes: tuple[str, ...]
    """Class names in label order."""
    train_images: int
    """Images to train on."""
    test_images: int
    """Images to test on."""
    test_checksum: str = ""
    """A sum over the test images and their labels, to notice other ones; empty where it was not made."""


@dataclass(frozen=True, slots=True)
class DataMissing(Event):
    """The data set is not here and could not be fetched; nothing was trained. Ends the run."""

    reason: str
    """A sentence on what happened, and what to do."""


@dataclass(frozen=True, slots=True)
class TrainingStarted(Event):
    """Everything is loaded and the first step is about to run."""

    device: str
    """The device's name for people: `NVIDIA H100`, `CPU, 2 threads`."""
    gpu: str
    """The GPU's UUID as its driver knows it, of several each, by commas; empty without an NVIDIA GPU."""
    precision: str
    """`fp32`, `bf16` or `fp16`."""
    parameters: int
    """Trainable numbers in the network."""
    steps_per_epoch: int
    """Steps in one epoch."""
    total_steps: int
    """Steps in the whole run."""
    processes: int = 1
    """Processes that train it together."""
    layers: tuple[str, ...] = ()
    """Names of the layers whose norms are measured, in the network's order; empty in older records."""


@dataclass(frozen=True, slots=True)
class PaceMeasured(Event):
    """The processes that train together were compared: how long each takes for its part of a step. Not recorded."""

    recorded: ClassVar[bool] = False

    slowest: int
    """The number of the process that takes longest; the others wait for it."""
    longer: float
    """The share by which it takes longer than the others on average: 0.12 is 12 %."""


@dataclass(frozen=True, slots=True)
class StepDone(Event):
    """One optimiser update, with the means over its images."""

    undone_by_rewind: ClassVar[bool] = True
    step: int
    """Counted from 1 across the whole run."""
    epoch: int
    """Counted from 1."""
    loss: float
    """Mean cross-entropy; may be NaN or infinite."""
    accuracy: float
    """0 to 1."""
    images: int
    """Images in this batch."""
    learning_rate: float
    """The rate this update was made with."""
    seconds: float
    """Training time since the run's first step, without pauses and evaluations."""

    @property
    def finite(self) -> bool:
        """True where the loss is finite."""
        return math.isfinite(self.loss)


@dataclass(frozen=True, slots=True)
class EpochDone(Event):
    """One pass over the training images and the test after it."""

    undone_by_rewind: ClassVar[bool] = True
    epoch: int
    """Counted from 1."""
    step: int
    """The last step of the epoch."""
    train_loss: float
    """Mean over the epoch's images, as they were trained."""
    train_accuracy: float
    """0 to 1."""
    test_loss: float
    """Mean over the test images."""
    test_accuracy: float
    """0 to 1."""
    validation_accuracy: float | None
    """On the training images held out, 0 to 1; None where none are."""
    learning_rate: float
    """The rate of the last step."""
    train_seconds: float
    """Time the epoch's steps took, without pauses."""
    test_seconds: float
    """Time the test took."""

    @property
    def choosing_accuracy(self) -> float:
        """Accuracy that the best epoch is chosen by: on images held out, where there are some, else on the test's."""
        return self.test_accuracy if self.validation_accuracy is None else self.validation_accuracy


@dataclass(frozen=True, slots=True)
class Paused(Event):
    """The engine waits before the next step."""

    undone_by_rewind: ClassVar[bool] = True
    step: int
    """The last step done."""
    by: str = ""
    """The person who requested it: a terminal, or a process without one."""


@dataclass(frozen=True, slots=True)
class Resumed(Event):
    """Training continues after a pause."""

    undone_by_rewind: ClassVar[bool] = True
    step: int
    """The last step done."""


@dataclass(frozen=True, slots=True)
class Reopened(Event):
    """A run that had ended is being loaded to resume; until `RunResumed`, its events still hold. Not recorded."""

    recorded: ClassVar[bool] = False
    folder: str
    """The run's folder, absolute, where it is now."""


@dataclass(frozen=True, slots=True)
class RunResumed(Event):
    """A run that had ended resumes; the events of later steps are undone, for they are trained again."""

    at_step: int
    """The last step that stands."""
    recipe: Recipe
    """Every choice, as it is from here on."""
    changes: tuple[str, ...]
    """Differences from the run's recipe so far, for people: `epochs 26 → 40`."""
    inexact_because: str
    """The reason that the rest will not be bit-identical to an unbroken run; empty where it will be."""
    resumed_at: float
    """Wall clock, seconds since 1970."""
    version: str
    """The program's version."""


@dataclass(frozen=True, slots=True)
class RateChanged(Event):
    """A person changed the learning rate."""

    from_step: int
    """The first step trained with it."""
    learning_rate: float
    """The rate of that step."""
    rate_changes: tuple[tuple[int, float], ...]
    """Every change so far: a step, and the factor on the schedule from there on."""


@dataclass(frozen=True, slots=True)
class FinishPlanned(Event):
    """The run will stop at the end of an epoch, or will not after all."""

    after_epoch: int
    """The epoch; 0 when the plan was called off."""


@dataclass(frozen=True, slots=True)
class LossNotFinite(Event):
    """A step's loss was NaN or infinite; its update was skipped."""

    at_step: int
    """The step."""
    loss: float
    """NaN or an infinity."""
    waiting: bool
    """True while the engine waits for a person to decide."""


@dataclass(frozen=True, slots=True)
class RolledBack(Event):
    """Training was rolled back to the last good state; the events of later steps are undone."""

    from_step: int
    """The last step before."""
    to_step: int
    """The last step that stands."""
    learning_rate: float
    """The rate of the next step."""
    rate_changes: tuple[tuple[int, float], ...]
    """Every change of the rate so far: a step, and the factor on the schedule from there on."""


@dataclass(frozen=True, slots=True)
class Noted(Event):
    """Something a person should know that changes nothing by itself."""

    text: str
    """One sentence."""


@dataclass(frozen=True, slots=True)
class NoteAdded(Event):
    """A person has written something down beside the curves."""

    step: int
    """The last step done."""
    text: str
    """Their words."""
    by: str
    """The person who wrote it: a terminal, or a process without one."""


@dataclass(frozen=True, slots=True)
class RunStopped(Event):
    """The run ended early on request."""

    undone_by_rewind: ClassVar[bool] = True
    step: int
    """The last step done."""
    checkpoint: str
    """The checkpoint saved on the way out; empty where there was nothing to save."""
    signal: str = ""
    """Name of the signal that ended it, as `SIGUSR1`; empty for a person."""


@dataclass(frozen=True, slots=True)
class RunFinished(Event):
    """The run came to its planned end."""

    step: int
    """The last step done."""
    test_accuracy: float
    """Of the last epoch, 0 to 1."""


@dataclass(frozen=True, slots=True)
class RunFailed(Event):
    """The run ended because something broke."""

    reason: str
    """A sentence on what happened, and what to do."""
    traceback_file: str
    """The file with the details; empty where there is none."""
    exit_code: int
    """The program's exit code."""


Ending = DataMissing | RunStopped | RunFinished | RunFailed
"""The events after which nothing more is trained."""

Emit = Callable[[Event], None]
"""Takes an event from an engine, on any of its threads, and returns at once."""
