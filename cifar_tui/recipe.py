"""Every choice that defines a run, frozen, with its checks and its learning rate as a pure function of the step."""

import dataclasses
import math
import re
from dataclasses import dataclass
from typing import Literal, Self

from cifar_tui.errors import BadInput

Schedule = Literal["constant", "triangle", "drops"]
Flip = Literal["none", "random", "alternating"]
Padding = Literal["reflect", "zero"]
Precision = Literal["auto", "fp32", "bf16", "fp16"]
DeviceChoice = Literal["auto", "cpu", "cuda", "mps"]
Acceleration = Literal["auto", "eager", "graph", "compile"]

WARM_UP_SHARE = 0.2
"""The share of a triangle's steps on the way up."""
TRIANGLE_START = 0.2
"""A triangle's first rate as a share of its peak (0.04 of 0.2)."""
DROP_POINTS = (0.3, 0.6, 0.8)
"""Where `drops` lowers the rate, as shares of the epochs (60, 120 and 160 of 200)."""
DROP_FACTOR = 0.2
"""What each drop multiplies the rate by."""

KEEP_PATTERN = re.compile(r"best\+last:([1-9]\d{0,5})", re.ASCII)
"""How `keep` names a number of checkpoints."""

WIDTH_UNIT = 8
"""Other channel counts corrupt memory in the channels-last backward pass of torch 2.14's CPU kernels (AVX2)."""

