"""The norms of layers are those of torch's own gradients, and measuring them changes no bit of the training."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from cifar_tui.engine.network.device import Device, choose_device
from cifar_tui.engine.network.layer_norms import LayerNorms, LayerNumbers
from cifar_tui.engine.network.meter import StepMeter
from cifar_tui.engine.network.model import fresh_network
from cifar_tui.engine.network.stepper import Stepper
from cifar_tui.events import StepDone
from tests.engine.trained import tiny_recipe
from tests.scripted import LAYERS

IMAGES, LABELS = torch.randn(20, 3, 32, 32), torch.arange(20) % 10


def measured(stepper: Stepper) -> LayerNumbers:
    stepper.norms.due = True
    stepper.update(IMAGES, LABELS, 0.1)
    found = stepper.norms.pop()
    assert found is not None
    return stepper.norms.by_layer(found.tolist())


def names_of(network: nn.Module) -> tuple[str, ...]:
    return LayerNorms(network).names


def test_the_tutorials_network_has_21_layers() -> None:
    assert names_of(fresh_network(8, 0)) == LAYERS
    assert len(LAYERS) == 21


def test_the_norms_are_those_of_plain_autograd_before_the_update() -> None:
    recipe = tiny_recipe(precision="fp32")
    stepper = Stepper(recipe, choose_device(recipe))
    plain = fresh_network(recipe.width, recipe.seed)
    plain.to(memory_format=torch.channels_last)
    functional.cross_entropy(plain(IMAGES), LABELS).backward()  # type: ignore[no-untyped-call]
    numbers = measured(stepper)
    for names, place in ((("conv1.0.weight", "conv1.1.weight", "conv1.1.bias"), 0), (("fc.weight", "fc.bias"), -1)):
        tensors = [plain.get_parameter(name) for name in names]
        gradients = torch.cat([one.grad.flatten() for one in tensors if one.grad is not None])
        assert numbers.gradients[place] == pytest.approx(float(gradients.norm()), rel=1e-5)
        weights = torch.cat([one.detach().flatten() for one in tensors])
        assert numbers.weights[place] == pytest.approx(float(weights.norm()), rel=1e-5)


def test_a_measured_update_has_the_bits_of_one_that_is_not() -> None:
    recipe = tiny_recipe()
    seen, unseen = (Stepper(recipe, choose_device(recipe)) for _ in range(2))
    for _ in range(3):
        measured(seen)
        unseen.update(IMAGES, LABELS, 0.1)
    one, other = seen.export(3), unseen.export(3)
    assert all(torch.equal(one.network[name], other.network[name]) for name in one.network)
    kept, expected = one.optimizer["momentum"], other.optimizer["momentum"]
    assert all(torch.equal(kept[name], expected[name]) for name in expected)


def test_only_what_is_asked_for_is_measured_once() -> None:
    recipe = tiny_recipe()
    stepper = Stepper(recipe, choose_device(recipe))
    measured(stepper)
    stepper.update(IMAGES, LABELS, 0.1)
    assert stepper.norms.pop() is None


def test_the_scale_of_a_loss_is_divided_out() -> None:
    recipe = tiny_recipe(precision="fp32")
    plain = measured(Stepper(recipe, choose_device(recipe)))
    cpu = torch.device("cpu")
    scaled = Stepper(recipe, Device(cpu, "CPU", "", "fp16", channels_last=True))
    scaled._device = choose_device(recipe)  # the forward pass in fp32, the loss scaled
    assert measured(scaled).gradients == pytest.approx(plain.gradients, rel=1e-4)


def test_a_loss_that_is_no_number_shows_in_every_gradient_and_in_no_weight() -> None:
    recipe = tiny_recipe()
    stepper = Stepper(recipe, choose_device(recipe))
    stepper.norms.due = True
    stepper.update(IMAGES * math.nan, LABELS, 0.1)
    found = stepper.norms.pop()
    assert found is not None
    numbers = stepper.norms.by_layer(found.tolist())
    assert not any(map(math.isfinite, numbers.gradients))
    assert all(map(math.isfinite, numbers.weights))


class Own(nn.Module):
    """Everything that networks of one's own may have: tied, frozen, unused and loose tensors, other types."""

    def __init__(self) -> None:
        super().__init__()
        self.token = nn.Parameter(torch.ones(1, 4))
        self.stem = nn.Linear(4, 4)
        self.norm = nn.LayerNorm(4)
        self.frozen = nn.Linear(4, 4).requires_grad_(False)
        self.body = nn.Sequential(*(nn.Sequential(nn.LayerNorm(4), nn.Linear(4, 4)) for _ in range(2)))
        self.unused = nn.Linear(4, 4)
        self.head = nn.Linear(4, 4)
        self.head.weight = self.stem.weight
        self.double()


def test_layers_of_a_network_of_ones_own_are_found_and_measured() -> None:
    network = Own()
    norms = LayerNorms(network)
    assert norms.names == ("token", "stem", "body.0.0", "body.0.1", "body.1.0", "body.1.1", "unused", "head")
    network.body(network.norm(network.stem(network.token))).square().sum().backward()
    norms.due = True
    weights = norms.weights_if_due()
    assert weights is not None
    norms.keep(weights, norms.gradients())
    found = norms.pop()
    assert found is not None
    numbers = norms.by_layer(found.tolist())
    assert numbers.gradients[6] == 0.0
    assert numbers.gradients[1] > 0
    assert numbers.weights[0] == pytest.approx(2.0)


def test_a_network_without_trained_tensors_has_no_layers() -> None:
    norms = LayerNorms(nn.Sequential(nn.ReLU()))
    norms.due = True
    assert (norms.names, norms.weights_if_due(), norms.pop()) == ((), None, None)


def test_the_meter_brings_the_norms_of_the_steps_that_have_some() -> None:
    recipe = tiny_recipe()
    stepper, meter = Stepper(recipe, choose_device(recipe)), StepMeter(torch.device("cpu"))
    kept = {}
    for number in range(1, 31):
        stepper.norms.due = number % 3 == 0
        result, norms = stepper.update(IMAGES[:4], LABELS[:4], 0.01), stepper.norms.pop()
        if norms is not None:
            kept[number] = norms.tolist()
        meter.add(StepDone(number, 1, math.nan, math.nan, 4, 0.01, 0.0), result, norms)
    assert [step.step for step in meter.drain()] == list(range(1, 31))
    assert meter.pop_norms() == kept
    assert meter.pop_norms() == {}
