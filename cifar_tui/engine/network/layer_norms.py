"""Measures the norms of a network's layers on the device; nothing waits for them."""

import contextlib
import math
from collections.abc import Iterator, Sequence

import torch
from torch import nn

from cifar_tui.dataclass import dataclass
from cifar_tui.engine.network.torch_private import norms_of

Gradients = list[torch.Tensor | None]
"""The gradient of each trained tensor; None where the loss does not depend on it."""


@dataclass(frozen=True, slots=True)
class LayerNumbers:
    """The norms of all layers in one step, on the host."""

    gradients: tuple[float, ...]
    """L2 norm of each layer's gradient; NaN or infinite where that is."""
    weights: tuple[float, ...]
    """L2 norm of each layer's weights."""


class LayerNorms:
    """The norms of every layer's gradient and weights, in the steps that the loop asks for.

    A layer is a module with weights of its own, and with it what has only vectors right behind it in the same block, as
    normalizations have: the tutorial's 62 tensors are 21 layers. Tensors that are not trained do not count.
    """

    def __init__(self, network: nn.Module) -> None:
        """Find the layers; nothing is measured yet."""
        self.due = False
        """True if the next update is to be measured; it clears this."""
        self._tensors: list[nn.Parameter] = []
        self._layer_of: list[int] = []
        names: list[str] = []
        for name, tensors, joins in _modules(network):
            if not (joins and names and _block(name) == _block(names[-1])):
                names.append(name)
            self._tensors += tensors
            self._layer_of += [len(names) - 1] * len(tensors)
        self.names = tuple(names)
        """The layers' names: those of their first modules, in the network's order."""
        self._measured: torch.Tensor | None = None

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Measure nothing meanwhile: a graph that is recorded must not measure in every replay."""
        due, self.due = self.due, False
        try:
            yield
        finally:
            self.due = due

    def gradients(self) -> Gradients:
        """Return the present gradients, whose memory a recorded graph fills again with every replay."""
        return [tensor.grad for tensor in self._tensors]

    @torch.no_grad()
    def weights_if_due(self) -> torch.Tensor | None:
        """Return the norm of every tensor, [tensors] on its device, if this update is to be measured; else None."""
        due, self.due = self.due, False
        return norms_of(list(self._tensors)) if due and self._tensors else None

    @torch.no_grad()
    def keep(self, weights: torch.Tensor, gradients: Gradients, scale: torch.Tensor | None = None) -> None:
        """Measure the gradients of the same update, which are `scale` times too large, and keep both."""
        there = [gradient for gradient in gradients if gradient is not None]
        norms = iter(norms_of(there).unbind() if there else ())
        zero = weights.new_zeros(())
        measured = torch.stack([zero if gradient is None else next(norms) for gradient in gradients])
        self._measured = torch.cat([measured if scale is None else measured / scale, weights])

    def pop(self) -> torch.Tensor | None:
        """Return what was measured since the last call, [2 × tensors] on its device; None where nothing was."""
        measured, self._measured = self._measured, None
        return measured

    def by_layer(self, numbers: Sequence[float]) -> LayerNumbers:
        """Return the numbers of `pop`, now on the host, as one number for each layer."""
        count = len(self._tensors)
        return LayerNumbers(self._joined(numbers[:count]), self._joined(numbers[count:]))

    def _joined(self, norms: Sequence[float]) -> tuple[float, ...]:
        squares = [0.0] * len(self.names)
        for layer, norm in zip(self._layer_of, norms, strict=True):
            squares[layer] += norm * norm
        return tuple(map(math.sqrt, squares))


def _modules(network: nn.Module) -> Iterator[tuple[str, list[nn.Parameter], bool]]:
    """Yield the modules with trained tensors of their own, each tensor once, and if they have only vectors.

    The network's own tensors are outside of any module, and each is one itself.
    """
    seen: set[int] = set()
    for name, module in network.named_modules():
        own = dict(module.named_parameters(recurse=False))
        new = {key: one for key, one in own.items() if one.requires_grad and id(one) not in seen}
        seen |= {id(one) for one in new.values()}
        if name and new:
            yield name, list(new.values()), all(one.dim() <= 1 for one in own.values())
        elif new:
            yield from ((key, [one], False) for key, one in new.items())


def _block(name: str) -> str:
    return name.rpartition(".")[0]
