"""The form of a network that is measured on a CPU computes what the network computes."""

import dataclasses

import pytest
import torch

from cifar_tui.engine.evaluation.folded import for_measuring
from cifar_tui.engine.network.device import Device, choose_device
from cifar_tui.engine.network.model import ResNet18
from tests.engine.trained import tiny_recipe


def trained() -> ResNet18:
    """A network whose running statistics are no longer those of a fresh one."""
    torch.manual_seed(0)
    network = ResNet18(8)
    for _ in range(3):
        network(2 * torch.randn(20, 3, 32, 32) + 1)
    return network


@pytest.mark.parametrize(("precision", "close"), [("fp32", 1e-5), ("bf16", 0.05)])
def test_it_gives_the_same_logits_and_leaves_the_network_as_it_is(precision: str, close: float) -> None:
    device = dataclasses.replace(choose_device(tiny_recipe()), precision=precision)
    network = trained()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    folded = for_measuring(network, device)
    images = torch.randn(30, 3, 32, 32)
    with torch.inference_mode(), device.autocast():
        found = folded(images).float()
    with torch.inference_mode():
        expected = network.eval()(images)
    torch.testing.assert_close(found, expected, atol=close * float(expected.abs().max()), rtol=0)
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in folded.modules())
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


def test_a_gpu_measures_the_network_itself() -> None:
    network = trained()
    gpu = Device(torch.device("cuda"), "a GPU", "", "bf16", channels_last=True)
    assert for_measuring(network, gpu) is network
