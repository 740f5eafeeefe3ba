"""The exponential moving average of a network's weights and running statistics."""

import copy

import torch

from cifar_tui.engine.network.optimizer import Tensors

FIRST, SLOWNESS = 1.0, 10.0
"""The decay of update t is at most (1 + t) / (10 + t), as in TensorFlow's ExponentialMovingAverage (num_updates)."""


class WeightAverage:
    """A copy of a network that follows it, on its device; the network itself is trained on.

    After an update t, counted from 0, each number a becomes d·a + (1 − d)·w with d = min(decay, (1 + t) / (10 + t)):
    the average of a short run is not that of its first weights (Polyak & Juditsky 1992; the decay's warm-up is
    TensorFlow's). BatchNorm's mean and variance are averaged, too, as in timm's ModelEma.
    """

    def __init__(self, network: torch.nn.Module, decay: float) -> None:
        """Begin with the network's weights as they are, in their layout."""
        self._decay = decay
        # torch's own copy of a tensor looks at its memory, which a pretended one does not have.
        weights = {
            id(one): torch.nn.Parameter(one.detach().clone(), requires_grad=False) for one in network.parameters()
        }
        buffers = {id(one): one.clone() for one in network.buffers()}
        self.network = copy.deepcopy(network, {**weights, **buffers})
        """The average, as a network that can be tested."""
        live, followed = network.state_dict(), self.network.state_dict()
        self._names = [name for name, tensor in live.items() if tensor.is_floating_point()]
        self._live = [live[name] for name in self._names]
        self._average = [followed[name] for name in self._names]
        for own, followed_one in zip(self.network.modules(), network.modules(), strict=True):
            for name, buffer in followed_one.named_buffers(recurse=False):
                if not buffer.is_floating_point():
                    setattr(own, name, buffer)  # a counter of batches: there is no average of it
        self.updates = torch.zeros((), device=self._live[0].device)
        """Updates that were taken in, a 0-dim tensor on the device."""

    @torch.no_grad()
    def update(self, loss: torch.Tensor) -> None:
        """Take in the weights after an update; nothing of a step whose loss was not finite. Waits for nothing.

        Running statistics that are not finite reach the average nevertheless, as they reach the network.
        """
        counted = torch.isfinite(loss).float()
        decay = ((FIRST + self.updates) / (SLOWNESS + self.updates)).clamp(max=self._decay)
        change = torch._foreach_sub(self._live, self._average)
        torch._foreach_mul_(change, (1 - decay) * counted)
        torch._foreach_add_(self._average, change)
        self.updates += counted

    @torch.no_grad()
    def restore(self, tensors: Tensors, updates: torch.Tensor) -> None:
        """Go to where the average was after so many updates."""
        for name, average in zip(self._names, self._average, strict=True):
            average.copy_(tensors[name])
        self.updates.copy_(updates)

    @torch.no_grad()
    def restore_nonfinite(self, tensors: Tensors) -> None:
        """Replace what is not finite by what it was."""
        for name, average in zip(self._names, self._average, strict=True):
            if not bool(torch.isfinite(average).all()):
                average.copy_(tensors[name])

    def tensors(self) -> list[torch.Tensor]:
        """Return all that the next update depends on, in one order."""
        return [*self._average, self.updates]

    def named(self) -> Tensors:
        """Return the average's tensors by the network's names, as they are on the device."""
        return dict(zip(self._names, self._average, strict=True))
