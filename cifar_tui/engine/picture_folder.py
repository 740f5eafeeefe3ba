"""Reads a folder of pictures, {train,test}/<class>/*.{jpg,png}, once, and keeps them as one array for next time."""

import contextlib
import hashlib
import os
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import orjson
import platformdirs

from cifar_tui.engine.data import CLASSES, SIDE, DataSet, Report, Split
from cifar_tui.errors import BadInput, DataDamaged, StopAsked
from cifar_tui.events import Progressed
from cifar_tui.runs.durable import write_durably
from cifar_tui.text import safe_text

SPLITS = ("train", "test")
ENDINGS = (".jpg", ".jpeg", ".png")
FORMAT = 1
"""Raised when pictures are turned into arrays in another way, so that old arrays are made anew."""
MOST_PIXELS = 50_000_000
"""A larger picture is a mistake, or meant to fill the memory."""
CHUNK = 256
"""Pictures a worker decodes between two looks at progress and stop."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The pictures of one split, in order."""

    files: list[str]
    """Paths."""
    labels: npt.NDArray[np.int64]
    """int64 [N]."""


def check_folder(folder: Path) -> tuple[str, ...]:
    """The ten class names of a folder of pictures. Raises BadInput, with one sentence, for any other folder.

    Looks at folders only, so it takes no time with many pictures.
    """
    shown = safe_text(str(folder))
    if not folder.exists():
        raise BadInput(f"There is no folder {shown}. --data takes cifar10, synthetic, or a folder of pictures.")
    for split in SPLITS:
        if not (folder / split).is_dir():
            raise BadInput(f"{shown} is not a data set: it has no folder {split}/ with one folder per class in it.")
    train, test = (_class_names(folder / split) for split in SPLITS)
    if len(train) != CLASSES:
        raise BadInput(f"{shown}/train has {len(train)} classes where the network has {CLASSES}.")
    for missing in sorted(set(train) - set(test)):
        raise BadInput(f"Class {safe_text(missing)} of {shown}/train is missing in {shown}/test.")
    for extra in sorted(set(test) - set(train)):
        raise BadInput(f"Class {safe_text(extra)} of {shown}/test is missing in {shown}/train.")
    return tuple(train)


def load_folder(folder: Path, report: Report, stop_asked: Callable[[], bool]) -> DataSet:
    """The folder's pictures, from the array kept last time where nothing has changed.

    Raises BadInput, DataDamaged naming the picture, or StopAsked.
    """
    classes = check_folder(folder)
    report(Progressed("Looking for pictures", 0, None, "", 0.0))
    listings = {split: _list(folder / split, classes) for split in SPLITS}
    fingerprint = _fingerprint(folder)
    cache = _cache_path(folder)
    pixels = _read_cache(cache, fingerprint, sum(len(listing.files) for listing in listings.values()))
    if pixels is None:
        pixels = _decode([file for split in SPLITS for file in listings[split].files], report, stop_asked)
        _write_cache(cache, fingerprint, pixels)
    border = len(listings["train"].files)
    return DataSet(
        description=f"pictures in {safe_text(folder.name or str(folder))}",
        synthetic=False,
        classes=tuple(safe_text(name, 40) for name in classes),
        train=Split(pixels[:border], listings["train"].labels),
        test=Split(pixels[border:], listings["test"].labels),
    )


def _class_names(split: Path) -> list[str]:
    with os.scandir(split) as entries:
        return sorted(entry.name for entry in entries if entry.is_dir() and not entry.name.startswith("."))


def _pictures(folder: Path) -> list["os.DirEntry[str]"]:
    with os.scandir(folder) as entries:
        found = [entry for entry in entries if entry.name.lower().endswith(ENDINGS) and not entry.name.startswith(".")]
    return sorted(found, key=lambda entry: entry.name)


