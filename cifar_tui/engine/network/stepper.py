"""The network, its optimizer, and one update of it; the loop around it is in training/train.py."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
from torch.nn import functional

from cifar_tui.dataclass import dataclass
from cifar_tui.engine.network.average import WeightAverage
from cifar_tui.engine.network.build import check_room, network_of, place, trained
from cifar_tui.engine.network.device import Device
from cifar_tui.engine.network.layer_norms import LayerNorms
from cifar_tui.engine.network.optimizer import Tensors, WeightOptimizer, fresh_slots
from cifar_tui.engine.network.ranks import ALONE, Ranks
from cifar_tui.engine.network.torch_private import INTEGER_SCALES, sums_of_magnitudes
from cifar_tui.recipe import Recipe


@dataclass(frozen=True, slots=True)
class TrainingState:
    """Everything that the next update depends on, beside the recipe and the images. Tensors are on the CPU."""

    step: int
    """The last step it contains."""
    network: Tensors
    """Weights and running statistics, by the tutorial's keys."""
    optimizer: dict[str, Tensors]
    """The tensors that the optimizer keeps, by slot (momentum, exp_avg, …) and by the names of the weights."""
    scaler: dict[str, float]
    """The loss scaler's numbers; empty without fp16."""

    average: Tensors
    """The moving average of weights and running statistics, by the tutorial's keys; empty without one."""
    averaged: torch.Tensor
    """Updates that the average has taken in; 0-dim."""

    @property
    def size(self) -> int:
        """Bytes of the tensors."""
        parts = (self.network, self.average, *self.optimizer.values())
        return sum(tensor.nbytes for part in parts for tensor in part.values())


def fresh_weights(recipe: Recipe) -> Callable[[], Tensors]:
    """Return a function that makes the weights by the recipe's seed."""
    return lambda: network_of(recipe).state_dict()


class StepResult(NamedTuple):
    """Numbers of one update, 0-dim tensors on the device. All but `hits` are fields of `StepDone`, too."""

    loss: torch.Tensor
    """Mean cross-entropy over the batch, without label smoothing."""
    hits: torch.Tensor
    """Images recognised."""


