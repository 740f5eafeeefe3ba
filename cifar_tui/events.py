"""Everything an engine can say: frozen facts in the past tense, and the records they become in a journal."""

import math
from dataclasses import dataclass
from typing import Literal, get_args

from cifar_tui.recipe import Recipe


@dataclass(frozen=True, slots=True)
class RunStarted:
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
class Progressed:
    """Something long that is not training has come this far."""

    what: str
    """What is being done, as a sentence's start: `Reading pictures`."""
    done: int
    """How much is done, in `unit`."""
    total: int | None
    """How much there is in all, where known."""
    unit: Literal["images", "bytes", ""]
    """What `done` counts; empty when nothing is counted."""
    seconds: float
    """How long it has taken so far."""


@dataclass(frozen=True, slots=True)
class DataReady:
    """The images are on the device."""

    description: str
    """What they are, for people: `CIFAR-10`, `synthetic pictures`, `pictures in DIR`."""
    synthetic: bool
    """Whether they were drawn by the program and are no photographs."""
    classes: tuple[str, ...]
    """Class names in label order."""
    train_images: int
    """Images to train on."""
    test_images: int
    """Images to test on."""
    test_checksum: str = ""
    """A sum over the test images and their labels, to notice other ones; empty where it was not made."""


@dataclass(frozen=True, slots=True)
class DataMissing:
    """The data set is not here and could not be fetched; nothing was trained. Ends the run."""

    reason: str
    """What happened and what to do."""


@dataclass(frozen=True, slots=True)
class TrainingStarted:
    """Everything is loaded and the first step is about to run."""

    device: str
    """The device's name for people: `NVIDIA H100`, `CPU, 2 threads`."""
    gpu: str
    """The GPU's UUID as its driver knows it; empty without an NVIDIA GPU."""
    precision: str
    """`fp32`, `bf16` or `fp16`."""
    parameters: int
    """Trainable numbers in the network."""
    steps_per_epoch: int
    """Steps in one epoch."""
    total_steps: int
    """Steps in the whole run."""


@dataclass(frozen=True, slots=True)
class StepDone:
    """One optimiser update, with the means over its images."""

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
        """Whether the loss is a finite number."""
        return math.isfinite(self.loss)


@dataclass(frozen=True, slots=True)
class EpochDone:
    """One pass over the training images and the test after it."""

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
        """What the best epoch is chosen by: images held out, where there are some, else the test images."""
        return self.test_accuracy if self.validation_accuracy is None else self.validation_accuracy


@dataclass(frozen=True, slots=True)
class Paused:
    """The engine waits before the next step."""

    step: int
    """The last step done."""
    by: str = ""
    """Who asked for it: a terminal, or a process without one."""


@dataclass(frozen=True, slots=True)
class Resumed:
    """The engine goes on."""

    step: int
    """The last step done."""


@dataclass(frozen=True, slots=True)
class CheckpointSaved:
    """Weights are on disk, whole, with their sidecar."""

    checkpoint: str
    """File name in the run's folder."""
    epoch: int
    """The epoch it ends or, in mid-epoch, the one it is in."""
    step: int
    """The last step it contains."""


@dataclass(frozen=True, slots=True)
class CheckpointFailed:
    """Weights could not be written; training goes on."""

    checkpoint: str
    """The file name that was tried."""
    reason: str
    """What happened and what to do."""


@dataclass(frozen=True, slots=True)
class CheckpointDeleted:
    """Weights were deleted, with all that belongs to them."""

    checkpoint: str
    """File name in the run's folder."""
    reason: str
    """Why, in a few words."""


@dataclass(frozen=True, slots=True)
class StateSaved:
    """All that is needed to go on exactly from here is on disk."""

    step: int
    """The last step it contains."""


@dataclass(frozen=True, slots=True)
class Reopened:
    """A run that had ended is being loaded to go on; until `RunResumed`, what was said of it stands. Not recorded."""

    folder: str
    """The run's folder, absolute, where it is now."""


@dataclass(frozen=True, slots=True)
class RunResumed:
    """A run that had ended goes on; whatever was said of later steps is undone, for they are trained again."""

    at_step: int
    """The last step that stands."""
    recipe: Recipe
    """Every choice, as it is from here on."""
    changes: tuple[str, ...]
    """What differs from the run's recipe so far, for people: `epochs 26 → 40`."""
    inexact_because: str
    """Why the rest will not be bit-identical to an unbroken run; empty where it will be."""
    resumed_at: float
    """Wall clock, seconds since 1970."""
    version: str
    """The program's version."""


@dataclass(frozen=True, slots=True)
class RateChanged:
    """A person changed the learning rate."""

    from_step: int
    """The first step trained with it."""
    learning_rate: float
    """The rate of that step."""
    rate_changes: tuple[tuple[int, float], ...]
    """Every change so far: a step, and the factor on the schedule from there on."""


@dataclass(frozen=True, slots=True)
class FinishPlanned:
    """The run will stop at the end of an epoch, or will not after all."""

    after_epoch: int
    """The epoch; 0 when the plan was called off."""


@dataclass(frozen=True, slots=True)
class LossNotFinite:
    """A step's loss was no finite number; its update was left out."""

    at_step: int
    """The step."""
    loss: float
    """NaN or an infinity."""
    waiting: bool
    """Whether the engine waits for a person to say what to do."""