def _list(split: Path, classes: tuple[str, ...]) -> Listing:
    files: list[str] = []
    labels: list[int] = []
    for label, name in enumerate(classes):
        found = [entry.path for entry in _pictures(split / name)]
        if not found:
            raise BadInput(f"Class {safe_text(name)} has no pictures in {safe_text(str(split))}.")
        files += found
        labels += [label] * len(found)
    return Listing(files, np.array(labels, dtype=np.int64))


def _fingerprint(folder: Path) -> str:
    """A digest of every picture's name, size and time of change; another one means that something changed."""
    digest = hashlib.blake2b(f"{FORMAT} {SIDE}".encode(), digest_size=32)
    for split in SPLITS:
        for name in _class_names(folder / split):
            for entry in _pictures(folder / split / name):
                facts = entry.stat()
                line = f"{split}/{name}/{entry.name}\0{facts.st_size}\0{facts.st_mtime_ns}\n"
                digest.update(line.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _cache_path(folder: Path) -> Path:
    name = hashlib.blake2b(os.fsencode(folder.absolute()), digest_size=12).hexdigest()
    return Path(platformdirs.user_cache_dir("cifar-tui")) / "pictures" / f"{name}.npy"


def _read_cache(path: Path, fingerprint: str, images: int) -> npt.NDArray[np.uint8] | None:
    """The array kept last time, left on disk until it is read; None where there is none for these pictures."""
    try:
        with path.with_suffix(".json").open("rb") as file:
            facts = orjson.loads(file.read(4_096))
        pixels = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    if not isinstance(facts, dict) or facts.get("fingerprint") != fingerprint:
        return None
    fits = pixels.dtype == np.uint8 and pixels.shape == (images, SIDE, SIDE, 3)
    return pixels if fits and facts.get("size") == path.stat().st_size else None


def _write_cache(path: Path, fingerprint: str, pixels: npt.NDArray[np.uint8]) -> None:
    """Keep the array, and then the note that says for which pictures it is."""
    # A cache that cannot be kept only costs time at the next start.
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".json").unlink(missing_ok=True)
        written = write_durably(path, lambda file: np.save(file, pixels, allow_pickle=False))
        note = orjson.dumps({"fingerprint": fingerprint, "size": written.size})
        write_durably(path.with_suffix(".json"), lambda file: file.write(note))


def _decode(files: list[str], report: Report, stop_asked: Callable[[], bool]) -> npt.NDArray[np.uint8]:
    """Every picture as uint8 [N, 32, 32, 3]. Raises DataDamaged for the first that cannot be read, or StopAsked."""
    pixels = np.empty((len(files), SIDE, SIDE, 3), dtype=np.uint8)
    started = time.monotonic()

    def decode(start: int) -> int:
        part = files[start : start + CHUNK]
        for index, file in enumerate(part, start):
            pixels[index] = _read_picture(file)
        return len(part)

    done = 0
    report(Progressed("Reading pictures", 0, len(files), "images", 0.0))
    with warnings.catch_warnings(), ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        # Pillow warns on stderr of large and odd pictures, in the middle of a screen; ours are checked below.
        warnings.simplefilter("ignore")
        try:
            for count in pool.map(decode, range(0, len(files), CHUNK)):
                done += count
                report(Progressed("Reading pictures", done, len(files), "images", time.monotonic() - started))
                if stop_asked():
                    raise StopAsked
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return pixels


def _read_picture(file: str) -> npt.NDArray[np.uint8]:
    """One picture as uint8 [32, 32, 3], resized as the tutorial does. Raises DataDamaged naming it."""
    from PIL import Image

    try:
        with Image.open(file) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise ValueError(f"{picture.width} × {picture.height} pixels are too many")
            colours = picture.convert("RGB")
            if colours.size != (SIDE, SIDE):
                colours = colours.resize((SIDE, SIDE), Image.Resampling.BILINEAR)
            return np.asarray(colours)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        reason = safe_text(str(error).split(": /")[0], 100)
        raise DataDamaged(
            f"Cannot read the picture {safe_text(file)} ({reason}). Remove it or put a whole one in its place."
        ) from None
