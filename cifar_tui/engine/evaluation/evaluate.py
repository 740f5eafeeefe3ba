"""Measures a network on the test images."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from cifar_tui.engine.data.augment import DeviceDataset
from cifar_tui.engine.evaluation.folded import for_measuring
from cifar_tui.engine.evaluation.metrics import EvaluationResult, evaluation_result
from cifar_tui.engine.network.device import PRECISIONS, Device
from cifar_tui.engine.network.winograd import winograd_pays

BATCH_ON_GPU = 1_000
"""Images measured at once on a GPU."""
BATCH_ON_CPU = 50
"""Images measured at once on a CPU: what fits its caches is fastest, and a request waits long for more."""
BATCH_BY_WINOGRAD = 100
"""Images measured at once where convolutions go by Winograd: a tenth faster than 50."""


def evaluate(
    network: nn.Module,
    test: DeviceDataset,
    device: Device,
    go_on: Callable[[int], bool],
    *,
    tta: bool = False,
    share: Callable[[int], torch.Tensor] | None = None,
) -> EvaluationResult | None:
    """Measure the network on every test image, without changing it; see `logits_on`."""
    logits = logits_on(network, test, device, go_on, tta=tta, share=share)
    return None if logits is None else evaluation_result(logits, test.labels.cpu().numpy())


def logits_on(
    network: nn.Module,
    test: DeviceDataset,
    device: Device,
    go_on: Callable[[int], bool],
    *,
    tta: bool = False,
    share: Callable[[int], torch.Tensor] | None = None,
) -> npt.NDArray[np.float32] | None:
    """Return the logits of every test image, float32 [N, classes], without changing the network.

    With `tta`, an image's logits are the mean of its own and its mirror image's (flip-TTA; Jordan 2024, airbench).
    `go_on` is called with the images done after each batch but the last; when it returns False, None is returned.
    `share` computes a batch with others: from an image on, as many logits as all of them do at once.
    """
    parts: list[torch.Tensor] = []
    done = 0
    was_training = network.training
    network.eval()
    try:
        measured = for_measuring(network, device) if share is None else network
        while done < test.count:
            if done and not go_on(done):
                return None
            parts.append(share(done) if share is not None else batch_logits(measured, test, device, done, tta))
            done += len(parts[-1])
    finally:
        network.train(was_training)
    logits: npt.NDArray[np.float32] = torch.cat(parts).cpu().numpy()
    return logits


def batch_size(device: Device) -> int:
    """Return the number of images that are measured at once."""
    if device.torch.type != "cpu":
        return BATCH_ON_GPU
    return BATCH_BY_WINOGRAD if winograd_pays(PRECISIONS[device.precision]) else BATCH_ON_CPU


@torch.inference_mode()
def batch_logits(
    network: nn.Module, test: DeviceDataset, device: Device, start: int, tta: bool = False
) -> torch.Tensor:
    """Return the logits of a batch from an image on, float32 [B, classes], on the device."""
    images, _ = test.plain(start, start + batch_size(device))
    with device.autocast():
        logits: torch.Tensor = network(images).float()
        if tta:
            logits = (logits + network(images.flip(3)).float()) / 2
    return logits
