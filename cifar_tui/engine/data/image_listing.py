"""Lists the images of a folder, {train,test}/<class>/<image>, and counts what lies beside them."""

import hashlib
import os
import stat
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

from cifar_tui import lazy_numpy as np
from cifar_tui.data_sets import DATA_NAMES
from cifar_tui.dataclass import dataclass
from cifar_tui.engine.data.place import describe_meant
from cifar_tui.errors import BadInput
from cifar_tui.recipe import LEAST_CLASSES, MOST_CLASSES, SIDE
from cifar_tui.text import counted, safe_text

if TYPE_CHECKING:
    import numpy.typing as npt

SPLITS = ("train", "test")
FOR_TEST = ("test", "val", "valid", "validation")
"""Names that the folder of test images may have; the first that is there is taken."""
WHOLE = "whole"
"""The split of a folder that has its classes directly in it, all images of which are listed."""
ENDINGS = (".jpg", ".jpeg", ".jfif", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")
FORMAT = 3
"""Raised when images are turned into arrays in another way, so that old caches are made anew."""
LONGEST_PATH = 4_096
"""Characters of a path shown; cutting it shorter would hide the file's name."""
NO_CLASSES = ("__MACOSX", "@eaDir", "lost+found")
"""Folders that archivers, network disks and file systems leave behind."""
HIDDEN = ("thumbs.db", "desktop.ini")
"""Files that Windows hides."""
SPECIAL = {
    stat.S_IFIFO: "named pipe",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "device",
    stat.S_IFBLK: "device",
}
PLURALS = {
    "hidden entry": "hidden entries",
    "file without an ending": "files without an ending",
    "image outside of the classes": "images outside of the classes",
}
MOST_KINDS = 12
MOST_CLASSES_NAMED = 20


class PassedOver:
    """Entries of a data set that are not read, by kind, with the first of each."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._first: dict[str, str] = {}

    def add(self, kind: str, path: str) -> None:
        """Count one."""
        self._counts[kind] += 1
        self._first.setdefault(kind, path)

    def text(self, *, named: bool) -> str:
        """Return the counts, with `named` the first of each kind, too: `24 .xyz (train/cat/a.xyz), 1 folder (…)`."""
        parts = []
        for kind, count in self._counts.most_common(MOST_KINDS):
            noun = kind if kind.startswith(".") or count == 1 else PLURALS.get(kind, f"{kind}s")
            shown = f" ({safe_text(self._first[kind], LONGEST_PATH)})" if named else ""
            parts.append(f"{count:,} {safe_text(noun, 40)}{shown}")
        if len(self._counts) > MOST_KINDS:
            parts.append(f"and {len(self._counts) - MOST_KINDS} more kinds")
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Listing:
    """The image files of a folder, in order: train before test, and class after class."""

    files: tuple[str, ...]
    """Paths."""
    labels: "npt.NDArray[np.int64]"
    """int64 [N]."""
    train_images: int
    """Count of those in train/, which come first."""
    fingerprint: str
    """A digest of every image's name, size and time of change; another one means that something changed."""
    classes: tuple[str, ...] = ()
    """Class names in label order."""
    passed_over: PassedOver = field(default_factory=PassedOver)
    """Entries beside the images."""


def check_folder(folder: Path, splits: Sequence[str] = SPLITS) -> dict[str, tuple[tuple[str, ...], ...]]:
    """Return, for each split, the folders of each class in label order; mostly one folder a class.

    Names that differ by their Unicode form only are one class. Looks for one image per class and split, so it takes no
    time with many images. Raises BadInput, with one sentence, for any other folder.
    """
    shown = safe_text(str(folder))
    if not _is_folder(folder):
        raise BadInput(
            describe_meant(folder)
            or f"There is no folder {shown}. --data takes {', '.join(DATA_NAMES)}, or a folder of images."
        )
    places = {split: place_of(folder, split) for split in splits}
    found = {split: _class_folders(place) for split, place in places.items()}
    first = found[splits[0]]
    if not LEAST_CLASSES <= len(first) <= MOST_CLASSES:
        raise _wrong_number(places[splits[0]], first)
    for one, other in ((one, other) for one in splits for other in splits):
        if missing := sorted(set(found[one]) - set(found[other])):
            here, there = places[one].name, places[other].name
            are = "Class {} is" if len(missing) == 1 else "Classes {} are"
            raise BadInput(f"{are.format(_named(missing))} in {shown}/{here} and not in {shown}/{there}.")
    for split in splits:
        for folders in found[split].values():
            _check_images(places[split], folders)
    return {split: tuple(tuple(found[split][name]) for name in first) for split in splits}


def place_of(folder: Path, split: str) -> Path:
    """Return the folder of a split's classes. Raises BadInput without one."""
    if split == WHOLE:
        return _whole_place(folder)
    names = FOR_TEST if split == "test" else (split,)
    place = next((folder / name for name in names if _is_folder(folder / name)), None)
    if place is not None:
        return place
    if meant := describe_meant(folder):
        raise BadInput(meant)
    shown, missing = safe_text(str(folder)), f"{split}/ or val/" if split == "test" else f"{split}/"
    raise BadInput(
        f"{shown} is not a data set: it needs a folder {missing} with one folder of images per class. "
        "Images that are not split yet are split by --test-share 0.2."
    )


def _whole_place(folder: Path) -> Path:
    """Return the folder of the classes that --test-share splits. Raises BadInput where it is split already."""
    there = next((name for name in FOR_TEST if _is_folder(folder / name)), None)
    if there is None:
        return folder / "train" if _is_folder(folder / "train") else folder
    raise BadInput(f"{safe_text(str(folder))} has test images already, in {there}/: leave --test-share out.")


def list_images(folder: Path, splits: Sequence[str] = SPLITS) -> Listing:
    """Return every image with its label, seen once, so that list and fingerprint cannot disagree. Raises BadInput."""
    classes = check_folder(folder, splits)
    digest = hashlib.blake2b(f"{FORMAT} {SIDE}".encode(), digest_size=32)
    passed_over = PassedOver()
    files: list[str] = []
    counts: list[int] = []
    for split in splits:
        place = place_of(folder, split)
        _count_beside_classes(place, passed_over)
        for folders in classes[split]:
            before = len(files)
            for name in folders:
                for entry in _images(place / name, f"{place.name}/{name}", passed_over):
                    digest.update(os.fsencode(f"{place.name}/{name}/{entry.name}\0{_facts(entry)}\n"))
                    files.append(entry.path)
            counts.append(len(files) - before)
    number = len(classes[splits[0]])
    labels = np.repeat(np.tile(np.arange(number, dtype=np.int64), len(splits)), counts)
    train_images = sum(counts[:number]) if splits[0] in ("train", WHOLE) else 0
    names = tuple(safe_text(folders[0], 40) for folders in classes[splits[0]])
    return Listing(tuple(files), labels, train_images, digest.hexdigest(), names, passed_over)


def _is_folder(path: Path) -> bool:
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except PermissionError as error:
        raise _cannot_look_into(path, error) from error
    except (OSError, ValueError):
        return False  # absent, or no name a file can have


def _cannot_look_into(folder: Path, error: OSError) -> BadInput:
    return BadInput(f"Cannot read {safe_text(str(folder), LONGEST_PATH)}: {error.strerror or error}.")


def _entries(folder: Path) -> list["os.DirEntry[str]"]:
    """Return the entries of a folder by name. Raises BadInput naming the folder."""
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise _cannot_look_into(folder, error) from error


def _kind(entry: "os.DirEntry[str]") -> str:
    """Return what an entry of a class's folder is; empty for an image."""
    if entry.name.startswith(".") or entry.name.lower() in HIDDEN:
        return "hidden entry"
    try:
        mode = stat.S_IFMT(entry.stat().st_mode)
    except OSError:  # a dangling link, a dead mount: reading it says so
        mode = stat.S_IFREG
    if mode == stat.S_IFDIR:
        return "folder"
    if mode != stat.S_IFREG:
        return SPECIAL.get(mode, "special file")
    ending = Path(entry.name).suffix.lower()
    return "" if ending in ENDINGS else ending or "file without an ending"


def _is_class(entry: "os.DirEntry[str]") -> bool:
    return _kind(entry) == "folder" and entry.name not in NO_CLASSES


def _class_folders(split: Path) -> dict[str, list[str]]:
    """Return the folders of each class in the order of their names, by the composed Unicode form (NFC) of its name."""
    classes: dict[str, list[str]] = {}
    for name in (entry.name for entry in _entries(split) if _is_class(entry)):
        classes.setdefault(unicodedata.normalize("NFC", name), []).append(name)
    return classes


def _wrong_number(split: Path, classes: dict[str, list[str]]) -> BadInput:
    """Return the sentence for a split with more or fewer classes than a network may have, which names them."""
    empty = [name for name, folders in classes.items() if not any(_has_images(split / one) for one in folders)]
    without = f" Without images: {_named(empty)}." if empty else ""
    return BadInput(
        f"{safe_text(str(split))} has {counted(len(classes), 'class')}, and a network tells "
        f"{LEAST_CLASSES} to {MOST_CLASSES:,} apart: {_named(list(classes)) or 'there is no folder'}.{without}"
    )


def _named(classes: list[str]) -> str:
    shown = ", ".join(f"'{safe_text(name, 40)}'" for name in classes[:MOST_CLASSES_NAMED])
    more = len(classes) - MOST_CLASSES_NAMED
    return f"{shown} and {more:,} more" if more > 0 else shown


def _has_images(folder: Path) -> bool:
    try:
        with os.scandir(folder) as entries:
            return any(not _kind(entry) for entry in entries)
    except OSError as error:
        raise _cannot_look_into(folder, error) from error


def _check_images(split: Path, folders: Sequence[str]) -> None:
    """Raise BadInput for a class without images in a split, with what is there instead."""
    if any(_has_images(split / name) for name in folders):
        return
    there = PassedOver()
    for name in folders:
        _images(split / name, name, there)
    instead = there.text(named=False)
    raise BadInput(
        f"Class {safe_text(folders[0])} has no images in {safe_text(str(split))}{f' ({instead})' if instead else ''}."
    )


def _images(folder: Path, shown: str, passed_over: PassedOver) -> list["os.DirEntry[str]"]:
    """Return the images of a class's folder in the order of their names, and count everything else."""
    images = []
    for entry in _entries(folder):
        if kind := _kind(entry):
            passed_over.add(kind, f"{shown}/{entry.name}")
        else:
            images.append(entry)
    return images


def _count_beside_classes(split: Path, passed_over: PassedOver) -> None:
    """Count what lies in a split and is no class."""
    for entry in _entries(split):
        if not _is_class(entry):
            passed_over.add(_kind(entry) or "image outside of the classes", f"{split.name}/{entry.name}")


def _facts(entry: "os.DirEntry[str]") -> str:
    """Size and time of change; nothing for a dangling link or a file that has just gone, which reading will name."""
    try:
        facts = entry.stat()
    except OSError:
        return ""
    return f"{facts.st_size}\0{facts.st_mtime_ns}"
