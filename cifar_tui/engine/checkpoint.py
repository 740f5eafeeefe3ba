"""Writes a network's weights whole or not at all, and reads them back without trusting the file."""

import hashlib
import io
import os
import pickle
import stat
import warnings
import zipfile
from pathlib import Path
from typing import BinaryIO

import torch
from torch import nn

from cifar_tui.engine.model import ResNet18
from cifar_tui.errors import CheckpointDamaged
from cifar_tui.runs.durable import Written, write_durably
from cifar_tui.runs.sidecars import Sidecar, read_sidecar, sidecar_path

UNREADABLE = (
    RuntimeError,
    pickle.UnpicklingError,
    zipfile.BadZipFile,
    EOFError,
    ValueError,
    KeyError,
    IndexError,
    TypeError,
    AttributeError,
    OSError,
)
"""What torch.load raises for files that are no checkpoints; its own text is never shown."""


def save_weights(network: nn.Module, path: Path) -> Written:
    """Write the network's state_dict as the tutorial does: plain tensors by the tutorial's keys. Raises OSError."""
    return save_tensors(
        {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}, path
    )


def save_tensors(content: dict[str, object] | dict[str, torch.Tensor], path: Path) -> Written:
    """Write tensors and plain values in torch's format, whole or not at all. Raises OSError.

    The file object matters: given a path, torch.save hides the operating system's reason.
    """

    def write(file: BinaryIO) -> None:
        try:
            torch.save(content, file)
        except RuntimeError as error:
            # A full disk surfaces as "unexpected pos"; the reason is in the context.
            if isinstance(error.__context__, OSError):
                raise error.__context__ from None
            raise

    return write_durably(path, write)


def load_tensors(content: bytes, name: str) -> object:
    """What a file in torch's format holds, its tensors on the CPU; no code in it is run. Raises CheckpointDamaged."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch warns on stderr, in the middle of a screen
            return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except UNREADABLE:
        raise CheckpointDamaged(f"{name} is damaged: it cannot be read as weights.") from None


def load_network(folder: Path, checkpoint: str) -> tuple[ResNet18, Sidecar]:
    """The network of a checkpoint, on the CPU, after its size and SHA-256 were compared with its sidecar.

    Raises CheckpointDamaged with a sentence when anything about it is not as it was saved.
    """
    sidecar = _sidecar(folder, checkpoint)
    state = load_tensors(read_verified(folder / checkpoint, sidecar.size, sidecar.sha256), checkpoint)
    with torch.device("meta"):
        network = ResNet18(sidecar.width)
    network.load_state_dict(_compared(network, state, checkpoint), assign=True)
    return network, sidecar


def _sidecar(folder: Path, checkpoint: str) -> Sidecar:
    try:
        return read_sidecar(sidecar_path(folder / checkpoint))
    except FileNotFoundError:
        raise CheckpointDamaged(f"{checkpoint} has no sidecar: it was never completely saved.") from None
    except (OSError, ValueError):
        raise CheckpointDamaged(f"The sidecar of {checkpoint} is damaged.") from None


def read_verified(path: Path, size: int, sha256: str) -> bytes:
    """A file's bytes, when they are exactly those that were saved. Raises CheckpointDamaged."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        raise CheckpointDamaged(f"{path.name} is gone: its file was deleted.") from None
    except OSError as error:
        raise CheckpointDamaged(f"{path.name} cannot be opened: {error.strerror}.") from None
    with os.fdopen(descriptor, "rb") as file:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode):
            raise CheckpointDamaged(f"{path.name} is not a plain file.")
        if facts.st_size != size:
            raise CheckpointDamaged(f"{path.name} is damaged: {facts.st_size:,} bytes where {size:,} were saved.")
        try:
            content = file.read(size + 1)
        except OSError as error:
            raise CheckpointDamaged(f"{path.name} cannot be read: {error.strerror}.") from None
    if hashlib.sha256(content).hexdigest() != sha256:
        raise CheckpointDamaged(f"{path.name} is damaged: its content is not what was saved (SHA-256 differs).")
    return content


def _compared(network: nn.Module, state: object, checkpoint: str) -> dict[str, torch.Tensor]:
    """The state, when it has exactly the network's keys, shapes and types. Raises CheckpointDamaged."""
    expected = network.state_dict()
    if not isinstance(state, dict) or state.keys() != expected.keys():
        raise CheckpointDamaged(f"{checkpoint} is not this network: its layers have other names.")
    for name, tensor in state.items():
        fits = isinstance(tensor, torch.Tensor) and tensor.layout == torch.strided
        if not fits or tensor.shape != expected[name].shape or tensor.dtype != expected[name].dtype:
            raise CheckpointDamaged(f"{checkpoint} is not this network: {name} has another shape or type.")
    return state