class SharedSums:
    """One flat buffer that is summed over all ranks in every step: gradients, running statistics, loss and hits.

    The statistics are averaged, which gives in every step what averaging them before a test would give then.
    """

    def __init__(self, network: torch.nn.Module, ranks: Ranks) -> None:
        self._ranks = ranks
        saved = network.state_dict()
        floating = [(name, one) for name, one in network.named_buffers() if one.is_floating_point()]
        self._statistics = [one for name, one in floating if name in saved]
        weights = list(trained(network).values())
        sizes = [tensor.numel() for tensor in (*weights, *self._statistics)]
        self._flat = torch.zeros(sum(sizes) + 2, device=weights[0].device)
        parts = torch.split(self._flat[:-2], sizes)
        for weight, part in zip(weights, parts, strict=False):
            weight.grad = part.as_strided(weight.shape, weight.stride())
        self._averages = parts[len(weights) :]

    def clear(self) -> None:
        """Begin a step: forget the gradients of the one before; their places stay."""
        self._ranks.pace.begin()
        self._flat.zero_()

    @torch.no_grad()
    def sum(self, loss: torch.Tensor, hits: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Sum everything over all ranks, and return the sums of these two. Raises RankLost."""
        torch._foreach_copy_(list(self._averages), [one.flatten() / self._ranks.count for one in self._statistics])
        self._flat[-2], self._flat[-1] = loss, hits
        self._ranks.pace.end()
        self._ranks.sum(self._flat)
        torch._foreach_copy_(
            self._statistics, [one.view(old.shape) for one, old in zip(self._averages, self._statistics, strict=True)]
        )
        return self._flat[-2].clone(), self._flat[-1].clone()


class Stepper:
    """A network on a device, and its optimizer."""

    def __init__(
        self,
        recipe: Recipe,
        device: Device,
        initial_weights: Callable[[], Tensors] | None = None,
        ranks: Ranks = ALONE,
    ) -> None:
        """Make a fresh network from the recipe's seed, or one that starts with `initial_weights`.

        With several `ranks`, batches are this one's shares, and every update is made by the sums over all.
        """
        self._device = device
        self._smoothing = recipe.label_smoothing
        self.network = network_of(recipe)
        self._first_weights = initial_weights or fresh_weights(recipe)
        check_room(self.network, device)
        place(self.network, device)
        self._trained = trained(self.network)
        self.forward: torch.nn.Module = self.network
        """Computes the logits: the network itself, or a compiled form of it."""
        self.norms = LayerNorms(self.network)
        rate = torch.zeros((), device=device.torch) if device.torch.type == "cuda" else None
        self._optimizer = WeightOptimizer(recipe, self._trained, rate, fused=device.torch.type != "mps")
        self._kind = recipe.optimizer
        self._average = WeightAverage(self.network, recipe.ema) if recipe.ema else None
        self._scaler = torch.amp.GradScaler(device.torch.type, enabled=device.precision == "fp16")
        self._shared = SharedSums(self.network, ranks) if ranks.several else None

    def update(self, images: torch.Tensor, labels: torch.Tensor, rate: float, total: int = 0) -> StepResult:
        """Update once from a batch, or this rank's share of one of `total` images; waits for nothing.

        The loss is the plain one, comparable with the test's, also where the update is made with smoothed labels.
        An update whose loss is not finite is skipped, without the host having to know.
        """
        self.set_rate(rate)
        if self._shared is not None:
            return self._run_share(self._shared, images, labels, total)
        return self.run(images, labels)

    @property
    def tested(self) -> torch.nn.Module:
        """The network that is tested and saved: the moving average where there is one."""
        return self.network if self._average is None else self._average.network

    @property
    def shared(self) -> bool:
        """True if other ranks make the same updates."""
        return self._shared is not None

    def set_rate(self, rate: float) -> None:
        """Set the learning rate of the next update."""
        self._optimizer.set_rate(rate)

    def run(self, images: torch.Tensor, labels: torch.Tensor) -> StepResult:
        """Update with the rate that was set; nothing in it waits for the device."""
        self._optimizer.torch.zero_grad(set_to_none=True)
        with self._device.autocast():
            logits = self.forward(images)
        loss = functional.cross_entropy(logits.float(), labels, label_smoothing=self._smoothing)
        self._scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        self._measure_norms()
        self._apply(loss.detach())
        logits = logits.detach()
        hits = (logits.argmax(1) == labels).sum()
        plain_loss = functional.cross_entropy(logits.float(), labels) if self._smoothing else loss.detach()
        return StepResult(plain_loss, hits)

    def _run_share(self, shared: SharedSums, images: torch.Tensor, labels: torch.Tensor, total: int) -> StepResult:
        """Update by the sums over all ranks; a share may be empty."""
        shared.clear()
        loss, hits = torch.zeros((), device=images.device), torch.zeros((), device=images.device)
        if len(labels):
            with self._device.autocast():
                logits = self.forward(images)
            smoothed = functional.cross_entropy(
                logits.float(), labels, label_smoothing=self._smoothing, reduction="sum"
            )
            self._scaler.scale(smoothed / total).backward()  # type: ignore[no-untyped-call]
            logits = logits.detach()
            loss = functional.cross_entropy(logits.float(), labels, reduction="sum") / total
            hits = (logits.argmax(1) == labels).sum().float()
        loss, hits = shared.sum(loss, hits)
        self._measure_norms()
        self._apply(loss)
        return StepResult(loss, hits)

    def shared_tensors(self) -> list[torch.Tensor]:
        """Return everything that is the same on all ranks: weights, statistics, what the optimizer keeps, averages."""
        averages = self._average.tensors() if self._average is not None else []
        return [*self.network.state_dict().values(), *self._optimizer.tensors(), *averages]

    def _measure_norms(self) -> None:
        """Measure the layers between the backward pass and the update, if that was asked for."""
        weights = self.norms.weights_if_due()
        if weights is not None:
            scale = self._scaler.scale(torch.ones_like(weights[0])) if self._scaler.is_enabled() else None
            self.norms.keep(weights, self.norms.gradients(), scale)

    def _apply(self, loss: torch.Tensor) -> None:
        """Update the weights, unless the loss is not finite."""
        if self._scaler.is_enabled():
            self._scaler.step(self._optimizer.torch)
            self._scaler.update()
        else:
            self._optimizer.update(loss)
        if self._average is not None:
            self._average.update(loss)

    def export(self, step: int) -> TrainingState:
        """Return the state after `step`, copied to the CPU."""
        slots = {slot: _all_copied(tensors) for slot, tensors in self._optimizer.slots().items()}
        scaler = {name: float(value) for name, value in self._scaler.state_dict().items()}
        network = _all_copied(self.network.state_dict())
        if self._average is None:
            return TrainingState(step, network, slots, scaler, {}, torch.zeros(()))
        average, averaged = _all_copied(self._average.named()), self._average.updates.to("cpu", copy=True)
        return TrainingState(step, network, slots, scaler, average, averaged)

    def weights(self) -> Tensors:
        """Return every weight and statistic of the network that is tested, copied to the CPU."""
        return _all_copied(self.tested.state_dict())

    def fresh_state(self) -> TrainingState:
        """Return the state before the first step. Raises CheckpointDamaged where a parent's weights are."""
        network = _all_copied(self._first_weights())
        weights = {name: network[name] for name in self._trained}
        average = {name: network[name] for name in self._average.named()} if self._average is not None else {}
        return TrainingState(0, network, fresh_slots(self._kind, weights), {}, average, torch.zeros(()))

    @torch.no_grad()
    def restore(self, state: TrainingState) -> None:
        """Load a state, whose tensors have been compared with the network's."""
        for name, tensor in self.network.state_dict().items():
            tensor.copy_(state.network[name])
        for slot, tensors in self._optimizer.slots().items():
            for name, tensor in tensors.items():
                tensor.copy_(state.optimizer[slot][name])
        if self._average is not None:
            self._average.restore(state.average, state.averaged)
        if self._scaler.is_enabled() and state.scaler:
            self._scaler.load_state_dict(
                {name: int(value) if name in INTEGER_SCALES else value for name, value in state.scaler.items()}
            )

    @torch.no_grad()
    def restore_bn_stats(self, state: TrainingState) -> None:
        """Replace running statistics that are not finite by those of a good state."""
        for name, buffer in self.network.named_buffers():
            if name in state.network and buffer.is_floating_point() and not bool(torch.isfinite(buffer).all()):
                buffer.copy_(state.network[name])
        if self._average is not None:
            self._average.restore_nonfinite(state.average)

    def finite(self) -> bool:
        """Return True if every weight and statistic is finite, and every average. Waits for the device."""
        tensors = [tensor for tensor in self.network.state_dict().values() if tensor.is_floating_point()]
        if self._average is not None:
            tensors += self._average.named().values()
        # NaN and infinity both survive a sum of magnitudes.
        return bool(torch.isfinite(torch.stack(sums_of_magnitudes(tensors))).all())


def _all_copied(tensors: Mapping[str, torch.Tensor]) -> Tensors:
    return {
        name: tensor.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)
        for name, tensor in tensors.items()
    }
