"""The zip archive that torch writes: its directory is checked before anything in it is read.

What is read is put into a new archive, so that torch sees only what was checked, whatever else the file holds.
"""

import io
import math
import re
import struct
import zipfile
import zlib
from collections.abc import Iterable
from typing import BinaryIO

import torch

from cifar_tui.engine.formats.stored_tensor import Content, StoredTensor
from cifar_tui.errors import CheckpointDamaged, refused
from cifar_tui.text import counted, safe_text, size

MOST_ENTRIES = 10_000
"""Files in an archive; a ResNet-152 with Adam's state has 3,000."""
MOST_PICKLE_BYTES = 4 * 1024 * 1024
DESCRIPTION = re.compile(r"[^/]+/data\.pkl")
"""The file in which torch.save describes the tensors, in the one folder that the archive has."""
KNOWN_ENTRY = re.compile(
    r"(data\.pkl|version|byteorder|\.format_version|\.storage_alignment|\.data/serialization_id|data/\d{1,9})", re.ASCII
)
"""The files torch.save writes."""
END = struct.Struct("<4s4H2LH")
END_64_LOCATOR = struct.Struct("<4sLQL")
END_64 = struct.Struct("<4sQ2H2L4Q")
LOCAL_HEADER_BYTES = 30
UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    ValueError,
    KeyError,
    IndexError,
    OverflowError,
    NotImplementedError,
    RuntimeError,
    OSError,
)
"""Exceptions that zipfile raises for what is no archive."""


