"""The recipe: every choice that defines a run, frozen, with its checks and its learning rate."""

import dataclasses
import math
from pathlib import Path
from typing import Annotated, Literal, Self

from cifar_tui.data_sets import DATA_NAMES, DATA_SETS, DEFAULT, SYNTHETIC, absolute_source, held_by
from cifar_tui.dataclass import dataclass
from cifar_tui.errors import BadInput
from cifar_tui.option import DATA, DEVICES, RUN, Option, absolute_folder, options_of, parse_device, parse_keep
from cifar_tui.own_model import OwnModel
from cifar_tui.schedule import Schedule, Sizes, scheduled_rate, size_stages

Flip = Literal["none", "random", "alternating"]
Padding = Literal["reflect", "zero"]
OptimizerName = Literal["sgd", "adamw"]
Precision = Literal["auto", "fp32", "bf16", "fp16"]
Acceleration = Literal["auto", "eager", "graph", "compile"]

RATE_SCALES: dict[OptimizerName, float] = {"sgd": 1.0, "adamw": 0.01}
"""An optimizer's learning rate as a share of SGD's. The weight decay is its inverse: weights lose the same in a step.

Best test accuracy of width 16 in 10 epochs of 2,000 images (125 a step, cosine): SGD 45 % at 0.1; AdamW 35 % at 0.0001,
44 % at 0.001, 46 % at 0.003, 43 % at 0.01, 34 % at 0.1.
"""

WIDTH_UNIT = 8
"""Other channel counts corrupt memory in the channels-last backward pass of torch 2.14's CPU kernels (AVX2)."""

