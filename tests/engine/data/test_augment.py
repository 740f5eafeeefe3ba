import dataclasses

import numpy as np
import pytest
import torch

from cifar_tui.engine.data.augment import DeviceDataset, EpochPlan, plan_epoch
from cifar_tui.presets import PRESETS, preset
from cifar_tui.recipe import Recipe

CPU = torch.device("cpu")
COUNT = 40


def pictures() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    return random.integers(0, 256, (COUNT, 32, 32, 3), dtype=np.uint8), random.integers(0, 10, COUNT)


def slowly(recipe: Recipe, pixels: np.ndarray, plan: EpochPlan, place: int) -> np.ndarray:
    """One augmented picture [3, S, S], the plain way: pad, crop, mirror, normalise, cut, halve."""
    picture = pixels[int(plan.order[place])]
    pad = recipe.crop_padding
    mode = {"reflect": "reflect", "zero": "constant"}[recipe.padding]
    padded = np.pad(picture, ((pad, pad), (pad, pad), (0, 0)), mode=mode)  # type: ignore[call-overload]
    top, left = int(plan.top[place]), int(plan.left[place])
    window = 24 if plan.side == 24 else 32
    crop = padded[top : top + window, left : left + window]
    if bool(plan.mirrored[place]):
        crop = crop[:, ::-1]
    normal = (crop / 255 - np.array(recipe.mean)) / np.array(recipe.std)
    if recipe.cutout:
        top, left = int(plan.cut_top[place]), int(plan.cut_left[place])
        normal[top : top + recipe.cutout, left : left + recipe.cutout] = 0
    if plan.side == 16:
        normal = normal.reshape(16, 2, 16, 2, 3).mean((1, 3))
    return np.asarray(normal.transpose(2, 0, 1))


GROWING = dataclasses.replace(preset("default"), sizes="growing", epochs=12)
CASES = [(named.recipe, 3, 32) for named in PRESETS.values() if named.recipe.sizes == "whole"]
CASES += [(GROWING, epoch, side) for epoch, side in ((3, 16), (4, 24), (9, 32))]
CASES += [(preset("short"), epoch, side) for epoch, side in ((12, 16), (13, 24), (19, 32))]


@pytest.mark.parametrize(("recipe", "epoch", "side"), CASES)
def test_a_batch_is_what_the_plain_way_gives(recipe: Recipe, epoch: int, side: int) -> None:
    pixels, labels = pictures()
    plan = plan_epoch(recipe, COUNT, epoch, CPU)
    bank = DeviceDataset(pixels, labels, recipe, CPU, recipe.crop_padding)
    images, targets = bank.batch(plan, slice(7, 27))
    assert images.shape == (20, 3, side, side)
    assert images.is_contiguous(memory_format=torch.channels_last)
    for place in range(7, 27):
        np.testing.assert_allclose(images[place - 7].numpy(), slowly(recipe, pixels, plan, place), atol=2e-6)
        assert targets[place - 7] == labels[int(plan.order[place])]


def test_every_image_comes_once_an_epoch_in_another_order() -> None:
    first, again, second = (plan_epoch(preset("default"), 500, epoch, CPU) for epoch in (1, 1, 2))
    assert sorted(first.order.tolist()) == list(range(500))
    for one, other in zip(dataclasses.astuple(first), dataclasses.astuple(again), strict=True):
        assert torch.equal(torch.as_tensor(one), torch.as_tensor(other))
    assert not torch.equal(first.order, second.order)
    other_seed = plan_epoch(dataclasses.replace(preset("default"), seed=1), 500, 1, CPU)
    assert not torch.equal(first.order, other_seed.order)


def test_the_alternating_flip_mirrors_each_image_every_other_epoch() -> None:
    def mirrored(epoch: int) -> torch.Tensor:
        plan = plan_epoch(preset("default"), 1_000, epoch, CPU)
        return plan.mirrored[plan.order.argsort()]

    assert torch.equal(mirrored(1), ~mirrored(2))
    assert torch.equal(mirrored(1), mirrored(3))
    assert 400 < int(mirrored(1).sum()) < 600


def test_the_random_flip_is_another_one_each_epoch_and_none_is_none() -> None:
    by_chance = [plan_epoch(preset("max"), 1_000, epoch, CPU) for epoch in (1, 2, 3)]
    flips = [plan.mirrored[plan.order.argsort()] for plan in by_chance]
    assert not torch.equal(flips[0], flips[2])
    assert all(400 < int(flip.sum()) < 600 for flip in flips)
    assert not plan_epoch(preset("tutorial"), 1_000, 1, CPU).mirrored.any()


def test_crops_and_cutouts_reach_every_place_and_stay_inside() -> None:
    plan = plan_epoch(preset("default"), 5_000, 1, CPU)
    assert (int(plan.top.min()), int(plan.top.max())) == (0, 8)
    assert (int(plan.left.min()), int(plan.left.max())) == (0, 8)
    assert (int(plan.cut_top.min()), int(plan.cut_top.max())) == (0, 20)
    assert (int(plan.cut_left.min()), int(plan.cut_left.max())) == (0, 20)
    plan = plan_epoch(GROWING, 5_000, 4, CPU)
    assert (int(plan.top.min()), int(plan.top.max())) == (0, 16), "windows of 24 pixels"
    assert (int(plan.cut_left.min()), int(plan.cut_left.max())) == (0, 12)


def test_test_images_are_normalised_and_nothing_else() -> None:
    pixels, labels = pictures()
    images, targets = DeviceDataset(pixels, labels, preset("tutorial"), CPU, 0).plain(0, 5)
    np.testing.assert_allclose(images.numpy(), (pixels[:5] / 255 - 0.5).transpose(0, 3, 1, 2) / 0.5, atol=2e-6)
    assert targets.tolist() == labels[:5].tolist()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_makes_the_same_batches() -> None:
    recipe = preset("default")
    pixels, labels = pictures()
    batches = []
    for device in (CPU, torch.device("cuda")):
        bank = DeviceDataset(pixels, labels, recipe, device, recipe.crop_padding)
        batches.append(bank.batch(plan_epoch(recipe, COUNT, 1, device), slice(0, COUNT))[0].cpu())
    torch.testing.assert_close(batches[0], batches[1])
