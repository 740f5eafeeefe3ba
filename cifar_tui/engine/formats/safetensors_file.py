"""Reads a safetensors file: its header is checked before any of its numbers is read."""

from typing import BinaryIO

import safetensors.torch
import torch

from cifar_tui.engine.formats.open_file import size_of
from cifar_tui.engine.formats.stored_tensor import Content, StoredTensor
from cifar_tui.errors import CheckpointDamaged, refused

MOST_HEADER_BYTES = 1024 * 1024
LENGTH_BYTES = 8
DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}


class SafetensorsFile:
    """An open safetensors file whose header is in order."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        """Check the header; `name` is for sentences. Raises CheckpointDamaged."""
        self._file = file
        self._damaged = CheckpointDamaged(f"{name} is damaged: it cannot be read as safetensors.")
        try:
            tensors, self.stored_bytes, self.metadata = _described(file)
        except (safetensors.SafetensorError, ValueError, KeyError, OSError):
            raise self._damaged from None
        self.content: Content = {name: tensor for name, tensor in tensors.items()}  # noqa: C416 - widens the type

    def load(self) -> object:
        """Load the tensors by name, to the CPU. Raises CheckpointDamaged."""
        try:
            self._file.seek(0)
            return safetensors.torch.load(self._file.read())
        except (safetensors.SafetensorError, ValueError, KeyError, RuntimeError, OSError):
            raise self._damaged from None


def looks_like_safetensors(head: bytes) -> bool:
    """Return True if a file that begins so may be one."""
    return len(head) > LENGTH_BYTES and head[LENGTH_BYTES : LENGTH_BYTES + 1] == b"{" and head[LENGTH_BYTES - 1] == 0


def _described(file: BinaryIO) -> tuple[dict[str, StoredTensor], int, dict[str, str]]:
    """Return the tensors of the header, how many bytes they have, and the metadata.

    Raises ValueError or SafetensorError for any header out of order, also for gaps and overlaps.
    """
    file.seek(0)
    header_bytes = int.from_bytes(file.read(LENGTH_BYTES), "little")
    if header_bytes > MOST_HEADER_BYTES:
        raise refused("the description of its tensors is larger than that of any network")
    # By its number, so that it is the very file that was checked, whatever its name means by now.
    with safetensors.safe_open(f"/dev/fd/{file.fileno()}", "pt") as opened:
        described = {name: opened.get_slice(name) for name in opened.keys()}  # noqa: SIM118 - not a dict
        tensors = {
            name: StoredTensor(DTYPES[one.get_dtype()], tuple(one.get_shape())) for name, one in described.items()
        }
        return tensors, size_of(file) - LENGTH_BYTES - header_bytes, opened.metadata() or {}