@dataclass(frozen=True, slots=True)
class RolledBack:
    """Training went back to the last good state; what was said of later steps is undone."""

    from_step: int
    """The last step before."""
    to_step: int
    """The last step that stands."""
    learning_rate: float
    """The rate of the next step."""
    rate_changes: tuple[tuple[int, float], ...]
    """Every change of the rate so far: a step, and the factor on the schedule from there on."""


@dataclass(frozen=True, slots=True)
class EvaluationStarted:
    """A checkpoint is being measured on the test images."""

    checkpoint: str
    """File name in the run's folder."""
    images: int
    """Test images in all."""


@dataclass(frozen=True, slots=True)
class EvaluationProgressed:
    """An evaluation has come this far."""

    checkpoint: str
    """File name in the run's folder."""
    done: int
    """Images measured."""
    images: int
    """Test images in all."""


@dataclass(frozen=True, slots=True)
class WrongImage:
    """A test image that was taken for something else."""

    index: int
    """Its place among the test images, from 0."""
    label: int
    """Its true class."""
    predicted: int
    """The class it was taken for."""
    probabilities: tuple[float, ...]
    """Of every class, 0 to 1, in label order."""


@dataclass(frozen=True, slots=True)
class EvaluationDone:
    """A checkpoint's verdict on the test images."""

    checkpoint: str
    """File name in the run's folder."""
    images: int
    """Test images measured."""
    loss: float
    """Mean cross-entropy."""
    accuracy: float
    """0 to 1."""
    classes: tuple[str, ...]
    """Class names in label order."""
    confusion: tuple[tuple[int, ...], ...]
    """Images counted by [true class][predicted class]."""
    seconds: float
    """How long it took."""
    tta: bool = False
    """Whether every image was judged together with its mirror image (flip-TTA), which flatters by some tenths."""
    top3_accuracy: float | None = None
    """The share of images whose true class is among the three most probable, 0 to 1; None in older records."""
    calibration_error: float | None = None
    """How far confidence and accuracy lie apart, 0 to 1 (ECE, 15 bins; Guo et al. 2017); None in older records."""
    test_checksum: str = ""
    """A sum over the test images and their labels; empty in older records."""
    wrongest: tuple[WrongImage, ...] = ()
    """Wrong ones, the lowest probability of the true class first: the first hundred, and one at least of every pair."""

    def class_accuracy(self, label: int) -> float:
        """The share of the class's test images that were recognised, 0 to 1; NaN where it has none."""
        row = self.confusion[label]
        return row[label] / sum(row) if sum(row) else math.nan


@dataclass(frozen=True, slots=True)
class EvaluationFailed:
    """A checkpoint could not be measured, or a person gave it up."""

    checkpoint: str
    """File name in the run's folder."""
    reason: str
    """What happened."""
    damaged: bool
    """Whether the file itself is at fault."""


@dataclass(frozen=True, slots=True)
class ComparedPair:
    """How two checkpoints judged the same images."""

    first: int
    """The one compared with: its place among the checkpoints, from 0."""
    second: int
    """The other's place."""
    agreed: int
    """Images that both took for the same class."""
    fixed: int
    """Images that the first got wrong and the second right."""
    broken: int
    """Images that the first got right and the second wrong."""
    both_wrong: int
    """Images that both got wrong."""


@dataclass(frozen=True, slots=True)
class ComparisonDone:
    """Checkpoints were measured on the very same test images."""

    checkpoints: tuple[str, ...]
    """How each is named; the others are compared with the first."""
    images: str
    """What the images are, for people."""
    classes: tuple[str, ...]
    """Class names in label order."""
    class_images: tuple[int, ...]
    """Images of each class."""
    losses: tuple[float, ...]
    """Mean cross-entropy of each checkpoint."""
    hits: tuple[tuple[int, ...], ...]
    """Images recognised, by [checkpoint][class]."""
    pairs: tuple[ComparedPair, ...]
    """Every two of them."""


@dataclass(frozen=True, slots=True)
class Noted:
    """Something a person should know that changes nothing by itself."""

    text: str
    """One sentence."""


@dataclass(frozen=True, slots=True)
class RunStopped:
    """The run ended early because a person asked."""

    step: int
    """The last step done."""
    checkpoint: str
    """The checkpoint saved on the way out; empty where there was nothing to save."""


@dataclass(frozen=True, slots=True)
class RunFinished:
    """The run came to its planned end."""

    step: int
    """The last step done."""
    test_accuracy: float
    """Of the last epoch, 0 to 1."""


@dataclass(frozen=True, slots=True)
class RunFailed:
    """The run ended because something broke."""

    reason: str
    """What happened and what to do."""
    traceback_file: str
    """Where the details are; empty where there are none."""
    exit_code: int
    """What the program ends with."""


Event = (
    RunStarted
    | Progressed
    | DataReady
    | DataMissing
    | TrainingStarted
    | StepDone
    | EpochDone
    | Paused
    | Resumed
    | CheckpointSaved
    | CheckpointFailed
    | CheckpointDeleted
    | StateSaved
    | Reopened
    | RunResumed
    | RateChanged
    | FinishPlanned
    | LossNotFinite
    | RolledBack
    | EvaluationStarted
    | EvaluationProgressed
    | EvaluationDone
    | EvaluationFailed
    | ComparisonDone
    | Noted
    | RunStopped
    | RunFinished
    | RunFailed
)
"""Any event."""

Ending = DataMissing | RunStopped | RunFinished | RunFailed
"""The events after which nothing more is trained."""

KINDS: dict[str, type[Event]] = {kind.__name__: kind for kind in get_args(Event)}
"""Event classes by the name they have in a journal."""
