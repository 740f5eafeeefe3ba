"""Files of people's own networks, and a canary in them that tells if they were run."""

from pathlib import Path

import pytest

from cifar_tui.runs import own_code

CNN = """
from torch import nn


def make(classes):
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=4, padding=1), nn.BatchNorm2d(8), nn.ReLU(),
        nn.Flatten(), nn.Dropout(0.3), nn.Linear(8 * 8 * 8, classes),
    )
"""
"""BatchNorm and Dropout."""
VIT = """
import torch
from torch import nn


class TinyViT(nn.Module):
    def __init__(self, classes, width=16):
        super().__init__()
        self.patches = nn.Conv2d(3, width, 8, stride=8)
        self.places = nn.Parameter(torch.randn(1, 16, width) * 0.02)
        self.block = nn.TransformerEncoderLayer(width, 2, 32, dropout=0.1, batch_first=True, norm_first=True)
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, classes)

    def forward(self, images):
        tokens = self.patches(images).flatten(2).transpose(1, 2) + self.places
        return self.head(self.norm(self.block(tokens)).mean(1))


def make(classes):
    return TinyViT(classes)
"""
"""Attention, LayerNorm and Dropout."""
TIED = """
import torch
from torch import nn


class Tied(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 6, 8, stride=8), nn.Flatten())
        self.once = nn.Linear(96, 96)
        self.again = nn.Linear(96, 96)
        self.again.weight = self.once.weight
        self.frozen = nn.Linear(96, 96).requires_grad_(False)
        self.register_buffer("scale", torch.tensor(2.0))
        self.register_buffer("mask", torch.full((96,), float("-inf")), persistent=False)
        self.head = nn.LazyLinear(classes)

    def forward(self, images):
        hidden = self.again(self.once(self.stem(images)).relu()) * self.scale
        return self.head(self.frozen(hidden))


def make(classes):
    return Tied(classes)
"""
"""A weight with two names, frozen ones, lazy ones, a mask that is not saved."""
FILES = {"cnn": CNN, "vit": VIT, "tied": TIED}


def write_model(folder: Path, content: str = CNN, *, canary: Path | None = None) -> Path:
    """Write a model's file; with a canary, it writes that file each time it is run."""
    path = folder / "nets.py"
    line = f"with open({str(canary)!r}, 'a') as file:\n    file.write('run')\n" if canary is not None else ""
    path.write_text(line + content)
    return path


@pytest.fixture
def permissions(monkeypatch: pytest.MonkeyPatch) -> dict[str, own_code.AllowedCode]:
    """Begin with a process that may run nothing."""
    allowed: dict[str, own_code.AllowedCode] = {}
    monkeypatch.setattr(own_code, "_allowed", allowed)
    return allowed
