"""Events about checkpoints: saved, deleted, evaluated, compared."""

import math
from collections.abc import Iterator
from typing import ClassVar

from cifar_tui.dataclass import dataclass
from cifar_tui.events import Event

MOST_COMPARED = 8
"""More checkpoints than anybody reads side by side."""
MOST_DENSE = 20
"""Classes up to which a result has the whole confusion matrix, and an image the probabilities of all of them."""


@dataclass(frozen=True, slots=True)
class CheckpointSaved(Event):
    """Weights are on disk, intact, with their sidecar."""

    undone_by_rewind: ClassVar[bool] = True
    checkpoint: str
    """File name in the run's folder."""
    epoch: int
    """The epoch it ends or, in mid-epoch, the one it is in."""
    step: int
    """The last step it contains."""


@dataclass(frozen=True, slots=True)
class CheckpointFailed(Event):
    """Weights could not be written; training continues."""

    checkpoint: str
    """The file name that was tried."""
    reason: str
    """A sentence on what happened, and what to do."""


@dataclass(frozen=True, slots=True)
class CheckpointDeleted(Event):
    """Weights were deleted, with all that belongs to them."""

    checkpoint: str
    """File name in the run's folder."""
    reason: str
    """The reason, in a few words."""


@dataclass(frozen=True, slots=True)
class StateSaved(Event):
    """Everything that is needed to resume exactly from here is on disk."""

    undone_by_rewind: ClassVar[bool] = True
    step: int
    """The last step it contains."""


@dataclass(frozen=True, slots=True)
class EvaluationStarted(Event):
    """A checkpoint is being measured on the test images."""

    checkpoint: str
    """File name in the run's folder."""
    images: int
    """Test images in all."""


@dataclass(frozen=True, slots=True)
class EvaluationProgressed(Event):
    """An evaluation has come this far."""

    recorded: ClassVar[bool] = False
    checkpoint: str
    """File name in the run's folder."""
    done: int
    """Images measured."""
    images: int
    """Test images in all."""


@dataclass(frozen=True, slots=True)
class WrongImage:
    """A test image that was predicted as another class."""

    omitted_if_empty: ClassVar[tuple[str, ...]] = ("shares",)
    index: int
    """Its place among the test images, from 0."""
    label: int
    """Its true class."""
    predicted: int
    """The class it was predicted as."""
    probabilities: tuple[float, ...]
    """Of every class, 0 to 1, in label order; empty for more than 20 classes."""
    shares: tuple[tuple[int, float], ...] = ()
    """For more than 20 classes: the most probable classes and the true one, each with its probability, 0 to 1."""

    def probability_of(self) -> dict[int, float]:
        """Return the probabilities that are known, by class."""
        return dict(self.shares) if self.shares else dict(enumerate(self.probabilities))


@dataclass(frozen=True, slots=True)
class EvaluationDone(Event):
    """A checkpoint's result on the test images."""

    omitted_if_empty: ClassVar[tuple[str, ...]] = ("sparse_confusion",)
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
    """Images counted by [true class][predicted class]; empty for more than 20 classes."""
    seconds: float
    """Duration in seconds."""
    tta: bool = False
    """True where every image was judged together with its mirror image (flip-TTA), which adds some tenths."""
    top3_accuracy: float | None = None
    """The share of images whose true class is among the three most probable, 0 to 1; None in older records."""
    calibration_error: float | None = None
    """Distance between confidence and accuracy, 0 to 1 (ECE, 15 bins; Guo et al. 2017); None in older records."""
    test_checksum: str = ""
    """A sum over the test images and their labels; empty in older records."""
    wrongest: tuple[WrongImage, ...] = ()
    """Wrong ones, the lowest probability of the true class first: the first hundred, and the first of each of the 90
    most confused pairs."""
    sparse_confusion: tuple[tuple[int, ...], ...] = ()
    """For more than 20 classes, of each true class: a class it was predicted as, images, the next class, images, …"""

    def row(self, label: int) -> dict[int, int]:
        """Return the images of a true class by the class that they were predicted as; none that has no image."""
        if self.sparse_confusion:
            flat = self.sparse_confusion[label]
            return dict(zip(flat[::2], flat[1::2], strict=True))
        return {predicted: images for predicted, images in enumerate(self.confusion[label]) if images}

    def cells(self) -> Iterator[tuple[int, int, int]]:
        """Yield each cell of the confusion matrix that has images: true class, predicted class, images."""
        for label in range(len(self.classes)):
            for predicted, images in self.row(label).items():
                yield label, predicted, images

    def class_accuracy(self, label: int) -> float:
        """The share of the class's test images that were recognised, 0 to 1; NaN where it has none."""
        row = self.row(label)
        return row.get(label, 0) / sum(row.values()) if row else math.nan


@dataclass(frozen=True, slots=True)
class EvaluationFailed(Event):
    """A checkpoint could not be measured, or a person cancelled it."""

    checkpoint: str
    """File name in the run's folder."""
    reason: str
    """A sentence on what happened."""
    damaged: bool
    """True where the file itself is at fault."""
    exit_code: int = 1
    """The program's exit code, where nothing else was to be done."""


@dataclass(frozen=True, slots=True)
class ComparedPair:
    """Predictions of two checkpoints on the same images, compared."""

    first: int
    """The one compared with: its place among the checkpoints, from 0."""
    second: int
    """The other's place."""
    agreed: int
    """Images that both predicted as the same class."""
    fixed: int
    """Images that the first got wrong and the second right."""
    broken: int
    """Images that the first got right and the second wrong."""
    both_wrong: int
    """Images that both got wrong."""


@dataclass(frozen=True, slots=True)
class ComparedImage:
    """A test image that some checkpoints got right and others wrong."""

    index: int
    """Its place among the test images, from 0."""
    label: int
    """Its true class."""
    predicted: tuple[int, ...]
    """The class that each checkpoint predicted, in the order of the checkpoints."""
    pixels: str
    """uint8 [32, 32, 3], RGB, as base64."""


@dataclass(frozen=True, slots=True)
class ComparisonDone(Event):
    """Checkpoints were measured on the very same test images."""

    checkpoints: tuple[str, ...]
    """A name of each; the others are compared with the first."""
    images: str
    """The images' name, for people."""
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
    changed: tuple[ComparedImage, ...] = ()
    """The images that some got right and others wrong, the first ten thousand."""
