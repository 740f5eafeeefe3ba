"""Reads a folder of images, {train,test}/<class>/*.{jpg,png}, once, and caches them as one array for next time."""

import contextlib
import hashlib
import io
import os
import stat
import threading
import time
import warnings
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from cifar_tui.engine.data.dataset import DataSet, Report, Split
from cifar_tui.engine.data.image_file import ImageUnreadable, Pixels, read_image, resized
from cifar_tui.errors import BadInput, DataDamaged, StopRequested
from cifar_tui.events import Progressed
from cifar_tui.files.atomic_write import TEMPORARY_PREFIX, write_atomically
from cifar_tui.recipe import CLASSES, SIDE
from cifar_tui.system.personal_folders import cache_folder
from cifar_tui.text import safe_text

SPLITS = ("train", "test")
ENDINGS = (".jpg", ".jpeg", ".png")
FORMAT = 2
"""Raised when images are turned into arrays in another way, so that old caches are made anew."""
CHUNK = 256
"""Images that a worker decodes at once."""
REPORT_SECONDS = 0.1
"""The time between two looks at progress and stop."""
LEFTOVER_SECONDS = 3_600.0
"""A file under way for so long belongs to a process that was killed."""
LONGEST_PATH = 4_096
"""Characters of a path shown; cutting it shorter would hide the file's name."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The image files of a folder, in order: train before test, and class after class."""

    files: tuple[str, ...]
    """Paths."""
    labels: npt.NDArray[np.int64]
    """int64 [N]."""
    train_images: int
    """Count of those in train/, which come first."""
    fingerprint: str
    """A digest of every image's name, size and time of change; another one means that something changed."""


def read_resized(file: str) -> Pixels:
    """Return one image as uint8 [32, 32, 3], resized as the tutorial does. Raises DataDamaged naming it."""
    try:
        return read_image(file, resized)
    except ImageUnreadable as error:
        shown = safe_text(file, LONGEST_PATH)
        raise DataDamaged(f"Cannot read {shown}: {error}. Delete or replace it.") from None


def check_folder(folder: Path) -> tuple[str, ...]:
    """Return the ten class names of a folder of images. Raises BadInput, with one sentence, for any other folder.

    Looks for one image per class and split, so it takes no time with many images.
    """
    shown = safe_text(str(folder))
    if not _is_folder(folder):
        raise BadInput(f"There is no folder {shown}. --data takes cifar10, synthetic, or a folder of images.")
    for split in SPLITS:
        if not _is_folder(folder / split):
            raise BadInput(
                f"{shown} is not a data set: it needs a folder {split}/ with one folder of images per class."
            )
    train, test = (_class_names(folder / split) for split in SPLITS)
    if len(train) != CLASSES:
        raise BadInput(f"{shown}/train has {len(train)} classes, and the network needs {CLASSES}.")
    for missing in sorted(set(train) - set(test)):
        raise BadInput(f"Class {safe_text(missing)} is in {shown}/train and not in {shown}/test.")
    for extra in sorted(set(test) - set(train)):
        raise BadInput(f"Class {safe_text(extra)} is in {shown}/test and not in {shown}/train.")
    for split in SPLITS:
        for name in train:
            if not _has_images(folder / split / name):
                raise BadInput(f"Class {safe_text(name)} has no images in {shown}/{split}.")
    return tuple(train)


def load_folder(
    folder: Path,
    report: Report,
    stop_requested: Callable[[], bool],
    read: Callable[[str], Pixels] = read_resized,
    chunk: int = CHUNK,
) -> DataSet:
    """Return the folder's images, from the cache where nothing has changed.

    Raises BadInput, DataDamaged naming the image, or StopRequested.
    """
    classes = check_folder(folder)
    report(Progressed("Looking for images", 0, None, "", 0.0))
    listing = _list(folder, classes, stop_requested)
    cache = _cache_path(folder)
    pixels = _read_cache(cache, listing)
    if pixels is None:
        pixels = _decode(Decoding(listing.files, read, chunk), report, stop_requested)
        _write_cache(cache, listing, pixels)
    border = listing.train_images
    return DataSet(
        description=f"images in {safe_text(folder.name or str(folder))}",
        synthetic=False,
        classes=tuple(safe_text(name, 40) for name in classes),
        train=Split(pixels[:border], listing.labels[:border]),
        test=Split(pixels[border:], listing.labels[border:]),
    )


def _is_folder(path: Path) -> bool:
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except PermissionError as error:
        raise _cannot_look_into(path, error) from error
    except (OSError, ValueError):
        return False  # absent, or no name a file can have


def _cannot_look_into(folder: Path, error: OSError) -> BadInput:
    return BadInput(f"Cannot read {safe_text(str(folder), LONGEST_PATH)}: {error.strerror or error}.")


@contextlib.contextmanager
def _describe_os_errors(folder: Path) -> Iterator[None]:
    """Turn the system's errors into BadInput naming the folder."""
    try:
        yield
    except OSError as error:
        raise _cannot_look_into(folder, error) from error


def _class_names(split: Path) -> list[str]:
    with _describe_os_errors(split), os.scandir(split) as entries:
        return sorted(entry.name for entry in entries if entry.is_dir() and not entry.name.startswith("."))


def _is_image(entry: "os.DirEntry[str]") -> bool:
    return entry.name.lower().endswith(ENDINGS) and not entry.name.startswith(".") and not entry.is_dir()


def _has_images(folder: Path) -> bool:
    with _describe_os_errors(folder), os.scandir(folder) as entries:
        return any(_is_image(entry) for entry in entries)


def _images(folder: Path) -> list["os.DirEntry[str]"]:
    with _describe_os_errors(folder), os.scandir(folder) as entries:
        return sorted((entry for entry in entries if _is_image(entry)), key=lambda entry: entry.name)


