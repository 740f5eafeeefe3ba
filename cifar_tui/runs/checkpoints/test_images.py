"""The test images of a run as one file of raw pixels, so that any of them is shown without loading a data set."""

import re
from collections.abc import Callable, Sequence
from io import BufferedReader
from pathlib import Path

from cifar_tui.files.atomic_write import write_atomically
from cifar_tui.files.run_files import IMAGES_STEM, IMAGES_SUFFIX
from cifar_tui.files.safe_open import open_regular
from cifar_tui.recipe import SIDE

MOST_IMAGES = 50_000
"""Test images whose predictions and pixels are stored; of a larger set only the wrongest are."""

IMAGE_BYTES = SIDE * SIDE * 3
"""Bytes of one image's pixels: uint8 [32, 32, 3], RGB."""
CHECKSUM_PATTERN = re.compile(r"[0-9a-f]{8}")


def store_images(folder: Path, checksum: str, count: int, pixels: Callable[[], bytes]) -> None:
    """Write the test images beside a run's checkpoints unless they are there; a run keeps one such file.

    The file is named after the images' checksum. `pixels` returns all of them, in order. Raises OSError.
    """
    if count > MOST_IMAGES or not CHECKSUM_PATTERN.fullmatch(checksum):
        return
    path = _path(folder, checksum)
    if path.is_file() and path.stat().st_size == count * IMAGE_BYTES:
        return
    content = pixels()
    write_atomically(path, lambda file: file.write(content))
    for other in folder.glob(f"{IMAGES_STEM}*{IMAGES_SUFFIX}"):
        if other != path:
            other.unlink(missing_ok=True)


def read_images(folder: Path, checksum: str, count: int, indexes: Sequence[int]) -> list[bytes]:
    """Return the pixels of some of the `count` test images; none where they are not stored."""
    if not CHECKSUM_PATTERN.fullmatch(checksum):
        return []
    try:
        with open_regular(_path(folder, checksum), count * IMAGE_BYTES) as file:
            return [_read(file, index) for index in indexes]
    except (OSError, ValueError):
        return []


def _read(file: BufferedReader, index: int) -> bytes:
    """Return one image. Raises ValueError where the file ends before it."""
    file.seek(index * IMAGE_BYTES)
    pixels = file.read(IMAGE_BYTES)
    if len(pixels) != IMAGE_BYTES:
        raise ValueError("shorter than the test images")
    return pixels


def _path(folder: Path, checksum: str) -> Path:
    return folder / f"{IMAGES_STEM}{checksum}{IMAGES_SUFFIX}"
