"""Predicts the classes of a person's own images."""

import functools
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from cifar_tui.data_sets import DATA_SETS, DEFAULT
from cifar_tui.dataclass import dataclass
from cifar_tui.engine.checkpoints.checkpoint import read_network
from cifar_tui.engine.data.augment import DeviceDataset
from cifar_tui.engine.data.image_file import ImageUnreadable, center_crop, read_image_file
from cifar_tui.engine.network.build import place
from cifar_tui.engine.network.device import Device, choose_device
from cifar_tui.engine.network.device_memory import explained
from cifar_tui.recipe import SIDE, Recipe
from cifar_tui.runs.compared_checkpoint import classes_of
from cifar_tui.runs.parent_weights import belongs_to_run
from cifar_tui.runs.reading import AS_FOUND, Reading
from cifar_tui.text import safe_text

LONGEST_PATH = 4_096
"""Characters of a path shown; cutting it shorter would hide the file's name."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """Prediction for one image."""

    file: str
    """The image's file, as it was named."""
    pixels: bytes
    """Pixels that the network saw, uint8 [32, 32, 3], RGB."""
    probabilities: tuple[float, ...]
    """Of every class, 0 to 1, in label order."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """An image that could not be read."""

    file: str
    """The image's file, as it was named."""
    reason: str
    """One sentence that names it."""


class Predictor:
    """A checkpoint's network, ready for images; `assumptions` are sentences on how its file was read."""

    def __init__(self, recipe: Recipe, folder: Path, checkpoint: str, reading: Reading = AS_FOUND) -> None:
        """Put the network on its device. Raises CheckpointDamaged or BadInput."""
        self._recipe = recipe
        self._device: Device = choose_device(recipe)
        read = read_network(folder / checkpoint, reading)
        external = not (read.sha256 or belongs_to_run(folder / checkpoint))
        side = read.side if external else DATA_SETS.get(recipe.data, DEFAULT).side
        self._fit = functools.partial(center_crop, side=side)
        framed = f"Images are made {side}×{side} and framed with black, as the network was trained."
        self.assumptions = (*read.assumptions, *([framed] if side != SIDE else ())) if external else read.notes
        named = read.origin.classes if read.origin is not None else ()
        self.classes = named or class_names(folder, read.classes)
        if external:
            self._recipe = recipe.with_normalization(read.mean, read.std)
        with explained(self._device):
            self._network = place(read.network, self._device)
        self._network.eval()

    def predict(self, files: Sequence[str]) -> Iterator[Prediction | Refusal]:
        """Yield the prediction for each image, or why it cannot be read, in the order they were named."""
        for file in files:
            try:
                with warnings.catch_warnings():
                    # Pillow warns on stderr of large and odd images; the reader checks them.
                    warnings.simplefilter("ignore")
                    pixels = read_image_file(file, self._fit)
            except ImageUnreadable as error:
                yield Refusal(file, f"Cannot read {safe_text(file, LONGEST_PATH)}: {error}.")
                continue
            yield Prediction(file, pixels.tobytes(), self._probabilities(pixels))

    @torch.inference_mode()
    def _probabilities(self, pixels: npt.NDArray[np.uint8]) -> tuple[float, ...]:
        with explained(self._device):
            dataset = DeviceDataset(pixels[None], np.zeros(1, dtype=np.int64), self._recipe, self._device.torch, 0)
            images, _ = dataset.plain(0, dataset.count)
            with self._device.autocast():
                logits = self._network(images).float()
        return tuple(torch.nan_to_num(logits.softmax(1))[0].tolist())


def class_names(folder: Path, count: int) -> tuple[str, ...]:
    """Return the names of a run's classes as its journal has them; numbered ones where it has none."""
    classes = classes_of(folder)
    return classes if len(classes) == count else tuple(f"class {label}" for label in range(count))
