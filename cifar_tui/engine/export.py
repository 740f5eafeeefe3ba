"""Writes a checkpoint's weights as files that other programs open."""

from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import safetensors.torch
import torch

from cifar_tui.engine.checkpoint import plain_tensors, read_network, read_open, write_tensors
from cifar_tui.errors import CifarTuiError
from cifar_tui.runs.durable import Written, write_durably
from cifar_tui.text import safe_text


def export_weights(source: Path, target: Path) -> Written:
    """Write the network in `source` as the tutorial's .pth or, by the target's name, as safetensors.

    What was written is loaded back and compared before it takes the target's place. Raises CheckpointDamaged when
    `source` cannot be read, OSError when `target` cannot be written.
    """
    tensors = plain_tensors(read_network(source).network)

    def write(file: BinaryIO) -> None:
        if target.suffix == ".safetensors":
            file.write(safetensors.torch.save(tensors, {"format": "pt"}))
        else:
            write_tensors(tensors, file)
        file.flush()
        _check_same(tensors, file, safe_text(target.name))

    return write_durably(target, write)


def _check_same(tensors: Mapping[str, torch.Tensor], file: BinaryIO, name: str) -> None:
    """Load what was written and compare it number by number. Raises CifarTuiError."""
    found = read_open(file, name).network.state_dict()
    if not all(torch.equal(found[key], tensor) for key, tensor in tensors.items()):
        raise CifarTuiError(f"{name} was not written: read back, it was not the same. Try another disk.")
