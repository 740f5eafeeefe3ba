"""One update of the network is torch's own SGD, and its state is all that the next one depends on."""

import torch
from torch.nn import functional

from cifar_tui.engine.network.device import choose_device
from cifar_tui.engine.network.model import fresh_network
from cifar_tui.engine.network.stepper import Stepper
from cifar_tui.recipe import Recipe
from tests.engine.trained import tiny_recipe

BATCHES = [(torch.randn(20, 3, 32, 32), torch.arange(20) % 10) for _ in range(3)]


def stepper(recipe: Recipe) -> Stepper:
    return Stepper(recipe, choose_device(recipe))


def test_updates_are_those_of_torchs_sgd_with_nesterov_and_decay_on_every_parameter() -> None:
    recipe = tiny_recipe(precision="fp32")
    ours = stepper(recipe)
    plain = fresh_network(recipe.width, recipe.seed)
    plain.to(memory_format=torch.channels_last)
    sgd = torch.optim.SGD(plain.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4, fused=True)
    for rate, (images, labels) in zip((0.1, 0.2, 0.05), BATCHES, strict=True):
        ours.update(images, labels, rate)
        sgd.param_groups[0]["lr"] = rate
        sgd.zero_grad()
        functional.cross_entropy(plain(images), labels).backward()  # type: ignore[no-untyped-call]
        sgd.step()
    assert len(sgd.param_groups) == 1, "one group: decay on every parameter"
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


def test_a_restored_state_goes_on_with_the_very_same_bits() -> None:
    recipe = tiny_recipe()
    unbroken, broken = stepper(recipe), stepper(recipe)
    for images, labels in BATCHES[:2]:
        unbroken.update(images, labels, 0.1)
    broken.restore(unbroken.export(2))
    for one in (unbroken, broken):
        one.update(*BATCHES[2], 0.1)
    expected, found = unbroken.export(3), broken.export(3)
    assert all(torch.equal(expected.network[name], found.network[name]) for name in expected.network)
    assert all(torch.equal(expected.momentum[name], found.momentum[name]) for name in expected.momentum)


def test_an_export_does_not_change_with_the_network() -> None:
    one = stepper(tiny_recipe())
    state = one.export(0)
    before = state.network["fc.weight"].clone()
    one.update(*BATCHES[0], 0.1)
    assert torch.equal(state.network["fc.weight"], before)


def test_the_fresh_state_is_the_networks_first() -> None:
    one = stepper(tiny_recipe())
    fresh = one.fresh_state()
    now = one.export(0)
    assert all(torch.equal(fresh.network[name], now.network[name]) for name in now.network)
    assert all(torch.equal(fresh.momentum[name], now.momentum[name]) for name in now.momentum)
