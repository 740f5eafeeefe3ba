"""A test that several ranks make together: each computes its part of the images, and each image counts once."""

import torch
from torch import nn

from cifar_tui.engine.data.augment import DeviceDataset
from cifar_tui.engine.evaluation.evaluate import batch_logits, batch_size
from cifar_tui.engine.network.device import Device
from cifar_tui.engine.network.ranks import Ranks


def shared_logits(network: nn.Module, test: DeviceDataset, device: Device, ranks: Ranks, start: int) -> torch.Tensor:
    """Return the logits of the images from one on, float32 [B, classes]: a batch of every rank, in the images' order.

    Every rank calls it at once. Raises RankLost.
    """
    batch = batch_size(device)
    own = torch.zeros((batch, test.classes), device=device.torch)
    first = start + ranks.rank * batch
    if first < test.count:
        logits = batch_logits(network, test, device, first)
        own[: len(logits)] = logits
    return ranks.gather(own)[: test.count - start]
