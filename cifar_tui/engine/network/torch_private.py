"""The private parts of torch that we stand on. Where one is missing, the public way is taken, which is slower."""

from collections.abc import Callable
from typing import Any

import torch

MOMENTUM = "momentum_buffer"
"""The key of SGD's momentum in an optimizer's state."""
INTEGER_SCALES = ("growth_interval", "_growth_tracker")
"""The keys of a GradScaler's state that are integers."""


def undecorated(method: Callable[..., Any]) -> Callable[..., Any]:
    """Return an optimizer's method without the decorators that import torch's compiler."""
    # Any: a method of torch's, whose own signature the caller keeps.
    plain: Callable[..., Any] = getattr(method, "__wrapped__", method)
    return plain


def sums_of_magnitudes(tensors: list[torch.Tensor]) -> list[torch.Tensor]:
    """Return the sum of magnitudes of each tensor, 0-dim on its device."""
    if hasattr(torch, "_foreach_norm"):
        return list(torch._foreach_norm(tensors, 1))
    return [tensor.abs().sum() for tensor in tensors]


def norms_of(tensors: list[torch.Tensor]) -> torch.Tensor:
    """Return the L2 norm of each tensor, float32 [tensors] on their device."""
    # Half precision would overflow at 65,504, and double precision refuses to be narrowed on the way.
    wide = torch.float64 if any(tensor.dtype == torch.float64 for tensor in tensors) else torch.float32
    if hasattr(torch, "_foreach_norm"):
        return torch.stack(torch._foreach_norm(tensors, 2, dtype=wide)).float()
    return torch.stack([torch.linalg.vector_norm(tensor, dtype=wide) for tensor in tensors]).float()


def cpu_computes_bf16() -> bool:
    """Return True if the processor itself computes in bf16; False where torch does not say."""
    return cpu_has_bf16_tiles() or _cpu_supports("avx512_bf16")


def cpu_has_bf16_tiles() -> bool:
    """Return True if the processor multiplies tiles of bf16 (AMX); False where torch does not say."""
    return _cpu_supports("amx_tile")


def _cpu_supports(name: str) -> bool:
    ask = getattr(torch.cpu, f"_is_{name}_supported", None)
    return ask is not None and bool(ask())


def skip_update_if(optimizer: torch.optim.Optimizer, found_inf: torch.Tensor) -> None:
    """Make the next fused update leave the weights alone where `found_inf` (float32, 0-dim) is 1.

    The fused update's own gate, on the device; a loss scaler sets it itself.
    """
    optimizer.found_inf = found_inf  # type: ignore[attr-defined]


def allow_uncaptured_updates(optimizer: torch.optim.Optimizer) -> None:
    """Keep torch from warning that an optimizer which can be recorded in a graph makes an update outside of one."""
    optimizer._warned_capturable_if_run_uncaptured = True
