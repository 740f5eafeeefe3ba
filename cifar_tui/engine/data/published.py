"""Addresses, checksums and content of a data set's files, as torchvision's class for it has them."""

import contextlib
import gzip
import hashlib
import struct
import warnings
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from cifar_tui.data_sets import NamedDataSet
from cifar_tui.dataclass import dataclass
from cifar_tui.errors import BadInput
from cifar_tui.left_out import left_out
from cifar_tui.text import safe_text

IDX_OF_BYTES = 0x0800
"""Begins an IDX file of unsigned bytes, plus the number of its axes (yann.lecun.com/exdb/mnist)."""


class ContentError(Exception):
    """A file with the right checksum holds no images or labels. Never shown as it is."""


@dataclass(frozen=True, slots=True)
class RawSplit:
    """Images and labels of one split, as they are in the files."""

    pixels: npt.NDArray[Any]
    """Mostly uint8 [N, 28, 28], grey, or [N, 32, 32, 3], RGB; checked by the reader."""
    labels: npt.NDArray[np.int64]
    """int64 [N]."""
    classes: tuple[str, ...]
    """Class names in label order."""


@dataclass(frozen=True, slots=True)
class Download:
    """A file to download."""

    file: str
    """Its place below the data folder."""
    urls: tuple[str, ...]
    """Its addresses, in the order they are tried."""
    md5: str
    """Hexadecimal digest."""


@dataclass(frozen=True, slots=True)
class Published:
    """The files of a data set."""

    files: tuple[tuple[str, str], ...]
    """Names and checksums of the files that are read, in the data set's own folder."""
    downloads: tuple[Download, ...]
    """Either an archive of these files, or themselves."""
    read: Callable[[Path, bool], RawSplit]
    """Reads the training or the test images from the folder of these files.

    Raises ContentError, and OSError or RuntimeError where a file is not what it was when it was verified.
    """

    def first_damaged(self, folder: Path) -> str:
        """Return the first file that is absent or has another checksum; empty for none. Raises BadInput."""
        return next((name for name, md5 in self.files if not intact(folder / name, md5)), "")


class CifarClass(Protocol):
    """One of torchvision's data sets of the CIFAR kind: pickles in one archive."""

    url: str
    filename: str
    tgz_md5: str
    train_list: list[list[str]]
    test_list: list[list[str]]
    meta: dict[str, str]


class MnistClass(Protocol):
    """One of torchvision's data sets of the MNIST kind: four IDX files, each compressed by gzip."""

    mirrors: list[str]
    resources: list[tuple[str, str]]
    classes: list[str]


def publish(data_set: NamedDataSet, known: type[CifarClass] | type[MnistClass] | None = None) -> Published:
    """Return the files of a data set, by torchvision's class for it or `known`, another one of that form."""
    if known is None:
        known = getattr(torchvision_datasets(), data_set.torchvision)
    return _cifar_files(known) if hasattr(known, "tgz_md5") else _mnist_files(data_set, known)  # type: ignore[arg-type]


def intact(path: Path, md5: str) -> bool:
    """Return True for a file with this checksum. Raises BadInput for one that cannot be read."""
    try:
        return bool(torchvision_datasets().utils.check_integrity(str(path), md5))
    except OSError as error:
        raise BadInput(f"Cannot read {safe_text(str(path))}: {error.strerror or error}.") from error


@cache
def torchvision_datasets() -> Any:  # Any: torchvision has no types
    """Import torchvision without torch's compiler, nine tenths of the time, which `torchvision.ops.roi_align` loads."""
    with contextlib.suppress(ImportError), left_out({"torch._dynamo.utils": "is_compile_supported"}):
        import torchvision.datasets
    import torchvision.datasets  # of a version that needs more of it

    return torchvision.datasets


def _cifar_files(known: type[CifarClass]) -> Published:
    members = [*known.train_list, *known.test_list, [known.meta["filename"], known.meta["md5"]]]

    def read(folder: Path, train: bool) -> RawSplit:
        itself = folder.absolute()
        with warnings.catch_warnings():
            # NumPy warns of the old pickles inside; nobody can change those.
            warnings.simplefilter("ignore")
            # Any: torchvision has no types; what it returns is checked by the reader.
            here: Any = type(known.__name__, (known,), {"base_folder": itself.name})
            found = here(root=str(itself.parent), train=train)
        labels = np.asarray(found.targets, dtype=np.int64)
        return RawSplit(np.ascontiguousarray(found.data), labels, tuple(map(str, found.classes)))

    files = tuple((name, md5) for name, md5 in members)
    return Published(files, (Download(known.filename, (known.url,), known.tgz_md5),), read)


def _mnist_files(data_set: NamedDataSet, known: type[MnistClass]) -> Published:
    checksums = dict(known.resources)
    # `0 - zero`, as the class has it, is `zero` for people.
    classes = tuple(name.partition(" - ")[2] or name for name in known.classes)

    def read(folder: Path, train: bool) -> RawSplit:
        ours = [name for name in checksums if name.startswith("train-") == train]
        pixels, labels = (
            _read_idx(folder / name, checksums[name], axes)
            for kind, axes in (("-images-", 3), ("-labels-", 1))
            for name in ours
            if kind in name
        )
        return RawSplit(pixels, labels.astype(np.int64), classes)

    downloads = (
        Download(f"{data_set.folder}/{name}", tuple(f"{mirror}{name}" for mirror in known.mirrors), md5)
        for name, md5 in known.resources
    )
    return Published(tuple(known.resources), tuple(downloads), read)


def _read_idx(path: Path, md5: str, axes: int) -> npt.NDArray[np.uint8]:
    """Return the bytes in a compressed IDX file with so many axes. Raises ContentError, OSError, RuntimeError."""
    packed = path.read_bytes()
    if hashlib.md5(packed, usedforsecurity=False).hexdigest() != md5:
        raise RuntimeError("another checksum")
    try:
        content = gzip.decompress(packed)
        kind, *shape = struct.unpack_from(f">{1 + axes}I", content)
        if kind != IDX_OF_BYTES + axes:
            raise ContentError
        return np.frombuffer(content, np.uint8, offset=4 + 4 * axes).reshape(shape)
    except (gzip.BadGzipFile, EOFError, zlib.error, struct.error, ValueError) as error:
        raise ContentError from error
