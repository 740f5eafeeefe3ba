"""Writes training states completely or not at all, and reads back only what is exactly as it was written."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeGuard

import torch

from cifar_tui.engine.checkpoints.checkpoint import load_tensors, save_tensors
from cifar_tui.engine.network.build import shapes_of
from cifar_tui.engine.network.optimizer import Tensors, fresh_slots
from cifar_tui.engine.network.stepper import TrainingState
from cifar_tui.errors import CheckpointDamaged
from cifar_tui.recipe import Recipe
from cifar_tui.runs.checkpoints.states import Environment, StateRecord, commit_state, list_states, state_path


def save_state(folder: Path, state: TrainingState, images: str, environment: Environment) -> None:
    """Write a state and then, as the mark that it is intact, its record. Raises OSError."""
    content: dict[str, object] = {
        "step": state.step,
        "network": state.network,
        **state.optimizer,
        "scaler": state.scaler,
        **({"average": state.average, "averaged": state.averaged} if state.average else {}),
    }
    written = save_tensors(content, state_path(folder, state.step))
    record = StateRecord(
        step=state.step,
        size=written.size,
        sha256=written.sha256,
        images=images,
        environment=environment,
        saved_at=time.time(),
    )
    commit_state(folder, record)


def newest_state(folder: Path, recipe: Recipe, note: Callable[[str], None]) -> tuple[StateRecord, TrainingState] | None:
    """Return the newest intact state; those that are damaged are named through `note` and passed over."""
    for record in list_states(folder):
        try:
            return record, _load(folder, record, recipe)
        except CheckpointDamaged as error:
            note(f"{error} The one before it is used.")
    return None


def _load(folder: Path, record: StateRecord, recipe: Recipe) -> TrainingState:
    path = state_path(folder, record.step)
    content = load_tensors(path, record.size, record.sha256)
    damaged = CheckpointDamaged(f"{path.name} is not a training state of this run.")
    if not isinstance(content, dict) or content.get("step") != record.step:
        raise damaged
    network, scaler = content.get("network"), content.get("scaler")
    average, averaged = content.get("average", {}), content.get("averaged", torch.zeros(()))
    every, weights = shapes_of(recipe)
    floats = {name: tensor for name, tensor in every.items() if tensor.is_floating_point()}
    if not (_fits(network, every) and isinstance(scaler, dict)):
        raise damaged
    if not (_fits(average, floats if recipe.ema else {}) and _fits({"": averaged}, {"": torch.zeros(())})):
        raise damaged
    slots: dict[str, Tensors] = {}
    for slot, fresh in fresh_slots(recipe.optimizer, weights).items():
        kept = content.get(slot)
        if not _fits(kept, fresh):
            raise damaged
        slots[slot] = kept
    return TrainingState(record.step, network, slots, scaler, average, averaged)


def _fits(tensors: object, expected: Mapping[str, torch.Tensor]) -> TypeGuard[Tensors]:
    """Return True for tensors of the same names, shapes and types that are finite."""
    if not isinstance(tensors, dict) or tensors.keys() != expected.keys():
        return False
    return all(
        isinstance(tensor, torch.Tensor)
        and tensor.layout == torch.strided
        and tensor.shape == expected[name].shape
        and tensor.dtype == expected[name].dtype
        and bool(torch.isfinite(tensor).all())
        for name, tensor in tensors.items()
    )
