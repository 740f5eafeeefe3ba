"""Writes a checkpoint's network as files that other programs open."""

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import safetensors.torch
import torch

from cifar_tui.data_sets import DATA_SETS
from cifar_tui.dataclass import dataclass
from cifar_tui.engine.checkpoints.checkpoint import (
    ReadNetwork,
    open_own,
    own_recipe,
    plain_tensors,
    read_network,
    write_tensors,
)
from cifar_tui.engine.checkpoints.onnx_file import check_onnx_packages, onnx_content
from cifar_tui.engine.formats.detect import detect
from cifar_tui.engine.formats.layouts import TUTORIAL
from cifar_tui.engine.formats.metadata import LONGEST_NAME, WeightsMetadata, can_be_said, read_metadata
from cifar_tui.engine.formats.own_tensors import all_finite, only_tensors
from cifar_tui.errors import BadInput, CheckpointDamaged, CifarTuiError
from cifar_tui.files.atomic_write import Written, write_atomically
from cifar_tui.files.run_files import START_NAME
from cifar_tui.recipe import HALF, SIDE, Recipe
from cifar_tui.runs.checkpoints.sidecars import read_sidecar, sidecar_path
from cifar_tui.runs.compared_checkpoint import classes_of
from cifar_tui.runs.folder import read_recipe
from cifar_tui.runs.parent_weights import belongs_to_run
from cifar_tui.runs.reading import AS_FOUND, Reading
from cifar_tui.text import safe_text

ONNX = ".onnx"
"""The suffix of files that hold the network itself, too."""


@dataclass(frozen=True, slots=True)
class Exported:
    """The file that was written."""

    written: Written
    """The file."""
    origin: WeightsMetadata | None
    """The weights' metadata, which a .pth cannot hold. None where nothing is known of them."""
    compared: bool = True
    """True where what was written was loaded back and compared."""
    assumed: str = ""
    """A sentence where the network's form was assumed, for an .onnx holds it; empty where it is known."""


def export_weights(source: Path, target: Path, reading: Reading = AS_FOUND) -> Exported:
    """Write the network in `source` as the tutorial's .pth or, by the target's name, as safetensors or ONNX.

    What was written is loaded back and compared before it takes the target's place. Raises CheckpointDamaged when
    `source` cannot be read, BadInput when its run cannot or a package is missing, OSError when `target` cannot be
    written.
    """
    if target.suffix.lower() == ONNX:
        return _export_onnx(source, target, reading)
    tensors, origin = _weights(source, reading)
    as_safetensors = target.suffix.lower() == ".safetensors"

    def write(file: BinaryIO) -> None:
        if as_safetensors:
            file.write(
                safetensors.torch.save(
                    tensors, {"format": "pt", **(origin.to_metadata() if origin is not None else {})}
                )
            )
        else:
            write_tensors(tensors, file)
        file.flush()
        _check_same(tensors, origin if as_safetensors else None, file, safe_text(target.name))

    return Exported(write_atomically(target, write), origin)


def _export_onnx(source: Path, target: Path, reading: Reading) -> Exported:
    """Write a network that normalizes its images itself. Raises as `export_weights` does."""
    check_onnx_packages()
    read = read_network(source, reading)
    origin = _metadata(source, read)
    if origin is None:
        raise BadInput(
            f"{safe_text(source.name)} does not say how its images are normalized, which is a part of an .onnx: "
            "--normalize tells it."
        )
    content, compared = onnx_content(read.network, origin, safe_text(target.name))
    assumed = read.layout.assumed if read.origin is None else ""
    return Exported(write_atomically(target, lambda file: file.write(content)), origin, compared, assumed)


def _weights(source: Path, reading: Reading) -> tuple[dict[str, torch.Tensor], WeightsMetadata | None]:
    """Return the weights in a file, and their metadata. Raises CheckpointDamaged, BadInput."""
    recipe = own_recipe(source)
    if recipe is not None:
        # By what was saved alone: the code of the network is not needed, and not run.
        return _saved_tensors(source, recipe), _metadata_of_run(source, epoch_known=True)
    read = read_network(source, reading)
    return plain_tensors(read.network), _metadata(source, read)


def _saved_tensors(source: Path, recipe: Recipe) -> dict[str, torch.Tensor]:
    """Return the weights of a network of people's own as its run has saved them. Raises CheckpointDamaged."""
    name = safe_text(source.name)
    with open_own(source, recipe) as file:
        tensors = only_tensors(detect(file, name).load(), name)
    if not all_finite(tensors):
        raise CheckpointDamaged(f"{name} cannot be used: some of its weights are NaN or infinite.")
    return {key: tensor.contiguous() for key, tensor in tensors.items()}


def _metadata(source: Path, read: ReadNetwork) -> WeightsMetadata | None:
    """Return the weights' metadata: from their run's files, a person, or their own; never a guess. Raises BadInput."""
    if not belongs_to_run(source):
        if read.reading.normalization is not None:
            return WeightsMetadata(mean=read.mean, std=read.std, side=read.side)
        return read.origin or (WeightsMetadata(mean=HALF, std=HALF) if read.layout is TUTORIAL else None)
    return _metadata_of_run(source, epoch_known=bool(read.sha256))


def _metadata_of_run(source: Path, *, epoch_known: bool) -> WeightsMetadata:
    """Return the metadata of a run's weights from the run's files. Raises BadInput."""
    recipe, classes = read_recipe(source.parent), classes_of(source.parent)
    named = DATA_SETS.get(recipe.data)
    epoch = read_sidecar(sidecar_path(source)).epoch if epoch_known and source.name != START_NAME else 0
    return WeightsMetadata(
        mean=recipe.mean,
        std=recipe.std,
        classes=classes if can_be_said(classes) else (),
        run=safe_text(source.parent.absolute().name, LONGEST_NAME),
        epoch=epoch,
        data=named.name if named is not None else "",
        side=named.side if named is not None else SIDE,
    )


def _check_same(tensors: Mapping[str, torch.Tensor], origin: WeightsMetadata | None, file: BinaryIO, name: str) -> None:
    """Load what was written and compare it number by number. Raises CifarTuiError."""
    described = detect(file, name)
    state, found = described.load(), None
    with contextlib.suppress(ValueError):  # is not what was written
        found = read_metadata(described.metadata)
    same = isinstance(state, dict) and state.keys() == tensors.keys() and found == origin
    if not same or not all(torch.equal(read, tensors[key]) for key, read in only_tensors(state, name).items()):
        raise CifarTuiError(
            f"{name} was not written: what was read back differs from what was written. Try another disk."
        )
