"""One update of the network is that of torch's own optimizer, and its state is all that the next one depends on."""

from collections.abc import Callable
from typing import Any, get_args

import pytest
import torch
from torch.nn import functional

from cifar_tui.engine.network.device import choose_device
from cifar_tui.engine.network.model import fresh_network
from cifar_tui.engine.network.stepper import Stepper, TrainingState
from cifar_tui.recipe import OptimizerName, Recipe
from tests.engine.trained import tiny_recipe

BATCHES = [(torch.randn(20, 3, 32, 32), torch.arange(20) % 10) for _ in range(3)]


def stepper(recipe: Recipe) -> Stepper:
    return Stepper(recipe, choose_device(recipe))


def tensors(state: TrainingState) -> dict[str, torch.Tensor]:
    """Everything in a state, by part and name."""
    parts = {"network": state.network, "average": state.average, **state.optimizer}
    return {f"{part} {name}": tensor for part, named in parts.items() for name, tensor in named.items()}


def same(one: TrainingState, other: TrainingState) -> bool:
    first, second = tensors(one), tensors(other)
    if (one.step, one.averaged, one.scaler) != (other.step, other.averaged, other.scaler):
        return False
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


@pytest.fixture(params=[*((name, 0.0) for name in get_args(OptimizerName)), ("sgd", 0.99)], ids=str)
def recipe(request: pytest.FixtureRequest) -> Recipe:
    optimizer, ema = request.param
    return tiny_recipe(ema=ema).with_optimizer(optimizer)


# Any: torch's optimizers take different options.
TORCHS: dict[OptimizerName, Callable[[Any], torch.optim.Optimizer]] = {
    "sgd": lambda weights: torch.optim.SGD(weights, 0.1, momentum=0.9, nesterov=True, weight_decay=5e-4, fused=True),
    "adamw": lambda weights: torch.optim.AdamW(weights, 0.1, weight_decay=0.05, fused=True),
}


@pytest.mark.parametrize("optimizer", TORCHS)
def test_updates_are_those_of_torchs_optimizer_with_decay_on_every_parameter(optimizer: OptimizerName) -> None:
    recipe = tiny_recipe(precision="fp32").with_optimizer(optimizer)
    ours = stepper(recipe)
    plain = fresh_network(recipe.width, recipe.seed)
    plain.to(memory_format=torch.channels_last)
    torchs = TORCHS[optimizer](plain.parameters())
    for rate, (images, labels) in zip((0.1, 0.2, 0.05), BATCHES, strict=True):
        ours.update(images, labels, rate)
        torchs.param_groups[0]["lr"] = rate
        torchs.zero_grad()
        functional.cross_entropy(plain(images), labels).backward()  # type: ignore[no-untyped-call]
        torchs.step()
    assert len(torchs.param_groups) == 1, "one group: decay on every parameter"
    for name, tensor in plain.state_dict().items():
        assert torch.equal(tensor, ours.network.state_dict()[name])


def test_smoothed_labels_spread_a_share_over_all_classes_and_the_loss_told_is_the_plain_one() -> None:
    recipe = tiny_recipe(precision="fp32", label_smoothing=0.2)
    ours = stepper(recipe)
    plain = fresh_network(recipe.width, recipe.seed)
    plain.to(memory_format=torch.channels_last)
    sgd = torch.optim.SGD(plain.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4, fused=True)
    images, labels = BATCHES[0]
    told, _ = ours.update(images, labels, 0.1)
    logits = plain(images)
    wanted = functional.one_hot(labels, 10) * 0.8 + 0.2 / 10
    (-(wanted * logits.log_softmax(1)).sum(1).mean()).backward()
    sgd.step()
    assert torch.allclose(told, functional.cross_entropy(logits.detach(), labels))
    for name, tensor in plain.state_dict().items():
        assert torch.allclose(tensor.float(), ours.network.state_dict()[name].float(), atol=1e-5)


def test_a_restored_state_goes_on_with_the_very_same_bits(recipe: Recipe) -> None:
    unbroken, broken = stepper(recipe), stepper(recipe)
    for images, labels in BATCHES[:2]:
        unbroken.update(images, labels, 0.1)
    broken.restore(unbroken.export(2))
    for one in (unbroken, broken):
        one.update(*BATCHES[2], 0.1)
    assert same(unbroken.export(3), broken.export(3))


def test_an_export_does_not_change_with_the_network() -> None:
    one = stepper(tiny_recipe())
    state = one.export(0)
    before = state.network["fc.weight"].clone()
    one.update(*BATCHES[0], 0.1)
    assert torch.equal(state.network["fc.weight"], before)


def test_the_fresh_state_is_the_networks_first(recipe: Recipe) -> None:
    one = stepper(recipe)
    assert same(one.fresh_state(), one.export(0))


def test_a_skipped_update_changes_nothing_that_the_optimizer_keeps(recipe: Recipe) -> None:
    """Neither its first update, when everything is still zero, nor a later one."""
    one, unbroken = stepper(recipe), stepper(recipe)
    images, labels = BATCHES[0]
    for good in BATCHES[1:]:
        before = one.export(0)
        one.update(images * torch.nan, labels, 0.1)
        one.restore_bn_stats(before)
        kept, found = tensors(before), tensors(one.export(0))
        assert all(torch.equal(kept[name], found[name]) for name in kept if "num_batches" not in name)
        for stepped in (one, unbroken):
            stepped.update(*good, 0.1)
    kept, found = tensors(unbroken.export(2)), tensors(one.export(2))
    assert all(torch.equal(kept[name], found[name]) for name in kept if "num_batches" not in name)


def test_what_ranks_share_is_all_that_an_update_changes(recipe: Recipe) -> None:
    one, other = stepper(recipe), stepper(recipe)
    one.update(*BATCHES[0], 0.1)
    with torch.no_grad():
        for taken, given in zip(other.shared_tensors(), one.shared_tensors(), strict=True):
            taken.copy_(given)
    assert same(one.export(1), other.export(1))
