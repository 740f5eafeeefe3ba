"""Caches the decoded images of a folder as one array, in an .npy file with a sum over it at its end."""

import contextlib
import hashlib
import io
import os
import time
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from cifar_tui.engine.data.image_file import Pixels
from cifar_tui.engine.data.image_listing import SPLITS, Listing
from cifar_tui.files.atomic_write import TEMPORARY_PREFIX, write_atomically
from cifar_tui.recipe import SIDE
from cifar_tui.system.personal_folders import cache_folder

LEFTOVER_SECONDS = 3_600.0
"""A file under way for so long belongs to a process that was killed."""

Marks = npt.NDArray[np.bool_]
"""bool [N]: True for an image that could not be read; its pixels mean nothing."""


def cache_path(folder: Path, splits: Sequence[str] = SPLITS) -> Path:
    """Return the file that caches these splits of a folder."""
    part = "" if tuple(splits) == SPLITS else f"-{'-'.join(splits)}"
    name = hashlib.blake2b(os.fsencode(folder.absolute()), digest_size=12).hexdigest()
    return cache_folder() / "pictures" / f"{name}{part}.npy"


def _head(images: int) -> bytes:
    """Return the header of an .npy file of so many images."""
    head = io.BytesIO()
    shape = (images, SIDE, SIDE, 3)
    np.lib.format.write_array_header_1_0(head, {"descr": "|u1", "fortran_order": False, "shape": shape})
    return head.getvalue()


def _seal(fingerprint: str, pixels: Pixels, unread: bytes) -> bytes:
    """Return the end of the array's file: the fingerprint of its images, and a sum over all before it."""
    return f"{fingerprint} {zlib.crc32(unread, zlib.crc32(pixels.data)):08x}\n".encode()


def read_cache(path: Path, listing: Listing) -> tuple[Pixels, Marks] | None:
    """Return the cached array, mapped from its file, and its marks; None where there is none for just these images.

    The file is compared with what it has to be and never interpreted, so nothing in it can do harm.
    """
    images = len(listing.files)
    head = _head(images)
    try:
        with path.open("rb") as file:
            if file.read(len(head)) != head:
                return None
            file.seek(len(head) + images * SIDE * SIDE * 3)
            unread = file.read(images)
            seal = file.read(256)
            if not seal.startswith(listing.fingerprint.encode()):
                return None
            pixels = np.memmap(file, np.uint8, "r", offset=len(head), shape=(images, SIDE, SIDE, 3))
    except (OSError, ValueError):
        return None
    if seal != _seal(listing.fingerprint, pixels, unread):
        return None
    return pixels, np.frombuffer(unread, dtype=np.uint8) != 0


def write_cache(path: Path, listing: Listing, pixels: Pixels, unread: Marks) -> None:
    """Cache the array in the place of the folder's last one."""

    def write(file: BinaryIO) -> None:
        np.save(file, pixels, allow_pickle=False)
        file.write(unread.tobytes())
        file.write(_seal(listing.fingerprint, pixels, unread.tobytes()))

    # A cache that cannot be kept only costs time at the next start.
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        for leftover in path.parent.glob(f"{TEMPORARY_PREFIX}*"):
            if time.time() - leftover.stat().st_mtime > LEFTOVER_SECONDS:
                leftover.unlink(missing_ok=True)
        write_atomically(path, write)
