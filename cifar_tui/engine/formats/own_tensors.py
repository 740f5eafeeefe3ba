"""The tensors of a network of people's own in a file, by that network's own names."""

from collections.abc import Iterator, Mapping

import torch

from cifar_tui.engine.formats.layouts import MOST_PREFIXES, MOST_WRAPPERS, PREFIXES, Tensor, Tensors
from cifar_tui.engine.formats.stored_tensor import StoredTensor
from cifar_tui.errors import CheckpointDamaged
from cifar_tui.text import safe_text


def own_tensors(content: object, expected: dict[str, torch.Tensor], name: str, network: str) -> Tensors:
    """Return the tensors in what a file holds that a network expects, which `network` names.

    Works on descriptions as on tensors. Raises CheckpointDamaged where one is missing, or has another shape or type.
    """
    tensors = best_fit(content, expected)
    if not tensors:
        raise CheckpointDamaged(f"{name} holds no weights of a network.")
    if missing := next((key for key in expected if key not in tensors), ""):
        there = safe_text(next(iter(tensors)), 80)
        raise CheckpointDamaged(f"{name} does not fit {network}: it has no {safe_text(missing, 80)}, but {there}.")
    if surplus := next((key for key in tensors if key not in expected), ""):
        raise CheckpointDamaged(f"{name} does not fit {network}, which has no {safe_text(surplus, 80)}.")
    for key, wanted in expected.items():
        found = tensors[key]
        if tuple(found.shape) != tuple(wanted.shape):
            shapes = f"{list(found.shape)}, not {list(wanted.shape)}"
            raise CheckpointDamaged(f"{name} does not fit {network}: {safe_text(key, 80)} is {shapes}.")
        if found.dtype != wanted.dtype and not (found.dtype.is_floating_point and wanted.dtype.is_floating_point):
            raise CheckpointDamaged(f"{name} does not fit {network}: {safe_text(key, 80)} has numbers of another type.")
    return tensors


def best_fit(content: object, expected: dict[str, torch.Tensor]) -> Tensors:
    """Return the tensors in a file of which most have names that a network expects; none without any."""
    return max(_all_tensors(content), key=lambda one: len(expected.keys() & one.keys()), default={})


def last_size(content: object) -> int:
    """Return the first dimension of the last tensor in a file, as a rule the number of classes; 0 without one."""
    tensors = next(_all_tensors(content), {})
    last = next((one for one in reversed(tensors.values()) if len(one.shape) in (1, 2)), None)
    return int(last.shape[0]) if last is not None else 0


def all_finite(tensors: Mapping[str, Tensor]) -> bool:
    """Return True if no number of any tensor is NaN or infinite."""
    return all(bool(torch.isfinite(one).all()) for one in tensors.values() if isinstance(one, torch.Tensor))


def only_tensors(content: object, name: str) -> dict[str, torch.Tensor]:
    """Return a loaded state_dict as it is. Raises CheckpointDamaged for anything else."""
    if not isinstance(content, dict) or not content:
        raise CheckpointDamaged(f"{name} holds no weights of a network.")
    tensors = {key: one for key, one in content.items() if isinstance(key, str) and isinstance(one, torch.Tensor)}
    if len(tensors) != len(content):
        raise CheckpointDamaged(f"{name} is not the checkpoint of a network of one's own: it holds more than weights.")
    return tensors


def _all_tensors(content: object, depth: int = 0) -> Iterator[Tensors]:
    """Yield every dict of tensors in a file, in dicts in each other, below what wrapping a network adds to names."""
    if not isinstance(content, dict):
        return
    named = {key: value for key, value in content.items() if isinstance(key, str)}
    tensors: Tensors = {key: one for key, one in named.items() if isinstance(one, StoredTensor | torch.Tensor)}
    for _ in range(MOST_PREFIXES):
        if not tensors:
            break
        yield tensors
        prefix = next((one for one in PREFIXES if all(key.startswith(one) for key in tensors)), "")
        if not prefix:
            break
        tensors = {key.removeprefix(prefix): one for key, one in tensors.items()}
    if depth < MOST_WRAPPERS:
        for value in named.values():
            yield from _all_tensors(value, depth + 1)
