"""The tutorial's ResNet-18 for 32×32 images, key for key (tutorial section 1; He et al. 2015)."""

import torch
from torch import nn
from torch.nn import functional

from cifar_tui.engine.network.convolution import Convolution
from cifar_tui.recipe import CLASSES


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions with a shortcut around them."""

    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        """Build a block; the shortcut is a 1×1 convolution where size or channels change."""
        super().__init__()
        self.left = nn.Sequential(
            Convolution(channels_in, channels_out, stride),
            nn.BatchNorm2d(channels_out),
            nn.ReLU(inplace=True),
            Convolution(channels_out, channels_out, stride=1),
            nn.BatchNorm2d(channels_out),
        )
        self.shortcut = nn.Sequential()
        if stride != 1 or channels_in != channels_out:
            self.shortcut = nn.Sequential(
                nn.Conv2d(channels_in, channels_out, kernel_size=1, stride=stride, bias=False),
                nn.BatchNorm2d(channels_out),
            )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Activations [N, channels_in, H, W] to [N, channels_out, H/stride, W/stride]."""
        out: torch.Tensor = self.left(images)
        out += self.shortcut(images)
        return functional.relu_(out)


class ResNet18(nn.Module):
    """3×3 stem, no max-pool, four stages of two blocks; 11,173,962 parameters at width 64 and ten classes."""

    def __init__(self, width: int = 64, classes: int = CLASSES, *, max_pool: bool = False) -> None:
        """Build the network with `width` channels in its first stage, for so many classes.

        Some projects have a 3×3 max-pool of stride 2 behind the first layer; it has no weights.
        """
        super().__init__()
        self.max_pool = max_pool
        self.conv1 = nn.Sequential(
            nn.Conv2d(3, width, kernel_size=3, stride=1, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
        )
        self.layer1 = _stage(width, width, stride=1)
        self.layer2 = _stage(width, 2 * width, stride=2)
        self.layer3 = _stage(2 * width, 4 * width, stride=2)
        self.layer4 = _stage(4 * width, 8 * width, stride=2)
        self.fc = nn.Linear(8 * width, classes)

    @property
    def width(self) -> int:
        """Channels of its first stage."""
        return self.fc.in_features // 8

    @property
    def classes(self) -> int:
        """Classes that it tells apart."""
        return self.fc.out_features

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Normalised images [N, 3, 32, 32], or smaller ones, to logits [N, classes]."""
        out = self.conv1(images)
        if self.max_pool:
            out = functional.max_pool2d(out, kernel_size=3, stride=2, padding=1)
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            out = stage(out)
        out = functional.avg_pool2d(out, out.shape[-1])
        logits: torch.Tensor = self.fc(out.flatten(1))
        return logits


def _stage(channels_in: int, channels_out: int, stride: int) -> nn.Sequential:
    return nn.Sequential(ResidualBlock(channels_in, channels_out, stride), ResidualBlock(channels_out, channels_out, 1))


def fresh_network(width: int, seed: int, classes: int = CLASSES) -> ResNet18:
    """A network with first weights fixed by the seed, leaving torch's own generator as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return ResNet18(width, classes)


def count_parameters(network: nn.Module) -> int:
    """Trainable numbers in a network."""
    return sum(weight.numel() for weight in network.parameters() if weight.requires_grad)