SIDE = 32
"""Pixels of a picture's side."""
CIFAR10_MEAN = (0.4914, 0.4822, 0.4465)
CIFAR10_STD = (0.2470, 0.2435, 0.2616)
HALF = (0.5, 0.5, 0.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ancestor:
    """The checkpoint that a run went on from."""

    run: str
    """The name of its run; empty for a file of no run of ours."""
    checkpoint: str
    """The name of its file."""
    sha256: str
    """Hexadecimal digest of that file, and of the copy that the run keeps."""
    epoch: int = 0
    """The epoch it ended, or was in; 0 where that is not known."""
    synthetic: bool = False
    """Whether it, or one of its own ancestors, was trained on pictures drawn by the program."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A run's choices. Built from a preset and changed with `dataclasses.replace`; `check` before use."""

    preset: str
    """The preset it started from."""
    data: str = "cifar10"
    """`cifar10`, `synthetic`, or a folder of pictures, absolute."""
    data_dir: str = "data"
    """Where the official data set is kept."""
    train_images: int | None = None
    """A class-balanced part of the training images; None for all."""
    test_images: int | None = None
    """A class-balanced part of the test images; None for all."""
    validation_images: int = 0
    """Training images held out, class by class, to choose the best epoch on; 0 for none."""
    epochs: int
    """Passes over the training images."""
    batch_size: int
    """Images of one step; the last batch of an epoch may be smaller."""
    learning_rate: float
    """The rate, or the schedule's highest."""
    schedule: Schedule
    """How the rate goes over the run."""
    rate_changes: tuple[tuple[int, float], ...] = ()
    """What a person changed under way: from a step on, the schedule times a factor; the last one counts."""
    momentum: float = 0.9
    """SGD's momentum."""
    nesterov: bool
    """Whether the momentum is Nesterov's."""
    weight_decay: float = 5e-4
    """L2 penalty on every parameter."""
    label_smoothing: float = 0.0
    """The share of every label that is spread evenly over all classes, 0 to below 1."""
    crop_padding: int
    """Pixels of padding for the random crop; 0 for no crop."""
    padding: Padding = "reflect"
    """What the padding is filled with."""
    flip: Flip
    """Mirroring: never, by chance, or every other epoch per image."""
    cutout: int
    """Side of the square blanked in each picture, in pixels; 0 for none."""
    mean: tuple[float, float, float] = CIFAR10_MEAN
    """Subtracted from each colour, 0 to 1."""
    std: tuple[float, float, float] = CIFAR10_STD
    """What each colour is then divided by."""
    precision: Precision = "auto"
    """Arithmetic of the forward pass; `auto` is bf16 where the hardware has it."""
    device: DeviceChoice = "auto"
    """Where it trains; `auto` takes a GPU when there is one."""
    acceleration: Acceleration = "auto"
    """How a CUDA device is driven: step by step, as one recorded graph, or compiled and recorded."""
    seed: int = 0
    """Fixes first weights, order and augmentation."""
    width: int = 64
    """Channels of the first stage; 64 is the tutorial's network."""
    parent: Ancestor | None = None
    """The checkpoint whose weights are its first; None for fresh ones."""

    keep: str = "all"
    """Which checkpoints stay: `all`, or `best+last:N`."""

    def check(self) -> Self:
        """Return the recipe itself; raise BadInput with one sentence when a choice is impossible."""
        _at_least("epochs", self.epochs, 1)
        _at_least("batch size", self.batch_size, 1)
        if self.width < WIDTH_UNIT or self.width % WIDTH_UNIT:
            raise BadInput(f"The width must be a multiple of {WIDTH_UNIT}, not {self.width}.")
        _at_least("seed", self.seed, 0)
        _within("crop padding", self.crop_padding, SIDE - 1)
        _within("cutout", self.cutout, SIDE)
        for name, images in (("training images", self.train_images), ("test images", self.test_images)):
            if images is not None:
                _at_least(f"number of {name}", images, 10)
        if self.validation_images:
            _at_least("number of validation images", self.validation_images, 10)
        if not (math.isfinite(self.learning_rate) and self.learning_rate > 0):
            raise BadInput(f"The learning rate must be a number above 0, not {self.learning_rate:g}.")
        if not (math.isfinite(self.weight_decay) and self.weight_decay >= 0):
            raise BadInput(f"The weight decay must be 0 or more, not {self.weight_decay:g}.")
        if not 0 <= self.label_smoothing < 1:
            raise BadInput(f"The label smoothing must be 0 or more and below 1, not {self.label_smoothing:g}.")
        self.checkpoints_kept  # noqa: B018 - refuses what makes no sense
        if self.train_images is not None and self.batch_size > self.train_images:
            raise BadInput(
                f"A batch of {self.batch_size:,} is more than the {self.train_images:,} training images: "
                "lower --batch-size or raise --train-images."
            )
        return self

    @property
    def checkpoints_kept(self) -> int | None:
        """How many of the newest checkpoints stay beside the best one; None for all. Raises BadInput."""
        if self.keep == "all":
            return None
        match = KEEP_PATTERN.fullmatch(self.keep)
        if match is None:
            raise BadInput(f"What to keep is 'all' or 'best+last:N' with a number from 1, not '{self.keep:.40}'.")
        return int(match.group(1))

    @property
    def synthetic(self) -> bool:
        """Whether it trains on pictures drawn by the program."""
        return self.data == "synthetic"

    def steps_per_epoch(self, train_images: int) -> int:
        """Steps in one epoch over so many images."""
        return math.ceil(train_images / self.batch_size)

    def learning_rate_at(self, step: int, steps_per_epoch: int) -> float:
        """The rate of a step, counted from 1; a pure function, so a resumed run continues it exactly."""
        factors = [factor for first, factor in self.rate_changes if first <= step]
        return self.scheduled_rate(step, steps_per_epoch) * (factors[-1] if factors else 1.0)

    def with_rate(self, rate: float, step: int, steps_per_epoch: int) -> Self:
        """The recipe with this rate at a step, and its schedule, scaled to fit, from there on. Raises BadInput."""
        if not (math.isfinite(rate) and rate > 0):
            raise BadInput(f"The learning rate must be a number above 0, not {rate:g}.")
        scheduled = self.scheduled_rate(step, steps_per_epoch)
        factor = rate / scheduled if scheduled > 0 else math.inf
        if not (math.isfinite(factor) and factor > 0):
            raise BadInput(f"The learning rate cannot become {rate:g}: the schedule has come to its end.")
        before = tuple(change for change in self.rate_changes if change[0] < step)
        return dataclasses.replace(self, rate_changes=(*before, (step, factor)))

    def scheduled_rate(self, step: int, steps_per_epoch: int) -> float:
        """The schedule's rate of a step, before what a person changed under way."""
        total = self.epochs * steps_per_epoch
        if self.schedule == "constant":
            return self.learning_rate
        if self.schedule == "drops":
            epoch = (step - 1) // steps_per_epoch
            drops = sum(epoch >= round(point * self.epochs) for point in DROP_POINTS)
            return self.learning_rate * DROP_FACTOR**drops
        done = (step - 1) / total
        if done < WARM_UP_SHARE:
            return self.learning_rate * (TRIANGLE_START + (1 - TRIANGLE_START) * done / WARM_UP_SHARE)
        return self.learning_rate * (1 - done) / (1 - WARM_UP_SHARE)

    def branched(self, ancestor: Ancestor, width: int) -> Self:
        """The recipe of a run that starts with a checkpoint's weights, at the beginning of the schedule."""
        return dataclasses.replace(self, parent=ancestor, width=width, rate_changes=())

    def with_epochs(self, epochs: int, learning_rate: float) -> Self:
        """The recipe with so many epochs, at another rate."""
        return dataclasses.replace(self, epochs=epochs, learning_rate=learning_rate)

    def with_normalization(self, mean: tuple[float, float, float], std: tuple[float, float, float]) -> Self:
        """The recipe with other colours' mean and deviation."""
        return dataclasses.replace(self, mean=mean, std=std)


def _at_least(name: str, value: int, least: int) -> None:
    if value < least:
        raise BadInput(f"The {name} must be {least} or more, not {value}.")


def _within(name: str, value: int, most: int) -> None:
    if not 0 <= value <= most:
        raise BadInput(f"The {name} must be 0 to {most} pixels, not {value}.")
