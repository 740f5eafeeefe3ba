"""Images and labels of a data set, as uint8 arrays in memory."""

import zlib
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from cifar_tui.dataclass import dataclass
from cifar_tui.events import Noted, Progressed

Report = Callable[[Progressed], None]
ReportOrNote = Callable[[Progressed | Noted], None]


@dataclass(frozen=True, slots=True)
class Split:
    """The images of one split."""

    pixels: npt.NDArray[np.uint8]
    """uint8 [N, 32, 32, 3], RGB."""
    labels: npt.NDArray[np.int64]
    """int64 [N], from 0."""

    def checksum(self) -> str:
        """CRC-32 of the images and their labels."""
        # ravel: zlib reads flat arrays without copying them.
        pixels = zlib.crc32(np.ascontiguousarray(self.pixels).ravel().data)
        return f"{zlib.crc32(np.ascontiguousarray(self.labels).data, pixels):08x}"


@dataclass(frozen=True, slots=True)
class DataFacts:
    """Facts about a data set that a run keeps once the images are on the device."""

    description: str
    """The images' name, for people."""
    synthetic: bool
    """True where they were drawn by the program."""
    classes: tuple[str, ...]
    """Class names in label order."""
    train_images: int
    """Images to train on."""
    test_images: int
    """Images to test on."""
    checksum: str
    """CRC-32 of the training images and their labels, to notice other images, not tampering."""
    test_checksum: str
    """The same of the test images."""


@dataclass(frozen=True, slots=True)
class DataSet:
    """Images to train and to test on."""

    description: str
    """Their name, for people."""
    synthetic: bool
    """True where they were drawn by the program."""
    classes: tuple[str, ...]
    """Class names in label order."""
    train: Split
    """Images to train on."""
    test: Split
    """Images to test on."""
    held_out: Split | None = None
    """Training images held out, to choose the best epoch on."""

    def facts(self) -> DataFacts:
        """Return its facts; 0.1 s for 60,000 images."""
        counts = len(self.train.labels), len(self.test.labels)
        checksums = self.train.checksum(), self.test.checksum()
        return DataFacts(self.description, self.synthetic, self.classes, *counts, *checksums)
