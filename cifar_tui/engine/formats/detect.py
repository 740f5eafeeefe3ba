"""Tells by its first bytes what kind of file it is, and describes what is in it before any of that is loaded."""

import re
import shlex
import sys
import warnings
from pickle import UnpicklingError
from typing import BinaryIO, Protocol

import torch

from cifar_tui.engine.formats.open_file import size_of
from cifar_tui.engine.formats.pickle_calls import LEGACY_START, unwanted_call_in_stream
from cifar_tui.engine.formats.pickle_scan import scan
from cifar_tui.engine.formats.safetensors_file import SafetensorsFile, looks_like_safetensors
from cifar_tui.engine.formats.stored_tensor import Content
from cifar_tui.engine.formats.zip_archive import UNREADABLE, Archive
from cifar_tui.errors import CheckpointDamaged, refused
from cifar_tui.files.placeholder import describe_placeholder

HEAD_BYTES = 256 * 1024
"""Bytes that are looked at to name a file that cannot be read."""
CONVERT = 'import torch; torch.save(torch.load({old!r}, map_location="cpu", weights_only=True), {new!r})'
OURS = "only weights of PyTorch can be opened"
STARTS = {
    b"\x1f\x8b": "it is compressed with gzip: unpack it with gunzip, or tar -xf for a .tar.gz",
    b"\x89HDF": f"it is an HDF5 file, as Keras writes: {OURS}",
    b"\x89PNG": "it is an image",
    b"\xff\xd8\xff": "it is an image",
    b"\x08\x01\x12": f"it is a SavedModel of TensorFlow: {OURS}",
    b"model_checkpoint_path:": f"it lists checkpoints of TensorFlow: {OURS}",
    b"GGUF": f"it is a GGUF file: {OURS}",
    **{bytes((8, version, 18)): f"it is an ONNX model: {OURS}" for version in range(3, 16)},
}
"""First bytes of files that people take for checkpoints."""
TENSORFLOW_NAME = re.compile(r"\.(index|data-\d{5}-of-\d{5})$", re.ASCII)
TAR_MARK_AT, TEXT_BYTES = 257, 64


class WeightsFile(Protocol):
    """A file whose content is known, and not loaded yet."""

    content: Content
    """The content that it would load to."""
    stored_bytes: int
    """Bytes that loading it takes."""
    metadata: dict[str, str]
    """Words beside the tensors; none where the format has no place for them."""

    def load(self) -> object:
        """Load it, on the CPU; no code in it is run. Raises CheckpointDamaged."""


class TorchFile:
    """A file in torch's own format."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        """Describe it; `name` is for sentences. Raises CheckpointDamaged."""
        self._archive = Archive(file, name)
        self._name = name
        self.content: Content
        self.content, self._complete = scan(self._archive.pickle, self._archive.storages)
        self.stored_bytes = sum(self._archive.storages.values())
        self.metadata: dict[str, str] = {}

    def load(self) -> object:
        """Load it, on the CPU, without what was passed over; no code in it is run. Raises CheckpointDamaged."""
        if not self._complete:
            return self._archive.tensors_of(self.content)
        copy = self._archive.clean_copy(self._archive.storages)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # torch warns on stderr, in the middle of a screen
                return torch.load(copy, map_location="cpu", weights_only=True)
        except (*UNREADABLE, UnpicklingError, TypeError, AttributeError, AssertionError):
            # torch's own text holds escape codes and advises weights_only=False.
            raise CheckpointDamaged(f"{self._name} is damaged: its weights cannot be read.") from None


def detect(file: BinaryIO, name: str) -> WeightsFile:
    """Detect the format of an open file. Raises CheckpointDamaged, with a sentence, for what is no checkpoint."""
    file.seek(0)
    head = file.read(HEAD_BYTES)
    if head.startswith(b"PK\x03\x04"):
        return TorchFile(file, name)
    if looks_like_safetensors(head):
        return SafetensorsFile(file, name)
    if not size_of(file):
        raise CheckpointDamaged(f"{name} is damaged: it is empty.")
    call = unwanted_call_in_stream(head) if head[:1] in (b"\x80", b"c", b"(") else ""
    if call:
        raise refused(call)
    if head.startswith(LEGACY_START):
        raise CheckpointDamaged(
            f"{name} is in the old format of torch before 1.6. Convert it with: {_convert(file, name)}"
        )
    raise CheckpointDamaged(f"{name} is not a checkpoint: {_described(head, name)}.")


def _convert(file: BinaryIO, name: str) -> str:
    """Return a command that writes an open file anew, in the format of today."""
    old = str(getattr(file, "name", name))
    new = f"{old.removesuffix('.pth')}-new.pth"
    return f"{shlex.quote(sys.executable)} -c {shlex.quote(CONVERT.format(old=old, new=new))}"


def _described(head: bytes, name: str) -> str:
    """Return what a file is that begins so, and what to do where that is known, as a clause."""
    if placeholder := describe_placeholder(head):
        return placeholder
    if head[TAR_MARK_AT:].startswith(b"ustar"):
        return "it is a tar archive: unpack it with tar -xf, and name a file in it"
    for start, what in STARTS.items():
        if head.startswith(start):
            return what
    if TENSORFLOW_NAME.search(name):
        return f"it is a part of one of TensorFlow: {OURS}"
    if len(head) >= TEXT_BYTES and head[:TEXT_BYTES].decode("ascii", "replace").isprintable():
        return "it is a text"
    return "its format is unknown, or it is damaged"
