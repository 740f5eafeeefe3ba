"""Finds a named data set's own files in a folder that a person names, or tells what lies there instead."""

import shlex
from pathlib import Path, PurePath

from cifar_tui.data_sets import DATA_SETS, NamedDataSet, held_by, meant_name
from cifar_tui.dataclass import dataclass
from cifar_tui.engine.data.download import PARTIAL_SUFFIX
from cifar_tui.errors import BadInput
from cifar_tui.text import safe_text

PACKED = (".tar", ".tar.gz", ".tgz")
LONGEST_PATH = 4_096


@dataclass(frozen=True, slots=True)
class Place:
    """The folder of a data set's files."""

    files: Path
    """That folder itself."""
    data_dir: Path | None
    """The folder that it is downloaded to; None for files in a folder of a person's own, which stays as it is."""


def locate(folder: Path, data_set: NamedDataSet) -> Place:
    """Return where a data set's files are, or belong; a person may have named their own folder, or one above it."""
    ours = PurePath(data_set.folder).parts
    files = folder / data_set.folder
    if files.exists():
        return Place(files, folder)
    for named in (folder, folder / ours[-1]):
        if (named / data_set.first_file).is_file():
            itself = named.absolute()
            official = itself.parts[-len(ours) :] == ours
            return Place(itself, itself.parents[len(ours) - 1] if official else None)
    return Place(files, folder)


def check_data_dir(folder: Path, data_set: NamedDataSet) -> None:
    """Raise BadInput, with the folder to name, for a `--data-dir` that is a file."""
    try:
        if not folder.is_file():
            return
    except (OSError, ValueError):  # loading says so
        return
    there = f"use --data-dir {_quoted(folder.parent)}"
    if folder.name != data_set.archive and folder.name.lower().endswith(PACKED):
        there = f"unpack it with {_unpacking(folder)} and {there}"
    raise BadInput(f"--data-dir takes a folder, and {safe_text(str(folder), LONGEST_PATH)} is a file: {there}.")


def describe_absence(folder: Path, data_set: NamedDataSet, damaged: str) -> str:
    """Return that a data set is not in a folder, as a sentence's start, with what lies there instead.

    `damaged` is the first file of its own folder that is absent or has another checksum.
    """
    title, shown = data_set.title, safe_text(str(folder), LONGEST_PATH)
    own = folder / data_set.folder
    if _is_begun(own):
        how = "damaged" if (own / damaged).exists() else "incomplete"
        return f"{title} in {shown} is {how} ({data_set.folder}/{damaged} is missing or has another checksum)"
    packed = folder / data_set.archive.removesuffix(".gz")
    if packed.is_file():
        return f"{title} in {shown} is not unpacked ({_unpacking(packed)} does that)"
    for name, version in data_set.other_versions:
        if (folder / name).exists():
            needed = f"{name} is of its {version} version, and its {data_set.version} version is needed"
            return f"{title} is not in {shown} ({needed})"
    return f"{title} is not in {shown}"


def _is_begun(folder: Path) -> bool:
    """Return True where a folder holds more than what a download has left."""
    try:
        return any(not file.name.endswith(PARTIAL_SUFFIX) for file in folder.iterdir())
    except OSError:
        return False


def describe_meant(folder: Path) -> str:
    """Return what a person meant with a `--data` that is no folder of images, as a sentence; empty if unknown."""
    shown = safe_text(str(folder), LONGEST_PATH)
    try:
        place = folder.parent if _is_own_file(folder) else folder
        data_set = held_by(place)
        meant = "" if data_set is not None or folder.exists() else meant_name(folder.name)
    except (OSError, ValueError):  # no name that a file can have
        return ""
    if meant:
        return f"There is no folder {shown}. Did you mean --data {meant}?"
    if data_set is None:
        return ""
    instead = f"use --data {data_set.name} --data-dir {_quoted(place)}"
    return f"{shown} is {data_set.title} in its own files, no folder of images: {instead}."


def _is_own_file(path: Path) -> bool:
    names = [name for one in DATA_SETS.values() for name in (one.archive, one.first_file)]
    return path.name in names and path.is_file()


def _quoted(path: Path) -> str:
    return shlex.quote(safe_text(str(path), LONGEST_PATH))


def _unpacking(file: Path) -> str:
    return f"tar -xf {_quoted(file)} -C {_quoted(file.parent)}"
