"""The moving average follows the weights as the recipe says, and nothing of a broken step."""

import pytest
import torch

from cifar_tui.engine.network.device import choose_device
from cifar_tui.engine.network.stepper import Stepper
from tests.engine.trained import tiny_recipe

BATCHES = [(torch.randn(20, 3, 32, 32), torch.arange(20) % 10) for _ in range(4)]


def stepper(ema: float) -> Stepper:
    recipe = tiny_recipe(ema=ema, precision="fp32")
    return Stepper(recipe, choose_device(recipe))


@pytest.mark.parametrize("decay", [0.15, 0.999])
def test_an_average_moves_to_the_weights_and_statistics_by_a_share_that_falls(decay: float) -> None:
    one = stepper(decay)
    expected = one.fresh_state().network
    for number, batch in enumerate(BATCHES):
        one.update(*batch, 0.1)
        share = 1 - min(decay, (1 + number) / (10 + number))
        now = one.export(0).network
        expected = {name: mean + share * (now[name] - mean) for name, mean in expected.items()}
    found = one.export(0)
    assert int(found.averaged) == len(BATCHES)
    assert "conv1.1.running_var" in found.average
    for name, tensor in found.average.items():
        assert torch.allclose(tensor, expected[name], rtol=1e-5, atol=1e-6), name


def test_the_average_is_tested_and_saved_and_the_plain_weights_are_trained() -> None:
    averaged, plain = stepper(0.9), stepper(0.0)
    for batch in BATCHES:
        results = [one.update(*batch, 0.1) for one in (averaged, plain)]
        assert torch.equal(results[0].loss, results[1].loss)
    saved, trained = averaged.weights(), averaged.export(4).network
    assert all(torch.equal(tensor, plain.weights()[name]) for name, tensor in trained.items())
    assert not torch.equal(saved["fc.weight"], trained["fc.weight"])
    assert int(saved["conv1.1.num_batches_tracked"]) == len(BATCHES)
    tested = averaged.tested.state_dict()
    assert all(torch.equal(tensor, saved[name]) for name, tensor in tested.items())
    assert plain.tested is plain.network
    assert plain.export(4).average == {}


def test_a_broken_step_reaches_no_average_but_those_of_statistics_which_are_put_right() -> None:
    one = stepper(0.9)
    one.update(*BATCHES[0], 0.1)
    good = one.export(1)
    one.update(BATCHES[1][0] * torch.nan, BATCHES[1][1], 0.1)
    broken = one.export(2)
    assert broken.averaged == good.averaged
    weights = {name for name, _ in one.network.named_parameters()}
    assert all(torch.equal(broken.average[name], good.average[name]) for name in weights)
    assert not one.finite()
    one.restore_bn_stats(good)
    assert one.finite()
    assert all(torch.equal(tensor, good.average[name]) for name, tensor in one.export(2).average.items())


def test_a_state_whose_average_alone_is_broken_is_not_finite() -> None:
    one = stepper(0.9)
    one.tested.state_dict()["fc.bias"][0] = torch.inf
    assert not one.finite()
