"""A form of a network that is only measured: on a CPU, its BatchNorms are part of its convolutions."""

import copy
import itertools

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from cifar_tui.engine.network.convolution import Convolution
from cifar_tui.engine.network.device import PRECISIONS, Device
from cifar_tui.engine.network.model import ResNet18


def for_measuring(network: nn.Module, device: Device) -> nn.Module:
    """Return a copy of a network that computes the same faster, in the device's precision.

    On a GPU it is the network itself, and so is one of people's own, whose code may look at its layers.

    What a BatchNorm does to each channel in a test, the weights and biases of the convolution before it can do.
    """
    if device.torch.type != "cpu" or not isinstance(network, ResNet18):
        return network
    folded = copy.deepcopy(network).eval()
    for sequence in [module for module in folded.modules() if isinstance(module, nn.Sequential)]:
        for (name, layer), (next_name, norm) in itertools.pairwise(list(sequence.named_children())):
            if isinstance(layer, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                sequence.add_module(name, fuse_conv_bn_eval(layer, norm))
                sequence.add_module(next_name, nn.Identity())
    memory_format = device.memory_format
    folded.to(dtype=PRECISIONS[device.precision], memory_format=memory_format)  # type: ignore[call-overload]
    for layer in folded.modules():
        if isinstance(layer, Convolution):
            layer.keep_changed_weight()
    return folded
