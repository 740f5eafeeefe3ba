"""An epoch's order, crops, mirrors and cutouts as a pure function of (seed, epoch), and the batches they make."""

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from cifar_tui.dataclass import dataclass
from cifar_tui.engine.data.dataset import DataSet, Split
from cifar_tui.recipe import SIDE, Recipe

EPOCHS_PER_SEED = 1 << 20
"""Keeps the generators of two seeds apart."""


@dataclass(frozen=True, slots=True)
class EpochPlan:
    """Augmentation of each image in one epoch, in the order they come. All tensors are [N], on the device."""

    side: int
    """Pixels of an image's side: half of the whole is averaged, more is cropped."""
    order: torch.Tensor
    """int64: the image's index in the data set."""
    top: torch.Tensor
    """int64: the crop's first row in the padded image."""
    left: torch.Tensor
    """int64: the crop's first column in the padded image."""
    mirrored: torch.Tensor
    """bool: whether it is flipped left to right."""
    cut_top: torch.Tensor
    """int64: the cutout's first row."""
    cut_left: torch.Tensor
    """int64: the cutout's first column."""


def plan_epoch(recipe: Recipe, images: int, epoch: int, device: torch.device) -> EpochPlan:
    """The plan of an epoch over so many images, the same wherever and whenever it is made."""
    generator = _generator(recipe.seed, epoch)
    order = torch.randperm(images, generator=generator)

    def offsets(choices: int) -> torch.Tensor:
        return torch.randint(choices, (images,), generator=generator)

    side = recipe.side_in(epoch)
    window = _window(side)
    places = 2 * recipe.crop_padding + SIDE - window + 1
    top, left = offsets(places), offsets(places)
    places = max(window - recipe.cutout, 0) + 1
    cut_top, cut_left = offsets(places), offsets(places)
    by_chance = offsets(2).bool()
    if recipe.flip == "alternating":
        # Each image starts by chance and is then flipped every other epoch (Jordan 2024, airbench).
        first_bits = torch.randint(2, (images,), generator=_generator(recipe.seed, 0)).bool()
        mirrored = first_bits[order] ^ bool(epoch % 2)
    else:
        mirrored = by_chance & (recipe.flip == "random")
    return EpochPlan(side, *(part.to(device) for part in (order, top, left, mirrored, cut_top, cut_left)))


def _window(side: int) -> int:
    """Return the side of the crop that an image of this side is made of: half a side is the whole image, averaged."""
    return SIDE if side == SIDE // 2 else side


def _generator(seed: int, epoch: int) -> torch.Generator:
    return torch.Generator().manual_seed((seed * EPOCHS_PER_SEED + epoch) % (1 << 63))


class DeviceDataset:
    """A split on the device: uint8 images, padded once, with all that turns them into batches."""

    def __init__(
        self,
        pixels: npt.NDArray[np.uint8],
        labels: npt.NDArray[np.int64],
        recipe: Recipe,
        device: torch.device,
        padding: int,
    ) -> None:
        """Take uint8 [N, 32, 32, 3] and int64 [N] to the device, with `padding` pixels added on every side."""
        self.count = len(labels)
        self.classes = recipe.classes
        mode = "reflect" if recipe.padding == "reflect" else "constant"
        # np.pad with no padding would still copy; torch wants an array it may write to.
        padded = np.pad(pixels, ((0, 0), (padding, padding), (padding, padding), (0, 0)), mode=mode)  # type: ignore[call-overload]
        self.images = torch.from_numpy(padded).to(device)
        self.labels = torch.from_numpy(np.ascontiguousarray(labels)).to(device)
        self._cutout = recipe.cutout
        self._side = torch.arange(SIDE, device=device)
        std = torch.tensor(recipe.std, device=device)
        self._scale = (1 / (255 * std)).view(1, 3, 1, 1)
        self._shift = (-torch.tensor(recipe.mean, device=device) / std).view(1, 3, 1, 1)

    def batch(self, plan: EpochPlan, part: slice) -> tuple[torch.Tensor, torch.Tensor]:
        """Images float32 [B, 3, S, S], S by the plan, channels last, augmented, normalised; and labels int64 [B].

        Crop and mirror are one gather from the NHWC images, whose permuted result is channels last already.
        """
        index = plan.order[part]
        side = self._side[: _window(plan.side)]
        rows = plan.top[part, None] + side
        columns = torch.where(plan.mirrored[part, None], side.flip(0), side) + plan.left[part, None]
        images = self.normalised(self.images[index[:, None, None], rows[:, :, None], columns[:, None, :]])
        if self._cutout:
            images.masked_fill_(self._cut(side, plan.cut_top[part], plan.cut_left[part]), 0.0)
        if plan.side < len(side):
            images = functional.avg_pool2d(images, len(side) // plan.side)
        return images, self.labels[index]

    def plain(self, start: int, stop: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Images float32 [B, 3, 32, 32], normalised only, and labels int64 [B], in the data set's order."""
        return self.normalised(self.images[start:stop]), self.labels[start:stop]

    def normalised(self, images: torch.Tensor) -> torch.Tensor:
        """uint8 [B, 32, 32, 3] to float32 [B, 3, 32, 32] with the recipe's mean and deviation taken out."""
        return images.permute(0, 3, 1, 2).float() * self._scale + self._shift

    def _cut(self, side: torch.Tensor, top: torch.Tensor, left: torch.Tensor) -> torch.Tensor:
        """A mask bool [B, 1, S, S], true inside the squares (DeVries & Taylor 2017, kept fully inside)."""
        rows = (side >= top[:, None]) & (side < top[:, None] + self._cutout)
        columns = (side >= left[:, None]) & (side < left[:, None] + self._cutout)
        return (rows[:, :, None] & columns[:, None, :])[:, None]


@dataclass(frozen=True, slots=True)
class Images:
    """All images of a run, on the device, once each."""

    train: DeviceDataset
    """To train on."""
    test: DeviceDataset
    """To test on."""
    held_out: DeviceDataset | None
    """Training images held out; None where there are none."""

    @classmethod
    def of(cls, data: DataSet, recipe: Recipe, device: torch.device) -> "Images":
        """Take a data set to the device; its own arrays are no longer needed then."""

        def bank(split: Split, padding: int) -> DeviceDataset:
            return DeviceDataset(split.pixels, split.labels, recipe, device, padding)

        held_out = bank(data.held_out, 0) if data.held_out else None
        return cls(bank(data.train, recipe.crop_padding), bank(data.test, 0), held_out)