SIDE = 32
"""Pixels of an image's side."""
SIZELESS = 0.2
"""The share of a step's time that small images do not save: 16 pixels took 0.40, 24 took 0.65 of it on two cores."""
CLASSES = 10
"""Classes of CIFAR-10."""
LEAST_CLASSES, MOST_CLASSES = 2, 1_000
"""Classes that a network may tell apart."""
CIFAR10_MEAN = DEFAULT.mean
CIFAR10_STD = DEFAULT.std
HALF = (0.5, 0.5, 0.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ancestor:
    """The checkpoint that a run started from."""

    run: str
    """Name of its run; empty for an external file."""
    checkpoint: str
    """Name of its file."""
    sha256: str
    """Hexadecimal digest of that file, and of the copy that the run keeps."""
    epoch: int = 0
    """Epoch that it ended, or was in; 0 where that is not known."""
    synthetic: bool = False
    """True if it, or one of its own ancestors, was trained on synthetic images."""
    weights: str = ""
    """Name of the set of weights that was taken from an external file that holds several; empty for the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataChoices:
    """Choices of the images that a run trains and tests on."""

    data: Annotated[
        str,
        Option(
            f"{', '.join(DATA_NAMES)}, or a folder of images {{train,test}}/<class>/ of 2 to 1,000 classes.",
            panel=DATA,
            metavar="SOURCE",
            examples=DATA_NAMES,
            parse=absolute_source,
            changeable=True,
        ),
    ] = "cifar10"
    data_dir: Annotated[
        str,
        Option(
            "The folder that a data set with a name is in, or is downloaded to.",
            panel=DATA,
            metavar="DIR",
            parse=absolute_folder,
            changeable=True,
        ),
    ] = "data"
    train_images: Annotated[
        int | None,
        Option(
            "Train on only so many images, balanced by class.",
            panel=DATA,
            quantity="number of training images",
            least=10,
        ),
    ] = None
    test_images: Annotated[
        int | None,
        Option(
            "Test on only so many images, balanced by class.",
            panel=DATA,
            quantity="number of test images",
            least=10,
        ),
    ] = None
    test_share: Annotated[
        float,
        Option(
            "Share of a folder's images to test on, by the seed, where it has no test/; 0 for none.",
            panel=DATA,
            least=0,
            below=1,
        ),
    ] = 0.0
    validation_images: Annotated[
        int,
        Option(
            "Hold out so many training images, and choose the best epoch by them; 0 chooses it by the test images.",
            panel=DATA,
            quantity="number of validation images",
            least=10,
            off=0,
        ),
    ] = 0
    skip_unreadable: Annotated[
        bool, Option("Leave images of a folder out that cannot be read.", panel=DATA, changeable=True)
    ] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe(DataChoices):
    """A run's choices. Built from a preset and changed with `dataclasses.replace`; `check` before use.

    A field that people set is annotated with its option: its help, its limits, and how it is typed.
    """

    preset: str
    """Name of the preset it started from."""
    epochs: Annotated[int, Option("Passes over the training images.", least=1, changeable=True)]
    batch_size: Annotated[int, Option("Images per step.", least=1)]
    """The last batch of an epoch may be smaller."""
    learning_rate: Annotated[
        float,
        Option(
            "Learning rate, or the highest of its schedule; for adamw, without this option, 1/100 of SGD's.",
            flag="--lr",
            above=0,
            changeable=True,
        ),
    ]
    schedule: Annotated[Schedule, Option("Course of the learning rate over the run")]
    rate_changes: tuple[tuple[int, float], ...] = ()
    """Changes made while it trained: from a step on, the schedule times a factor; the last one counts."""
    optimizer: Annotated[OptimizerName, Option("Optimizer of the weights")] = "sgd"
    momentum: Annotated[float, Option("SGD's momentum; adamw has none.", above=0, below=1)] = 0.9
    nesterov: bool
    """True for Nesterov momentum, of SGD alone."""
    weight_decay: Annotated[
        float,
        Option("L2 penalty on every parameter; decoupled with adamw, and without this option 100 × SGD's.", least=0),
    ] = 5e-4
    ema: Annotated[
        float,
        Option(
            "Test and save a moving average of the weights; its decay per step, as 0.999; 0 for none.",
            quantity="decay of the moving average",
            least=0,
            below=1,
        ),
    ] = 0.0
    """After t updates it is at most (1 + t) / (10 + t). Training goes on with the plain weights."""
    label_smoothing: Annotated[
        float, Option("Share of each label that is spread over all classes; 0 for none.", least=0, below=1)
    ] = 0.0
    seed: Annotated[int, Option("Determines initial weights, order and augmentation.", least=0)] = 0
    crop_padding: Annotated[
        int,
        Option("Random crops: pixels of padding around an image; 0 for none.", least=0, most=SIDE - 1, unit="pixels"),
    ]
    padding: Padding = "reflect"
    """Content of the padding."""
    flip: Annotated[Flip, Option("Mirror images")]
    """Never, by chance, or every other epoch per image."""
    cutout: Annotated[
        int,
        Option(
            "Side of the square blanked in each image, in pixels; 0 for none.",
            least=0,
            most=SIDE,
            unit="pixels",
        ),
    ]
    sizes: Annotated[Sizes, Option("Size of the images, which may grow over the run")] = "whole"
    """Growing: halved for a quarter of the epochs, random windows of 24×24 until two thirds, whole then.

    Growing late: halved for three fifths of them, windows until nine tenths.
    """
    classes: int = CLASSES
    """Classes that the network tells apart: those of the data."""
    mean: tuple[float, float, float] = CIFAR10_MEAN
    """Subtracted from each channel, 0 to 1."""
    std: tuple[float, float, float] = CIFAR10_STD
    """Divides each channel then."""
    precision: Annotated[Precision, Option("Precision of the arithmetic", changeable=True)] = "auto"
    """Of the forward pass; `auto` is bf16 where the hardware has it."""
    width: Annotated[
        int,
        Option("Channels of the first stage; 64 is a ResNet-18.", least=WIDTH_UNIT, multiple_of=WIDTH_UNIT),
    ] = 64
    device: Annotated[
        str,
        Option(
            f"Where to train: {DEVICES}.",
            help_elsewhere=f"Where to run: {DEVICES}.",
            metavar="NAME",
            examples=("auto", "cpu", "cuda", "mps"),
            parse=parse_device,
            changeable=True,
        ),
    ] = "auto"
    """`auto` takes a GPU when there is one."""
    acceleration: Annotated[Acceleration, Option("How an NVIDIA GPU is driven", changeable=True)] = "auto"
    """Step by step, as one recorded graph, or compiled and recorded."""
    model: OwnModel | None = None
    """Makes the network; None for the ResNet-18."""
    parent: Ancestor | None = None
    """Checkpoint whose weights are its first; None for fresh ones."""
    keep: Annotated[
        str,
        Option(
            "Checkpoints to keep: all, or best+last:N for the best one and the newest N; at least 2 stay.",
            panel=RUN,
            metavar="WHAT",
            changeable=True,
        ),
    ] = "all"
    tensorboard: Annotated[
        bool, Option("Write event files for TensorBoard, into the run's folder tb/.", panel=RUN, changeable=True)
    ] = False

    def check(self) -> Self:
        """Return the recipe itself; raise BadInput with one sentence when a choice is impossible."""
        for name, option in options_of(Recipe).items():
            option.check(getattr(self, name))
        if self.model is not None:
            self.model.check()
        parse_keep(self.keep)
        parse_device(self.device)
        if self.test_share and self.data in DATA_NAMES:
            raise BadInput(f"--test-share splits a folder of images, and {self.data} has test images already.")
        if not LEAST_CLASSES <= self.classes <= MOST_CLASSES:
            raise BadInput(f"A network tells {LEAST_CLASSES} to {MOST_CLASSES:,} classes apart, not {self.classes:,}.")
        if self.train_images is not None and self.batch_size > self.train_images:
            raise BadInput(
                f"A batch of {self.batch_size:,} is more than the {self.train_images:,} training images: "
                "lower --batch-size or raise --train-images."
            )
        return self

    @property
    def checkpoints_kept(self) -> int | None:
        """Number of the newest checkpoints that stay beside the best one; None for all. Raises BadInput."""
        return parse_keep(self.keep)

    @property
    def network(self) -> str:
        """Name of the network, for people."""
        return "ResNet-18" if self.model is None else self.model.name

    @property
    def synthetic(self) -> bool:
        """True if it trains on images drawn by the program."""
        return self.data == SYNTHETIC

    def steps_per_epoch(self, train_images: int) -> int:
        """Steps in one epoch over so many images."""
        return math.ceil(train_images / self.batch_size)

    def side_in(self, epoch: int) -> int:
        """Return the side in pixels of the images that an epoch, counted from 1, is trained on."""
        stages = size_stages(self.sizes, SIDE, self.epochs)
        return next((side for last, side in stages if epoch <= last), SIDE)

    def work(self, until: float) -> float:
        """Return the work of so many first epochs, in epochs on whole images."""
        work = before = 0.0
        for last, side in size_stages(self.sizes, SIDE, self.epochs):
            work += max(min(until, last) - before, 0.0) * (SIZELESS + (1 - SIZELESS) * (side / SIDE) ** 2)
            before = last
        return work

    def work_in(self, epoch: int) -> float:
        """Return the work of one epoch, counted from 1, in epochs on whole images; 0 for one that it does not have."""
        return self.work(epoch) - self.work(epoch - 1)

    def learning_rate_at(self, step: int, steps_per_epoch: int) -> float:
        """Return the rate of a step, counted from 1; a pure function, so a resumed run continues it exactly."""
        factors = [factor for first, factor in self.rate_changes if first <= step]
        return self._scheduled_rate(step, steps_per_epoch) * (factors[-1] if factors else 1.0)

    def with_rate(self, rate: float, step: int, steps_per_epoch: int) -> Self:
        """Return the recipe with this rate at a step, and its schedule scaled to it from there on. Raises BadInput."""
        options_of(Recipe)["learning_rate"].check(rate)
        scheduled = self._scheduled_rate(step, steps_per_epoch)
        factor = rate / scheduled if scheduled > 0 else math.inf
        if not (math.isfinite(factor) and factor > 0):
            raise BadInput(f"The learning rate cannot become {rate:g}: the schedule is at its end.")
        before = tuple(change for change in self.rate_changes if change[0] < step)
        return dataclasses.replace(self, rate_changes=(*before, (step, factor)))

    def _scheduled_rate(self, step: int, steps_per_epoch: int) -> float:
        return scheduled_rate(self.schedule, self.learning_rate, step, steps_per_epoch, self.epochs)

    def branched(self, ancestor: Ancestor, width: int) -> Self:
        """Return the recipe of a run that starts with a checkpoint's weights, at the beginning of the schedule."""
        return dataclasses.replace(self, parent=ancestor, width=width, rate_changes=())

    def with_data(self, data: str) -> Self:
        """Return the recipe on other images, a name or a folder of them, normalized and mirrored as they need it.

        Weights that it starts with keep the normalization that they were trained with, as does a recipe that has one
        of no data set.
        """
        before, now = (DATA_SETS.get(name, DEFAULT) for name in (self.data, data))
        recipe = dataclasses.replace(self, data=data)
        if self.parent is None and (self.mean, self.std) == (before.mean, before.std):
            recipe = recipe.with_normalization(now.mean, now.std)
        return recipe if now.mirrored else dataclasses.replace(recipe, flip="none")

    def with_data_of(self, answer: str) -> Self:
        """Return the recipe on other images: a name of data, a folder of images, or one of a data set's files."""
        if answer in DATA_NAMES or (Path(answer) / "train").is_dir():
            return self.with_data(answer)
        found = held_by(Path(answer), self.data) or DEFAULT
        return dataclasses.replace(self.with_data(found.name), data_dir=answer)

    def with_optimizer(self, optimizer: OptimizerName) -> Self:
        """Return the recipe with another optimizer, and with a rate and a decay that suit it as these suit its own."""
        scale = RATE_SCALES[optimizer] / RATE_SCALES[self.optimizer]
        rate, decay = (float(f"{value:.12g}") for value in (self.learning_rate * scale, self.weight_decay / scale))
        return dataclasses.replace(self, optimizer=optimizer, learning_rate=rate, weight_decay=decay)

    def with_epochs(self, epochs: int, learning_rate: float) -> Self:
        """Return the recipe with so many epochs, at another rate."""
        return dataclasses.replace(self, epochs=epochs, learning_rate=learning_rate)

    def with_normalization(self, mean: tuple[float, float, float], std: tuple[float, float, float]) -> Self:
        """Return the recipe with the images' channels normalized by another mean and deviation."""
        return dataclasses.replace(self, mean=mean, std=std)
