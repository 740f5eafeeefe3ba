"""Tells whether images are normalized as a network's were, by the statistics that its first BatchNorm has kept."""

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from cifar_tui.engine.checkpoints.checkpoint import ReadNetwork
from cifar_tui.engine.network.model import ResNet18
from cifar_tui.runs.reading import NORMALIZATIONS, Channels

IMAGES = 500
"""Images that are looked at, evenly from all."""
LEAST_GAP = 0.3
"""Standard deviations between the statistics from which they do not fit; augmentation alone makes a tenth."""
BETTER = 3.0
"""Another normalization is named where its gap is so many times smaller."""


def misfit_note(read: ReadNetwork, pixels: npt.NDArray[np.uint8]) -> str:
    """Return a sentence where another known normalization fits these images better; `pixels` are [N, 32, 32, 3].

    Empty where the one that is used fits, where none does, and where the file or a person says it.
    """
    known = read.sha256 or read.origin is not None or read.reading.normalization is not None
    if known or not isinstance(read.network, ResNet18):
        return ""
    some = pixels[:: max(len(pixels) // IMAGES, 1)][:IMAGES]
    images = torch.from_numpy(np.ascontiguousarray(some)).permute(0, 3, 1, 2).float() / 255
    gap = _gap(read.network, images, (read.mean, read.std))
    gaps = {name: _gap(read.network, images, normalization) for name, normalization in NORMALIZATIONS.items()}
    best = min(gaps, key=lambda name: gaps[name])
    if gap < LEAST_GAP or gaps[best] * BETTER > gap:
        return ""
    return f"The statistics in its first layer do not fit images normalized so; they fit --normalize {best}."


@torch.inference_mode()
def _gap(network: ResNet18, images: torch.Tensor, normalization: tuple[Channels, Channels]) -> float:
    """Return how far the first BatchNorm's input is from what it has kept, in its standard deviations."""
    convolution, kept = network.conv1[0], network.conv1[1]
    assert isinstance(kept, nn.BatchNorm2d)  # which the checker cannot know
    assert kept.running_mean is not None
    assert kept.running_var is not None
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in normalization)
    found: torch.Tensor = convolution((images - mean) / std)
    deviation = (kept.running_var + kept.eps).sqrt()
    in_mean = (found.mean((0, 2, 3)) - kept.running_mean).abs() / deviation
    in_spread = (found.std((0, 2, 3)) / deviation).clamp_min(1e-6).log().abs()
    return float((in_mean + in_spread).median())
