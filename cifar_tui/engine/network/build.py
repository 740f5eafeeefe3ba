"""Builds the network that a recipe means, the ResNet-18 or one of people's own; what differs is decided here."""

import torch
from torch import nn

from cifar_tui.engine.network import own_network
from cifar_tui.engine.network.device import Device
from cifar_tui.engine.network.model import ResNet18, fresh_network
from cifar_tui.errors import BadInput
from cifar_tui.recipe import SIDE, Recipe
from cifar_tui.schedule import size_stages
from cifar_tui.text import size

Shapes = dict[str, torch.Tensor]


def network_of(recipe: Recipe) -> nn.Module:
    """Return a recipe's network on the CPU, its first weights fixed by the seed. Raises BadInput."""
    if recipe.model is not None:
        return own_network.own_network(recipe.model, recipe.classes, recipe.seed)
    return fresh_network(recipe.width, recipe.seed, recipe.classes)


def shapes_of(recipe: Recipe) -> tuple[Shapes, Shapes]:
    """Return tensors of the shapes and types that a recipe's network has, and those of its weights that are trained.

    Their content does not matter. Raises BadInput.
    """
    if recipe.model is not None:
        network = network_of(recipe)
    else:
        with torch.device("meta"):
            network = ResNet18(recipe.width, recipe.classes)
    return dict(network.state_dict()), dict(trained(network))


def trained(network: nn.Module) -> dict[str, torch.nn.Parameter]:
    """Return the weights that are trained, by name: all but those that people have frozen."""
    return {name: weight for name, weight in network.named_parameters() if weight.requires_grad}


def place(network: nn.Module, device: Device) -> nn.Module:
    """Return the network on a device; channels last where that is faster and the network is known to allow it."""
    layout = device.memory_format if isinstance(network, ResNet18) else torch.contiguous_format
    placed: nn.Module = network.to(device.torch, memory_format=layout)  # type: ignore[call-overload] # torch's stub
    return placed


def check_network(recipe: Recipe) -> None:
    """Make a network of one's own and try it on a first batch, before anything is trained. Raises BadInput."""
    if recipe.model is None:
        return
    on_gpu = recipe.device != "cpu" and (torch.cuda.is_available() or torch.backends.mps.is_available())
    copies = 1 if on_gpu else own_network.COPIES
    network = own_network.own_network(recipe.model, recipe.classes, recipe.seed, copies)
    sides = tuple(sorted({side for _, side in size_stages(recipe.sizes, SIDE, recipe.epochs)}))
    own_network.check_first_batch(recipe.model, network, recipe.classes, sides)


def check_last_batch(recipe: Recipe, images: int) -> None:
    """Raise BadInput where an epoch over so many images ends with a single one that an own network cannot train on."""
    if recipe.model is None or images % recipe.batch_size != 1:
        return
    try:
        own_network.check_first_batch(recipe.model, network_of(recipe), recipe.classes, images=1)
    except BadInput as error:
        last = "The last batch of an epoch has a single image: choose another --batch-size."
        raise BadInput(f"{last} {error}") from None


def check_room(network: nn.Module, device: Device) -> None:
    """Raise BadInput where a GPU is too small for an own network's weights, gradients and momentum."""
    if device.torch.type != "cuda" or isinstance(network, ResNet18):
        return
    there = torch.cuda.mem_get_info(device.torch)[1]
    needed = own_network.COPIES * sum(weight.nbytes for weight in network.parameters())
    if needed > there:
        raise BadInput(f"The network takes {size(needed)} in training, and {device.name} has {size(there)}.")
