"""Tells by its first bytes what kind of file it is, and describes what is in it before any of that is loaded."""

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

HEAD_BYTES = 256 * 1024
"""Bytes that are looked at to name a file that cannot be read."""
CONVERT = (
    "is in the old format of torch before 1.6. Convert it with a newer torch: "
    'torch.save(torch.load("old.pth", weights_only=True), "new.pth")'
)


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
        self.content: Content = scan(self._archive.pickle, self._archive.storages)
        self.stored_bytes = sum(self._archive.storages.values())
        self.metadata: dict[str, str] = {}

    def load(self) -> object:
        """Load it, on the CPU; no code in it is run. Raises CheckpointDamaged."""
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
        raise CheckpointDamaged(f"{name} {CONVERT}.")
    raise CheckpointDamaged(f"{name} is not a checkpoint, or it is damaged.")
