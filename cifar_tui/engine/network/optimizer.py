"""The optimizers: torch's own, fused, with a gate for a loss that is not finite, and the tensors that they keep.

Another one is a class here, its tensors in SLOTS, a line in `_made`, and its name and scale in recipe.py.
"""

from collections.abc import Mapping

import torch

from cifar_tui.dataclass import dataclass
from cifar_tui.engine.network.torch_private import (
    MOMENTUM,
    allow_uncaptured_updates,
    skip_update_if,
    undecorated,
)
from cifar_tui.recipe import OptimizerName, Recipe

Tensors = dict[str, torch.Tensor]


@dataclass(frozen=True, slots=True)
class Slot:
    """A tensor that an optimizer keeps for each weight."""

    key: str
    """Its key in torch's state."""
    scalar: bool = False
    """True for one number, False for a tensor of the weight's shape."""


SLOTS: dict[OptimizerName, dict[str, Slot]] = {
    "sgd": {"momentum": Slot(MOMENTUM)},
    "adamw": {"exp_avg": Slot("exp_avg"), "exp_avg_sq": Slot("exp_avg_sq"), "updates": Slot("step", scalar=True)},
}
"""The slots of each optimizer, by their names in training states, beside `step`, `network` and `scaler`."""

_PLAIN_SGD_STEP = undecorated(torch.optim.SGD.step)
_PLAIN_ADAMW_STEP = undecorated(torch.optim.AdamW.step)


class _Undecorated:
    """Methods without the decorators that import torch's compiler: 860 modules and 2 s at the start, for nothing."""

    add_param_group = undecorated(torch.optim.Optimizer.add_param_group)
    zero_grad = undecorated(torch.optim.Optimizer.zero_grad)


class LightSGD(_Undecorated, torch.optim.SGD):
    """SGD that imports no compiler."""

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """One update."""
        _PLAIN_SGD_STEP(self, closure)


class LightAdamW(_Undecorated, torch.optim.AdamW):
    """AdamW (Loshchilov & Hutter 2019) that imports no compiler."""

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """One update."""
        _PLAIN_ADAMW_STEP(self, closure)


def fresh_slots(optimizer: OptimizerName, weights: Mapping[str, torch.Tensor]) -> dict[str, Tensors]:
    """Return an optimizer's tensors before its first update, by slot and by the weights' names, beside the weights."""
    return {
        name: {key: torch.zeros_like(one[(0,) * one.dim()] if slot.scalar else one) for key, one in weights.items()}
        for name, slot in SLOTS[optimizer].items()
    }


class WeightOptimizer:
    """The optimizer of a network's weights."""

    def __init__(
        self, recipe: Recipe, weights: dict[str, torch.nn.Parameter], rate: torch.Tensor | None, *, fused: bool
    ) -> None:
        """Make the recipe's optimizer; `rate` is the learning rate where it is a tensor on the device.

        The weights have taken their layout before: the slots get it, too.
        """
        self._slots = SLOTS[recipe.optimizer]
        self._names = weights
        self._rate = rate
        self._fused = fused
        self.torch = _made(recipe, list(self._names.values()), rate, fused=fused)
        """torch's optimizer, for the loss scaler."""
        # Left to itself, the fused update leaves what it keeps unwritten when the first one is gated off.
        detached = {name: weight.detach() for name, weight in self._names.items()}
        for name, tensors in fresh_slots(recipe.optimizer, detached).items():
            slot = self._slots[name]
            for key, tensor in tensors.items():
                # Without the fused update, torch counts on the host.
                self.torch.state[self._names[key]][slot.key] = tensor.cpu() if slot.scalar and not fused else tensor

    def set_rate(self, rate: float) -> None:
        """Set the learning rate of the next update."""
        if self._rate is not None:
            self._rate.fill_(rate)
            return
        for group in self.torch.param_groups:
            group["lr"] = rate

    def update(self, loss: torch.Tensor) -> None:
        """Update the weights, unless the loss is not finite: then nothing that is kept changes either."""
        if self._fused:
            skip_update_if(self.torch, (~torch.isfinite(loss)).float())
            self.torch.step()
        elif bool(torch.isfinite(loss)):
            self.torch.step()

    def tensors(self) -> list[torch.Tensor]:
        """Return every tensor that is kept, in one order."""
        return [tensor for slot in self.slots().values() for tensor in slot.values()]

    def slots(self) -> dict[str, Tensors]:
        """Return the tensors by slot and by the weights' names, as they are on the device."""
        return {
            name: {key: self.torch.state[weight][slot.key] for key, weight in self._names.items()}
            for name, slot in self._slots.items()
        }


def _made(
    recipe: Recipe, weights: list[torch.nn.Parameter], rate: torch.Tensor | None, *, fused: bool
) -> torch.optim.Optimizer:
    lr = recipe.learning_rate if rate is None else rate
    if recipe.optimizer == "adamw":
        # Recorded in a graph only where it says so.
        captured = rate is not None
        optimizer = LightAdamW(weights, lr=lr, weight_decay=recipe.weight_decay, fused=fused, capturable=captured)
        allow_uncaptured_updates(optimizer)
        return optimizer
    return LightSGD(
        weights,
        lr=lr,
        momentum=recipe.momentum,
        nesterov=recipe.nesterov,
        weight_decay=recipe.weight_decay,
        fused=fused,
    )
