"""The weights before the first step: fresh ones, or those of the checkpoint that the run starts from."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import torch

from cifar_tui.engine.checkpoints.checkpoint import read_network, read_open
from cifar_tui.engine.formats.detect import detect
from cifar_tui.engine.formats.open_file import LARGEST_OF_OURS, open_external, size_of, verify
from cifar_tui.engine.formats.own_tensors import all_finite, best_fit, own_tensors
from cifar_tui.engine.network.build import network_of
from cifar_tui.engine.network.model import ResNet18, fresh_network
from cifar_tui.engine.network.optimizer import Tensors
from cifar_tui.engine.network.stepper import fresh_weights
from cifar_tui.errors import CheckpointDamaged
from cifar_tui.files.digest import digest_of_file
from cifar_tui.files.run_files import START_NAME
from cifar_tui.recipe import Ancestor, Recipe
from cifar_tui.runs.checkpoints.sidecars import read_sidecar, sidecar_path
from cifar_tui.runs.reading import AS_FOUND, Reading
from cifar_tui.text import safe_text


def initial_weights(recipe: Recipe, folder: Path) -> Callable[[], Tensors]:
    """Gives the run's first weights, read anew each time: going back to them is rare, and memory is not.

    What is given raises CheckpointDamaged when the copy in the run's folder is not as it was made.
    """
    if recipe.parent is None:
        return fresh_weights(recipe)
    ancestor = recipe.parent
    return lambda: _copied_weights(folder / START_NAME, ancestor, recipe)


def recipe_for_external(
    weights: Path, recipe: Recipe, reading: Reading = AS_FOUND, *, normalization: bool
) -> tuple[Recipe, str]:
    """Return the recipe of a run that starts from an external file, as wide as it, and how that was read.

    With `normalization`, it is a person's by `reading`, else the file's own, else its project's.
    Raises CheckpointDamaged.
    """
    read = read_network(weights, reading)
    width = read.network.width if isinstance(read.network, ResNet18) else recipe.width
    branched = recipe.branched(_external(weights, reading, known=bool(read.sha256)), width)
    branched = dataclasses.replace(branched, classes=read.classes, model=read.model)
    if not normalization:
        return branched, " ".join(read.notes)
    sentences = "" if read.sha256 else " ".join(read.assumptions)
    return branched.with_normalization(read.mean, read.std), sentences


def _external(weights: Path, reading: Reading, *, known: bool) -> Ancestor:
    """A file as an ancestor; `known` is one of our checkpoints that was taken out of its run with its sidecar."""
    if known:
        sidecar = read_sidecar(sidecar_path(weights))
        return Ancestor(
            run=sidecar.run,
            checkpoint=sidecar.checkpoint,
            sha256=sidecar.sha256,
            epoch=sidecar.epoch,
            synthetic=sidecar.synthetic,
        )
    with open_external(weights) as file:
        digest = digest_of_file(file)
    return Ancestor(run="", checkpoint=safe_text(weights.name), sha256=digest, weights=reading.weights)


def _copied_weights(copy: Path, ancestor: Ancestor, recipe: Recipe) -> Tensors:
    """Return the ancestor's weights; where it told other classes apart, the last layer is a fresh one."""
    with open_external(copy, LARGEST_OF_OURS) as file:
        verify(file, copy, size_of(file), ancestor.sha256)
        if recipe.model is not None:
            return _own_weights(file, ancestor.checkpoint, recipe)
        network = read_open(file, ancestor.checkpoint, Reading(weights=ancestor.weights)).network
    assert isinstance(network, ResNet18), "no other was asked for"
    if network.width != recipe.width:
        raise CheckpointDamaged(f"{ancestor.checkpoint} does not fit this run: it is not {recipe.width} channels wide.")
    if network.classes != recipe.classes:
        network.fc = fresh_network(recipe.width, recipe.seed, recipe.classes).fc
    return network.state_dict()


def _own_weights(file: BinaryIO, name: str, recipe: Recipe) -> Tensors:
    """Return the ancestor's weights for a network of people's own; layers as wide as the classes are fresh ones.

    Raises CheckpointDamaged where anything else differs.
    """
    assert recipe.model is not None, "else it is a ResNet-18"
    content = detect(file, name).load()
    expected = dict(network_of(recipe).state_dict())
    found = best_fit(content, expected)
    fresh = {
        key: tensor
        for key, tensor in expected.items()
        if key in found
        and tensor.ndim
        and tensor.shape[0] == recipe.classes
        and tensor.shape[1:] == found[key].shape[1:]
    }
    tensors = own_tensors({**found, **fresh}, expected, name, recipe.model.name)
    if not all_finite(tensors):
        raise CheckpointDamaged(f"{name} cannot be used: some of its weights are NaN or infinite.")
    return {key: tensor.to(expected[key].dtype) for key, tensor in tensors.items() if isinstance(tensor, torch.Tensor)}