class Archive:
    """An open archive whose directory was found in order."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        """Check the directory of an open file; `name` is for sentences. Raises CheckpointDamaged."""
        self._damaged = CheckpointDamaged(f"{name} is damaged: its weights cannot be read.")
        try:
            _check_end(file)
            self._zip = zipfile.ZipFile(file)
            _refuse_other_archives(self._zip, name)
            _check_directory(self._zip)
            root = _root(self._zip)
            self._entries = {entry.filename.removeprefix(root): entry for entry in self._zip.infolist()}
            self.pickle = self._read("data.pkl")
            self._check_byte_order()
        except UNREADABLE:
            raise self._damaged from None
        self.storages = {
            entry.removeprefix("data/"): info.file_size
            for entry, info in self._entries.items()
            if entry.startswith("data/")
        }
        """Bytes of every tensor storage, by its key."""

    def clean_copy(self, storages: Iterable[str]) -> io.BytesIO:
        """A new archive of the pickle and these storages, each compared with its checksum. Raises CheckpointDamaged."""
        copy = io.BytesIO()
        try:
            with zipfile.ZipFile(copy, "w") as archive:
                archive.writestr("archive/data.pkl", self.pickle)
                archive.writestr("archive/version", b"3\n")
                archive.writestr("archive/byteorder", b"little")
                for key in storages:
                    archive.writestr(f"archive/data/{key}", self._read(f"data/{key}"))
        except UNREADABLE:
            raise self._damaged from None
        copy.seek(0)
        return copy

    def tensors_of(self, content: Content) -> object:
        """Return a content with its tensors, each storage compared with its checksum. Raises CheckpointDamaged."""
        storages: dict[str, bytearray] = {}

        def built(value: Content) -> object:
            if isinstance(value, dict):
                return {key: built(one) for key, one in value.items()}
            if isinstance(value, list):
                return [built(one) for one in value]
            if not isinstance(value, StoredTensor):
                return value
            if not math.prod(value.shape):
                return torch.empty(value.shape, dtype=value.dtype)
            if value.storage not in storages:
                storages[value.storage] = bytearray(self._read(f"data/{value.storage}"))
            numbers = torch.frombuffer(storages[value.storage], dtype=value.dtype)
            return numbers.as_strided(value.shape, value.stride, value.offset)

        try:
            return built(content)
        except UNREADABLE:
            raise self._damaged from None

    def _read(self, entry: str) -> bytes:
        return self._zip.read(self._entries[entry])

    def _check_byte_order(self) -> None:
        if "byteorder" in self._entries and self._read("byteorder") != b"little":
            raise CheckpointDamaged(
                "The file is big-endian, which is not supported. Save it on a little-endian machine."
            )


def _check_end(file: BinaryIO) -> None:
    """The end of the archive is where the file ends, and its directory is as large as it says. Raises ValueError.

    Done before zipfile reads a directory of any size, and so that no other reader finds another directory.
    """
    file.seek(0, io.SEEK_END)
    length = file.tell()
    file.seek(max(length - END.size - END_64_LOCATOR.size - END_64.size, 0))
    tail = file.read()
    mark, _, _, here, entries, directory, start, comment = END.unpack(tail[-END.size :])
    end = length - END.size
    locator = tail[-END.size - END_64_LOCATOR.size : -END.size]
    if locator.startswith(b"PK\x06\x07"):
        end -= END_64.size + END_64_LOCATOR.size
        mark_64, *_, here_64, entries_64, directory_64, start_64 = END_64.unpack(tail[: END_64.size])
        if mark_64 != b"PK\x06\x06" or (here_64, entries_64, directory_64, start_64) != (
            here,
            entries,
            directory,
            start,
        ):
            raise ValueError("two ends of the archive")
    if mark != b"PK\x05\x06" or comment or here != entries or entries > MOST_ENTRIES or start + directory != end:
        raise ValueError("no end of an archive")


def _check_directory(archive: zipfile.ZipFile) -> None:
    """Every entry is stored as it is, once, in a place of its own. Raises CheckpointDamaged, ValueError."""
    free = 0
    names = set()
    for entry in sorted(archive.infolist(), key=lambda entry: entry.header_offset):
        shown = safe_text(entry.orig_filename, 60)
        if entry.orig_filename in names:
            raise refused(f"the file holds {shown} twice")
        names.add(entry.orig_filename)
        if entry.compress_type != zipfile.ZIP_STORED:
            raise refused(f"{shown} in the file is compressed and may grow to {size(entry.file_size)}")
        if entry.header_offset < free:
            raise refused(f"{shown} in the file overlaps another entry")
        free = entry.header_offset + LOCAL_HEADER_BYTES + len(entry.orig_filename) + entry.file_size
        if free > archive.start_dir or entry.compress_size != entry.file_size or entry.flag_bits & 1:
            raise ValueError("an entry of two sizes, larger than the file, or encrypted")


def _refuse_other_archives(archive: zipfile.ZipFile, name: str) -> None:
    """Call an archive of anything else by its name, judged by its entries' names. Raises CheckpointDamaged."""
    names = [entry.orig_filename for entry in archive.infolist()]
    if any(entry.endswith("/constants.pkl") for entry in names):
        raise CheckpointDamaged(f"{name} is a TorchScript program, not a checkpoint: save the network's state_dict().")
    if any(DESCRIPTION.fullmatch(entry) for entry in names):
        return
    if "model.weights.h5" in names:
        raise CheckpointDamaged(f"{name} is a model of Keras: only weights of PyTorch can be opened.")
    if names and all(entry.endswith(".npy") for entry in names):
        raise CheckpointDamaged(f"{name} is an archive of NumPy arrays: only weights of PyTorch can be opened.")
    weights = next((entry for entry in names if entry.endswith((".pth", ".pt", ".ckpt", ".safetensors"))), "")
    then = f"name {safe_text(weights, 60)} in it" if weights else "name a checkpoint in it, if it holds one"
    raise CheckpointDamaged(f"{name} is a zip archive of {counted(len(names), 'file')}: unpack it, and {then}.")


def _root(archive: zipfile.ZipFile) -> str:
    """The folder everything in the archive is in, with its slash. Raises CheckpointDamaged."""
    names = [entry.orig_filename for entry in archive.infolist()]
    root = next((name for name in names if DESCRIPTION.fullmatch(name)), "").removesuffix("data.pkl")
    for name in names:
        if not (name.startswith(root) and KNOWN_ENTRY.fullmatch(name.removeprefix(root))):
            raise refused(f"the file holds {safe_text(name, 60)}, which no checkpoint has")
    pickle = archive.getinfo(f"{root}data.pkl")
    if pickle.file_size > MOST_PICKLE_BYTES:
        raise refused(
            f"its description of the tensors has {size(pickle.file_size)}, and that of a network has a few kB"
        )
    return root
