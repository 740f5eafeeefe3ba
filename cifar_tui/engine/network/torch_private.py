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


def cpu_computes_bf16() -> bool:
    """Return True if the processor itself computes in bf16; False where torch does not say."""
    names = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
    return any(bool(getattr(torch.cpu, name)()) for name in names if hasattr(torch.cpu, name))


def skip_update_if(optimizer: torch.optim.Optimizer, found_inf: torch.Tensor) -> None:
    """Make the next fused update leave the weights alone where `found_inf` (float32, 0-dim) is 1.

    The fused update's own gate, on the device; a loss scaler sets it itself.
    """
    optimizer.found_inf = found_inf  # type: ignore[attr-defined]
