"""Measures a network on the test images."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from cifar_tui.engine.augment import ImageBank
from cifar_tui.engine.device import Device
from cifar_tui.engine.model import CLASSES

BATCH_ON_GPU = 1_000
"""Images measured at once on a GPU."""
BATCH_ON_CPU = 200
"""Images measured at once on a CPU, where a request would wait long for more."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a network did on the test images."""

    images: int
    """Images measured."""
    loss: float
    """Mean cross-entropy."""
    accuracy: float
    """0 to 1."""
    confusion: tuple[tuple[int, ...], ...]
    """Images counted by [true class][predicted class]."""


def evaluate(
    network: nn.Module, test: ImageBank, device: Device, go_on: Callable[[int], bool], *, tta: bool = False
) -> Verdict | None:
    """Measure the network on every test image, without changing it.

    With `tta`, an image's logits are the mean of its own and its mirror image's (flip-TTA; Jordan 2024, airbench).
    `go_on` is called with the images done after each batch but the last; when it returns False, None is returned.
    """
    batch = BATCH_ON_CPU if device.torch.type == "cpu" else BATCH_ON_GPU
    loss_sum = torch.zeros(
        (), device=device.torch, dtype=torch.float64 if device.torch.type != "mps" else torch.float32
    )
    counts = torch.zeros(CLASSES * CLASSES, device=device.torch, dtype=torch.int64)
    was_training = network.training
    network.eval()
    try:
        for start in range(0, test.count, batch):
            if start and not go_on(start):
                return None
            loss, pairs = _measure(network, test, device, start, start + batch, tta)
            loss_sum += loss
            counts += pairs
    finally:
        network.train(was_training)
    confusion = counts.view(CLASSES, CLASSES).tolist()
    hits = sum(confusion[label][label] for label in range(CLASSES))
    rows = tuple(tuple(row) for row in confusion)
    return Verdict(test.count, float(loss_sum) / test.count, hits / test.count, rows)


@torch.inference_mode()
def _measure(
    network: nn.Module, test: ImageBank, device: Device, start: int, stop: int, tta: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    """The batch's loss, summed, and its (true, predicted) pairs counted: int64 [100]."""
    images, labels = test.plain(start, stop)
    with device.autocast():
        logits = network(images).float()
        if tta:
            logits = (logits + network(images.flip(3)).float()) / 2
    loss = functional.cross_entropy(logits, labels, reduction="sum")
    pairs = torch.bincount(labels * CLASSES + logits.argmax(1), minlength=CLASSES * CLASSES)
    return loss, pairs
