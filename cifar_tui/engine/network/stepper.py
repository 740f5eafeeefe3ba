"""The network, its optimiser, and one update of it; the loop around it is in train.py."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional

from cifar_tui.engine.network.device import Device
from cifar_tui.engine.network.model import fresh_network
from cifar_tui.recipe import Recipe

Tensors = dict[str, torch.Tensor]


@dataclass(frozen=True, slots=True)
class TrainingState:
    """All that the next update depends on, beside the recipe and the images. Tensors are on the CPU."""

    step: int
    """The last step it contains."""
    network: Tensors
    """Weights and running statistics, by the tutorial's keys."""
    momentum: Tensors
    """The optimiser's momentum, by the names of the weights."""
    scaler: dict[str, float]
    """The loss scaler's numbers; empty without fp16."""


def _undecorated(method: Callable[..., Any]) -> Callable[..., Any]:
    # Any: a method of torch's, whose own signature the caller keeps.
    undecorated: Callable[..., Any] = getattr(method, "__wrapped__", method)
    return undecorated


_PLAIN_STEP = _undecorated(torch.optim.SGD.step)


class LightSGD(torch.optim.SGD):
    """SGD without the decorators that import torch's compiler: 860 modules and 2 s at the start, for nothing here."""

    add_param_group = _undecorated(torch.optim.Optimizer.add_param_group)
    zero_grad = _undecorated(torch.optim.Optimizer.zero_grad)

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """One update."""
        _PLAIN_STEP(self, closure)


class Stepper:
    """A network on a device with all that updates it."""

    def __init__(self, recipe: Recipe, device: Device, initial_weights: Callable[[], Tensors] | None = None) -> None:
        """Make a fresh network from the recipe's seed, or one that starts with `initial_weights`."""
        self._device = device
        self._smoothing = recipe.label_smoothing
        self._first_weights = initial_weights or (lambda: fresh_network(recipe.width, recipe.seed).state_dict())
        self.network = fresh_network(recipe.width, recipe.seed)
        self.network.to(device.torch, memory_format=device.memory_format)  # type: ignore[call-overload]
        self.forward: torch.nn.Module = self.network
        """What computes the logits: the network itself, or a compiled form of it."""
        self._rate = torch.zeros((), device=device.torch) if device.torch.type == "cuda" else None
        self._fused = device.torch.type != "mps"
        # Built after the weights took their layout, so that the momentum has it too.
        self._optimizer = LightSGD(
            self.network.parameters(),
            lr=recipe.learning_rate if self._rate is None else self._rate,
            momentum=recipe.momentum,
            nesterov=recipe.nesterov,
            weight_decay=recipe.weight_decay,
            fused=self._fused,
        )
        for weight in self.network.parameters():
            # Left to itself, the fused update leaves the first momentum unwritten when it is gated off.
            self._optimizer.state[weight]["momentum_buffer"] = torch.zeros_like(weight)
        self._scaler = torch.amp.GradScaler(device.torch.type, enabled=device.precision == "fp16")

    def update(self, images: torch.Tensor, labels: torch.Tensor, rate: float) -> tuple[torch.Tensor, torch.Tensor]:
        """Update once from a batch. Returns its mean loss and its hits, 0-dim, on the device; waits for neither.

        The loss is the plain one, comparable with the test's, also where the update is made with smoothed labels.
        An update whose loss is no finite number is left out, without the host having to know.
        """
        self.set_rate(rate)
        return self.run(images, labels)

    def set_rate(self, rate: float) -> None:
        """Make `rate` the learning rate of the next update."""
        if self._rate is not None:
            self._rate.fill_(rate)
            return
        for group in self._optimizer.param_groups:
            group["lr"] = rate

    def run(self, images: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The update itself, with the rate that was set; nothing in it asks the device for a value."""
        self._optimizer.zero_grad(set_to_none=True)
        with self._device.autocast():
            logits = self.forward(images)
        loss = functional.cross_entropy(logits.float(), labels, label_smoothing=self._smoothing)
        self._scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        self._apply(loss.detach())
        logits = logits.detach()
        hits = (logits.argmax(1) == labels).sum()
        return (functional.cross_entropy(logits.float(), labels) if self._smoothing else loss.detach()), hits

    def _apply(self, loss: torch.Tensor) -> None:
        """Update the weights, unless the loss is no finite number."""
        if self._scaler.is_enabled():
            self._scaler.step(self._optimizer)
            self._scaler.update()
        elif self._fused:
            # The fused update's own gate, on the device; a loss scaler sets it itself.
            self._optimizer.found_inf = (~torch.isfinite(loss)).float()  # type: ignore[attr-defined]
            self._optimizer.step()
        elif bool(torch.isfinite(loss)):
            self._optimizer.step()

    def export(self, step: int) -> TrainingState:
        """The state after `step`, copied to the CPU."""
        momentum = {
            name: _copied(self._optimizer.state[weight]["momentum_buffer"])
            for name, weight in self.network.named_parameters()
        }
        scaler = {name: float(value) for name, value in self._scaler.state_dict().items()}
        return TrainingState(step, self.weights(), momentum, scaler)

    def weights(self) -> Tensors:
        """Every weight and statistic, copied to the CPU."""
        return {name: _copied(tensor) for name, tensor in self.network.state_dict().items()}

    def fresh_state(self) -> TrainingState:
        """The state before the first step. Raises CheckpointDamaged where it was another run's and cannot be read."""
        network = {name: _copied(tensor) for name, tensor in self._first_weights().items()}
        zeros = {name: torch.zeros_like(network[name]) for name, _ in self.network.named_parameters()}
        return TrainingState(0, network, zeros, {})

    @torch.no_grad()
    def restore(self, state: TrainingState) -> None:
        """Go back or forth to a state, whose tensors have been compared with the network's."""
        for name, tensor in self.network.state_dict().items():
            tensor.copy_(state.network[name])
        for name, weight in self.network.named_parameters():
            self._optimizer.state[weight]["momentum_buffer"].copy_(state.momentum[name])
        if self._scaler.is_enabled() and state.scaler:
            whole = ("growth_interval", "_growth_tracker")
            self._scaler.load_state_dict(
                {name: int(value) if name in whole else value for name, value in state.scaler.items()}
            )

    @torch.no_grad()
    def restore_bn_stats(self, state: TrainingState) -> None:
        """Take the running statistics of a good state where the present ones are no finite numbers."""
        for name, buffer in self.network.named_buffers():
            if buffer.is_floating_point() and not bool(torch.isfinite(buffer).all()):
                buffer.copy_(state.network[name])

    def finite(self) -> bool:
        """Whether every weight and statistic is a finite number. Waits for the device."""
        tensors = [tensor for tensor in self.network.state_dict().values() if tensor.is_floating_point()]
        # NaN and infinity both survive a sum of magnitudes.
        return bool(torch.isfinite(torch.stack(torch._foreach_norm(tensors, 1))).all())


def _copied(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)
