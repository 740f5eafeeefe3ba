"""Finds CIFAR-10's own files in a folder that a person names, or tells what lies there instead."""

import shlex
from pathlib import Path
from typing import Protocol

from cifar_tui.errors import BadInput
from cifar_tui.text import safe_text

FOLDER = "cifar-10-batches-py"
ARCHIVE = "cifar-10-python.tar.gz"
FIRST_BATCH = "data_batch_1"
PACKED = (".tar", ".tar.gz", ".tgz")
OTHER_VERSIONS = {
    "cifar-10-batches-bin": "binary",
    "cifar-10-binary.tar.gz": "binary",
    "data_batch_1.bin": "binary",
    "cifar-10-batches-mat": "Matlab",
    "cifar-10-matlab.tar.gz": "Matlab",
    "data_batch_1.mat": "Matlab",
}
"""Other versions of CIFAR-10, by the names of their files."""
LONGEST_PATH = 4_096


class Archive(Protocol):
    """Addresses and checksums of a data set, as torchvision has them. `torchvision.datasets.CIFAR10` is one."""

    base_folder: str
    url: str
    filename: str
    tgz_md5: str
    train_list: list[list[str]]
    test_list: list[list[str]]
    meta: dict[str, str]


def locate(folder: Path, archive: type[Archive]) -> tuple[Path, type[Archive]]:
    """Return the folder and archive to load, one level up where a person has named the files' own folder."""
    if (folder / archive.base_folder).exists() or not (folder / archive.train_list[0][0]).is_file():
        return folder, archive
    itself = folder.absolute()
    if itself.name == archive.base_folder:
        return itself.parent, archive
    return itself.parent, type(archive.__name__, (archive,), {"base_folder": itself.name})


def check_data_dir(folder: Path) -> None:
    """Raise BadInput, with the folder to name, for a `--data-dir` that is a file."""
    try:
        if not folder.is_file():
            return
    except (OSError, ValueError):  # loading says so
        return
    there = f"use --data-dir {_quoted(folder.parent)}"
    if folder.name != ARCHIVE and folder.name.lower().endswith(PACKED):
        there = f"unpack it with {_unpacking(folder)} and {there}"
    raise BadInput(f"--data-dir takes a folder, and {safe_text(str(folder), LONGEST_PATH)} is a file: {there}.")


def describe_absence(folder: Path, damaged: str) -> str:
    """Return that CIFAR-10 is not in a folder, as a sentence's start, with what lies there instead.

    `damaged` is the first file of its own folder that is absent or has another checksum.
    """
    shown = safe_text(str(folder), LONGEST_PATH)
    if (folder / FOLDER).is_dir():
        return f"CIFAR-10 in {shown} is damaged ({FOLDER}/{damaged} is missing or has another checksum)"
    packed = folder / ARCHIVE.removesuffix(".gz")
    if packed.is_file():
        return f"CIFAR-10 in {shown} is not unpacked ({_unpacking(packed)} does that)"
    for name, version in OTHER_VERSIONS.items():
        if (folder / name).exists():
            return f"CIFAR-10 is not in {shown} ({name} is of its {version} version, and its Python version is needed)"
    return f"CIFAR-10 is not in {shown}"


def describe_meant(folder: Path) -> str:
    """Return what a person meant with a `--data` that is no folder of images, as a sentence; empty if unknown."""
    shown = safe_text(str(folder), LONGEST_PATH)
    simplified = folder.name.casefold().replace("-", "").replace("_", "")
    try:
        if folder.is_file() and folder.name == ARCHIVE:
            place = folder.parent
        elif any((folder / name).exists() for name in (FIRST_BATCH, FOLDER, ARCHIVE)):
            place = folder
        elif simplified in ("cifar10", "synthetic") and not folder.exists():
            return f"There is no folder {shown}. Did you mean --data {simplified}?"
        else:
            return ""
    except (OSError, ValueError):  # no name that a file can have
        return ""
    return f"{shown} is CIFAR-10 in its own files, no folder of images: use --data-dir {_quoted(place)} without --data."


def _quoted(path: Path) -> str:
    return shlex.quote(safe_text(str(path), LONGEST_PATH))


def _unpacking(file: Path) -> str:
    return f"tar -xf {_quoted(file)} -C {_quoted(file.parent)}"
