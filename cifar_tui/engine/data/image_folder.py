"""Reads a folder of images, {train,test}/<class>/<image>, once, and caches them as one array for next time."""

import math
import os
import threading
import time
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, wait
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from cifar_tui.engine.data.dataset import DataSet, ReportOrNote, Split
from cifar_tui.engine.data.image_cache import Marks, cache_path, read_cache, write_cache
from cifar_tui.engine.data.image_file import ImageUnreadable, Pixels, read_image_file, resized
from cifar_tui.engine.data.image_listing import LONGEST_PATH, SPLITS, WHOLE, Listing, list_images
from cifar_tui.errors import BadInput, DataDamaged, StopRequested
from cifar_tui.events import Noted, Progressed
from cifar_tui.recipe import SIDE
from cifar_tui.system.container import usable_cores
from cifar_tui.text import safe_text

CHUNK = 256
"""Images that a worker decodes at once."""
REPORT_SECONDS = 0.1
"""The time between two looks at progress and stop."""
SILENT_SECONDS = 15.0
"""The time without any image after which the one that is waited for is named."""
MOST_NAMED = 10
"""Unreadable images that a message names."""

Read = Callable[[str], Pixels]
"""Returns one image as uint8 [32, 32, 3], or raises ImageUnreadable."""
Result = TypeVar("Result")


def read_resized(file: str) -> Pixels:
    """Return one image as uint8 [32, 32, 3], resized as the tutorial does. Raises ImageUnreadable."""
    return read_image_file(file, resized)


def load_folder(
    folder: Path,
    report: ReportOrNote,
    stop_requested: Callable[[], bool],
    *,
    splits: Sequence[str] = SPLITS,
    skip_unreadable: bool = False,
    read: Read = read_resized,
    chunk: int = CHUNK,
) -> DataSet:
    """Return the folder's images, from the cache where nothing has changed; a split that is not asked for is empty.

    What lies beside the images is noted. Raises BadInput, DataDamaged naming images that cannot be read, unless they
    are skipped, or StopRequested.
    """
    report(Progressed("Looking for images", 0, None, "", 0.0))
    shown = safe_text(folder.name or str(folder))
    listing = _until_stopped(lambda: list_images(folder, splits), stop_requested)
    if passed_over := listing.passed_over.text(named=True):
        report(Noted(f"Passed over in {shown}: {passed_over}."))
    decoding = _until_stopped(lambda: _from_cache(cache_path(folder, splits), listing, read, chunk), stop_requested)
    if decoding.todo.size:
        _decode(decoding, report, stop_requested)
        write_cache(cache_path(folder, splits), listing, decoding.pixels, decoding.unread)
    pixels, labels, border = decoding.pixels, listing.labels, listing.train_images
    if decoding.unread.any():
        _name_unreadable(folder, decoding, report, skip_unreadable)
        kept = ~decoding.unread
        pixels, labels, border = pixels[kept], labels[kept], int(np.count_nonzero(kept[:border]))
        _check_classes(listing, splits, kept)
    return DataSet(
        description=f"images in {shown}",
        synthetic=False,
        classes=listing.classes,
        train=Split(pixels[:border], labels[:border]),
        test=Split(pixels[border:], labels[border:]),
    )


def _from_cache(path: Path, listing: Listing, read: Read, chunk: int) -> "Decoding":
    """Return the images as far as they are cached; those that could not be read are to be tried again."""
    cached = read_cache(path, listing)
    if cached is None:
        images = len(listing.files)
        cached = np.empty((images, SIDE, SIDE, 3), dtype=np.uint8), np.ones(images, dtype=np.bool_)
    elif cached[1].any():
        cached = np.array(cached[0]), cached[1]
    return Decoding(listing.files, *cached, read, chunk)


def _name_unreadable(folder: Path, decoding: "Decoding", report: ReportOrNote, skip: bool) -> None:
    """Name the first images that cannot be read, and count all: as a note where they are skipped, else DataDamaged."""
    reasons = sorted(decoding.reasons.items())
    named = ", ".join(
        f"{safe_text(os.path.relpath(decoding.files[index], folder), LONGEST_PATH)} ({reason})"
        for index, reason in reasons[:MOST_NAMED]
    )
    more = f", and {len(reasons) - MOST_NAMED:,} more" if len(reasons) > MOST_NAMED else ""
    amount = "1 image" if len(reasons) == 1 else f"{len(reasons):,} images"
    sentence = f"{amount} of {safe_text(str(folder), LONGEST_PATH)} cannot be read"
    if skip:
        report(Noted(f"{sentence} and {'is' if len(reasons) == 1 else 'are'} left out: {named}{more}."))
        return
    them = "it" if len(reasons) == 1 else "them"
    raise DataDamaged(
        f"{sentence}: {named}{more}. Delete or replace {them}, or leave {them} out with --skip-unreadable."
    )


