"""A network that was trained on images normalized in another way is noticed before its accuracy is believed."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from cifar_tui.engine.checkpoints.checkpoint import read_network
from cifar_tui.engine.data.synthetic import draw_images
from cifar_tui.engine.evaluation.normalization_fit import misfit_note
from cifar_tui.recipe import CIFAR10_MEAN
from cifar_tui.runs.reading import NORMALIZATIONS, Channels, Reading
from tests.engine.formats.external_networks import KuangliuResNet

PIXELS = draw_images(lambda _: None, train_images=10, test_images=200).test.pixels


def trained_on(normalization: tuple[Channels, Channels], place: Path) -> Path:
    """A file whose statistics are those of images that are normalized so."""
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in normalization)
    network = KuangliuResNet(8).train()
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = None  # the mean over all batches
    images = torch.from_numpy(np.ascontiguousarray(PIXELS)).permute(0, 3, 1, 2).float() / 255
    with torch.no_grad():
        network((images - mean) / std)
    torch.save({"net": network.state_dict()}, place / "ckpt.pth")
    return place / "ckpt.pth"


@pytest.mark.parametrize("name", ["none", "half"])
def test_a_normalization_that_fits_better_is_named(tmp_path: Path, name: str) -> None:
    file = trained_on(NORMALIZATIONS[name], tmp_path)
    assert f"--normalize {name}" in misfit_note(read_network(file), PIXELS)
    told = read_network(file, Reading(normalization=NORMALIZATIONS[name]))
    assert misfit_note(told, PIXELS) == "", "a person's word holds"


def test_the_projects_own_normalization_is_not_doubted(tmp_path: Path) -> None:
    file = trained_on((CIFAR10_MEAN, (0.2023, 0.1994, 0.2010)), tmp_path)
    assert misfit_note(read_network(file), PIXELS) == ""