def _list(folder: Path, classes: tuple[str, ...], stop_requested: Callable[[], bool]) -> Listing:
    """Return every image with its label, seen once, so that list and fingerprint cannot disagree."""
    digest = hashlib.blake2b(f"{FORMAT} {SIDE}".encode(), digest_size=32)
    files: list[str] = []
    counts: list[int] = []
    for split in SPLITS:
        for name in classes:
            if stop_requested():
                raise StopRequested
            found = _images(folder / split / name)
            for entry in found:
                digest.update(os.fsencode(f"{split}/{name}/{entry.name}\0{_facts(entry)}\n"))
            files += [entry.path for entry in found]
            counts.append(len(found))
    labels = np.repeat(np.tile(np.arange(CLASSES, dtype=np.int64), len(SPLITS)), counts)
    return Listing(tuple(files), labels, sum(counts[:CLASSES]), digest.hexdigest())


def _facts(entry: "os.DirEntry[str]") -> str:
    """Size and time of change; nothing for a dangling link or a file that has just gone, which reading will name."""
    try:
        facts = entry.stat()
    except OSError:
        return ""
    return f"{facts.st_size}\0{facts.st_mtime_ns}"


def _cache_path(folder: Path) -> Path:
    name = hashlib.blake2b(os.fsencode(folder.absolute()), digest_size=12).hexdigest()
    return cache_folder() / "pictures" / f"{name}.npy"


def _head(images: int) -> bytes:
    """Return the header of an .npy file of so many images."""
    head = io.BytesIO()
    shape = (images, SIDE, SIDE, 3)
    np.lib.format.write_array_header_1_0(head, {"descr": "|u1", "fortran_order": False, "shape": shape})
    return head.getvalue()


def _seal(fingerprint: str, pixels: Pixels) -> bytes:
    """Return the end of the array's file: the fingerprint of its images, and a sum over it."""
    return f"{fingerprint} {zlib.crc32(pixels.data):08x}\n".encode()


def _read_cache(path: Path, listing: Listing) -> Pixels | None:
    """Return the cached array, mapped from its file; None where there is none for just these images.

    The file is compared with what it has to be and never interpreted, so nothing in it can do harm.
    """
    images = len(listing.files)
    head = _head(images)
    try:
        with path.open("rb") as file:
            if file.read(len(head)) != head:
                return None
            file.seek(len(head) + images * SIDE * SIDE * 3)
            seal = file.read(256)
            if not seal.startswith(listing.fingerprint.encode()):
                return None
            pixels = np.memmap(file, np.uint8, "r", offset=len(head), shape=(images, SIDE, SIDE, 3))
    except (OSError, ValueError):
        return None
    return pixels if seal == _seal(listing.fingerprint, pixels) else None


def _write_cache(path: Path, listing: Listing, pixels: Pixels) -> None:
    """Cache the array in the place of the folder's last one."""

    def write(file: BinaryIO) -> None:
        np.save(file, pixels, allow_pickle=False)
        file.write(_seal(listing.fingerprint, pixels))

    # A cache that cannot be kept only costs time at the next start.
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        for leftover in path.parent.glob(f"{TEMPORARY_PREFIX}*"):
            if time.time() - leftover.stat().st_mtime > LEFTOVER_SECONDS:
                leftover.unlink(missing_ok=True)
        write_atomically(path, write)


class Decoding:
    """Images on their way into one array, which the workers share."""

    def __init__(self, files: tuple[str, ...], read: Callable[[str], Pixels], chunk: int) -> None:
        self.files = files
        self.chunk = chunk
        self._read = read
        self.pixels: Pixels = np.empty((len(files), SIDE, SIDE, 3), dtype=np.uint8)
        self.cancelled = threading.Event()
        self._done = np.zeros(len(files), dtype=np.bool_)

    @property
    def done(self) -> int:
        """Images decoded so far."""
        return int(np.count_nonzero(self._done))

    def decode(self, start: int) -> None:
        """Decode one chunk, unless it is no longer wanted."""
        for index, file in enumerate(self.files[start : start + self.chunk], start):
            if self.cancelled.is_set():
                return
            self.pixels[index] = self._read(file)
            self._done[index] = True


def _decode(decoding: Decoding, report: Report, stop_requested: Callable[[], bool]) -> Pixels:
    """Return every image as uint8 [N, 32, 32, 3]. Raises DataDamaged for one that cannot be read, or StopRequested."""
    started = time.monotonic()

    def report_progress() -> None:
        report(Progressed("Reading images", decoding.done, len(decoding.files), "images", time.monotonic() - started))

    report_progress()
    with warnings.catch_warnings(), ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        # Pillow warns on stderr of large and odd images, in the middle of a screen; ours are checked below.
        warnings.simplefilter("ignore")
        futures = [pool.submit(decoding.decode, start) for start in range(0, len(decoding.files), decoding.chunk)]
        try:
            _await(futures, report_progress, stop_requested)
        finally:
            decoding.cancelled.set()
            pool.shutdown(cancel_futures=True)
    report_progress()
    return decoding.pixels


def _await(
    futures: list["Future[None]"], report_progress: Callable[[], None], stop_requested: Callable[[], bool]
) -> None:
    """Wait for all, or for the first that fails, and raise what it raised."""
    while True:
        done, waiting = wait(futures, timeout=REPORT_SECONDS, return_when=FIRST_EXCEPTION)
        failed = any(future.exception() is not None for future in done)
        if failed or not waiting:
            break
        report_progress()
        if stop_requested():
            raise StopRequested
    for future in futures:
        if future.done():
            future.result()