def _check_classes(listing: Listing, splits: Sequence[str], kept: Marks) -> None:
    """Raise BadInput for a class of which no image of a split can be read."""
    border = listing.train_images
    parts = {"train": slice(0, border), WHOLE: slice(0, border), "test": slice(border, None)}
    for split in splits:
        counts = np.bincount(listing.labels[parts[split]][kept[parts[split]]], minlength=len(listing.classes))
        if not counts.all():
            raise BadInput(f"No image of class {listing.classes[int(counts.argmin())]} in {split}/ can be read.")


class Decoding:
    """Images on their way into one array, which the workers share."""

    def __init__(self, files: tuple[str, ...], pixels: Pixels, unread: Marks, read: Read, chunk: int) -> None:
        """Start with the images that are not `unread`."""
        self.files = files
        self.pixels = pixels
        self.unread = unread.copy()
        self.reasons: dict[int, str] = {}
        self.reading: dict[int, int] = {}
        """The image that each thread reads, by the thread's number."""
        self.cancelled = threading.Event()
        self.todo: npt.NDArray[np.int64] = np.flatnonzero(unread)
        self._chunks = iter(range(0, len(self.todo), chunk))
        self._chunk = chunk
        self._read = read
        self._tried = np.zeros(len(self.todo), dtype=np.bool_)

    @property
    def done(self) -> int:
        """Images decoded so far, or found unreadable."""
        return len(self.files) - len(self.todo) + int(np.count_nonzero(self._tried))

    def work(self) -> None:
        """Decode one chunk after the other, as long as they are wanted."""
        for start in self._chunks:
            for place in range(start, min(start + self._chunk, len(self.todo))):
                if self.cancelled.is_set():
                    return
                index = self.reading[threading.get_ident()] = int(self.todo[place])
                self._decode(index)
                self._tried[place] = True
            self.reading.pop(threading.get_ident(), None)

    def _decode(self, index: int) -> None:
        try:
            self.pixels[index] = self._read(self.files[index])
            self.unread[index] = False
        except ImageUnreadable as error:
            self.pixels[index] = 0
            self.reasons[index] = str(error)


def _decode(decoding: Decoding, report: ReportOrNote, stop_requested: Callable[[], bool]) -> None:
    """Decode every image that is still to be decoded. Raises StopRequested."""
    started = progressed_at = time.monotonic()
    done = 0

    def report_progress() -> None:
        nonlocal done, progressed_at
        if decoding.done != done:
            done, progressed_at = decoding.done, time.monotonic()
        elif time.monotonic() - progressed_at >= SILENT_SECONDS:
            progressed_at = math.inf  # once
            report(Noted(f"Waiting for {_first_read(decoding)}: its disk may not answer. A stop does not wait."))
        report(Progressed("Reading images", decoding.done, len(decoding.files), "images", time.monotonic() - started))

    report_progress()
    with warnings.catch_warnings():
        # Pillow warns on stderr of large and odd images, in the middle of a screen; ours are checked by the reader.
        warnings.simplefilter("ignore")
        try:
            _await([_in_thread(decoding.work) for _ in range(usable_cores())], report_progress, stop_requested)
        finally:
            decoding.cancelled.set()
    report_progress()


def _first_read(decoding: Decoding) -> str:
    """Return the first of the files that are being read."""
    files = sorted(decoding.files[index] for index in list(decoding.reading.values()))
    return safe_text(files[0], LONGEST_PATH) if files else "an image"


def _until_stopped(work: Callable[[], Result], stop_requested: Callable[[], bool]) -> Result:
    """Return what `work` returns. Raises StopRequested, and what `work` raises."""
    future = _in_thread(work)
    _await([future], lambda: None, stop_requested)
    return future.result()


def _in_thread(work: Callable[[], Result]) -> "Future[Result]":
    """Start `work` in a thread that no exit waits for: a dead network disk holds it for ever."""
    future: Future[Result] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            future.set_exception(error)

    threading.Thread(target=run, name="images", daemon=True).start()
    return future


def _await(
    futures: "Sequence[Future[Result]]", report_progress: Callable[[], None], stop_requested: Callable[[], bool]
) -> None:
    """Wait for all, or for the first that fails, and raise what it raised. Raises StopRequested."""
    while True:
        if stop_requested():
            raise StopRequested
        done, waiting = wait(futures, timeout=REPORT_SECONDS, return_when=FIRST_EXCEPTION)
        for future in done:
            future.result()
        if not waiting:
            return
        report_progress()
