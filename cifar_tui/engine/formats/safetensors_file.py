"""Reads a safetensors file: its header is checked before any of its numbers is read."""

import math
from typing import BinaryIO

import orjson
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
    """An open safetensors file whose header was found in order."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        """Check the header; `name` is for sentences. Raises CheckpointDamaged."""
        self._file = file
        self._damaged = CheckpointDamaged(f"{name} is damaged: it cannot be read as safetensors.")
        try:
            tensors, self.stored_bytes, self.metadata = _described(file)
        except (ValueError, TypeError, KeyError, AttributeError, OSError):
            raise self._damaged from None
        self.content: Content = {name: tensor for name, tensor in tensors.items()}  # noqa: C416 - widens the type

    def load(self) -> object:
        """The tensors by name, on the CPU. Raises CheckpointDamaged."""
        try:
            self._file.seek(0)
            return safetensors.torch.load(self._file.read())
        except (safetensors.SafetensorError, ValueError, KeyError, RuntimeError, OSError):
            raise self._damaged from None


def looks_like_safetensors(head: bytes) -> bool:
    """Whether a file that begins so may be one."""
    return len(head) > LENGTH_BYTES and head[LENGTH_BYTES : LENGTH_BYTES + 1] == b"{" and head[LENGTH_BYTES - 1] == 0


def _described(file: BinaryIO) -> tuple[dict[str, StoredTensor], int, dict[str, str]]:
    """The tensors of the header, how many bytes they have, and the words beside them.

    Raises ValueError for any header out of order.
    """
    file.seek(0)
    header_bytes = int.from_bytes(file.read(LENGTH_BYTES), "little")
    data_bytes = size_of(file) - LENGTH_BYTES - header_bytes
    if header_bytes > MOST_HEADER_BYTES:
        raise refused("its description of the tensors is larger than any network's")
    if data_bytes < 0:
        raise ValueError("cut")
    header = orjson.loads(file.read(header_bytes))
    metadata = header.pop("__metadata__", None) or {}
    if not all(isinstance(value, str) for value in metadata.values()):
        raise ValueError("no words")
    spans = []
    tensors = {}
    for name, entry in header.items():
        dtype, shape, span = DTYPES[entry["dtype"]], tuple(entry["shape"]), tuple(entry["data_offsets"])
        if not all(type(number) is int and 0 <= number <= data_bytes for number in (*shape, *span)):
            raise ValueError("no sizes")
        if math.prod(shape) * dtype.itemsize != span[1] - span[0]:
            raise ValueError("another size than its shape has")
        spans.append(span)
        tensors[name] = StoredTensor(dtype, shape)
    end = 0
    for first, after in sorted(spans):
        if first != end:
            raise ValueError("a gap, or one tensor over another")
        end = after
    if end != data_bytes:
        raise ValueError("more or less than was described")
    return tensors, data_bytes, metadata
