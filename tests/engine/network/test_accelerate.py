"""Updates by graph and by compiled graph are those of the plain way; where there are none, it says so once."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch

from cifar_tui.engine.data.augment import DeviceDataset, plan_epoch
from cifar_tui.engine.network.accelerate import WARM_UPS, Accelerator
from cifar_tui.engine.network.device import choose_device
from cifar_tui.engine.network.meter import StepMeter
from cifar_tui.engine.network.stepper import Stepper, TrainingState
from cifar_tui.events import StepDone
from cifar_tui.recipe import Acceleration, Recipe
from tests.engine.trained import BATCH, tiny_recipe

NO_CUDA = "needs a CUDA device"
STEPS = WARM_UPS + 4


def losses(acceleration: Acceleration, device: str, said: list[str], precision: str = "fp32") -> list[float]:
    """The losses of some updates, every fourth with a ragged batch."""
    recipe = tiny_recipe(device=device, acceleration=acceleration, precision=precision)
    chosen = choose_device(recipe)
    accelerator = Accelerator(Stepper(recipe, chosen), recipe, chosen, STEPS, said.append)
    generator = torch.Generator().manual_seed(0)
    found = []
    for number in range(STEPS):
        count = 7 if number % 4 == 3 else recipe.batch_size
        images = torch.randn(count, 3, 32, 32, generator=generator).to(chosen.torch, memory_format=torch.channels_last)
        loss, _ = accelerator.update(images, (torch.arange(count) % 10).to(chosen.torch), 0.1 / (number + 1))
        found.append(float(loss))
    return found


def synthetic_images(recipe: Recipe, device: torch.device) -> DeviceDataset:
    pixels = np.random.default_rng(0).integers(0, 256, (100, 32, 32, 3), dtype=np.uint8)
    return DeviceDataset(pixels, np.arange(100) % 10, recipe, device, recipe.crop_padding)


def check_no_waits(step: Callable[[], None]) -> None:
    """Make steps of which none but the first, which choose kernels and are recorded, may wait for the device."""
    for _ in range(WARM_UPS + 1):
        step()
    torch.cuda.set_sync_debug_mode("error")
    try:
        for _ in range(3):
            step()
    finally:
        torch.cuda.set_sync_debug_mode("default")


@pytest.mark.parametrize("acceleration", ["graph", "compile"])
def test_a_cpu_trains_step_by_step_and_says_why(acceleration: Acceleration) -> None:
    said: list[str] = []
    assert losses(acceleration, "cpu", said) == losses("eager", "cpu", [])
    assert said == ["CUDA graphs are not used: CPU, 1 thread has no CUDA graphs."]


def test_auto_says_nothing_on_a_cpu() -> None:
    said: list[str] = []
    losses("auto", "cpu", said)
    assert said == []


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason=NO_CUDA)
@pytest.mark.parametrize("acceleration", ["graph", "compile", "auto"])
def test_a_tier_gives_the_losses_of_the_plain_way(acceleration: Acceleration) -> None:
    said: list[str] = []
    found, plain = losses(acceleration, "cuda", said), losses("eager", "cuda", [])
    assert found[:3] == pytest.approx(plain[:3], rel=1e-3)
    # Compiled kernels round in other places, and so small a network at so high a rate makes much of that.
    assert found == pytest.approx(plain, rel=0.05 if acceleration == "compile" else 1e-3)
    assert not [sentence for sentence in said if "does not work here" in sentence]


def kept(acceleration: Acceleration, device: str) -> TrainingState:
    """The state after updates with AdamW and an average, of which the last but one has a loss that is no number."""
    changes = {"device": device, "acceleration": acceleration, "precision": "fp32", "ema": 0.9}
    recipe = tiny_recipe(**changes).with_optimizer("adamw")
    chosen = choose_device(recipe)
    stepper = Stepper(recipe, chosen)
    accelerator = Accelerator(stepper, recipe, chosen, STEPS, lambda _: None)
    generator = torch.Generator().manual_seed(0)
    for number in range(STEPS):
        images = torch.randn(recipe.batch_size, 3, 32, 32, generator=generator)
        images[0, 0, 0, 0] = math.nan if number == STEPS - 2 else 0.0
        images = images.to(chosen.torch, memory_format=torch.channels_last)
        # A graph has to read the rate of each update.
        accelerator.update(images, (torch.arange(recipe.batch_size) % 10).to(chosen.torch), 1e-4 * (1 + number % 3))
    return stepper.export(STEPS)


@pytest.mark.parametrize(
    ("acceleration", "device"),
    [
        ("eager", "cpu"),
        *(
            pytest.param(
                tier, "cuda", marks=[pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason=NO_CUDA)]
            )
            for tier in ("eager", "graph", "compile")
        ),
    ],
)
def test_what_is_kept_beside_the_weights_is_that_of_the_plain_way(acceleration: Acceleration, device: str) -> None:
    found, plain = kept(acceleration, device), kept("eager", device)
    assert {int(updates) for updates in found.optimizer["updates"].values()} == {STEPS - 1}
    assert int(found.averaged) == STEPS - 1
    weights = found.optimizer["exp_avg"]
    assert all(bool(torch.isfinite(found.average[name]).all()) for name in weights), "statistics are put right later"
    for name in weights:
        assert torch.allclose(found.average[name], plain.average[name], rtol=1e-2, atol=1e-3)
        assert torch.allclose(found.optimizer["exp_avg"][name], plain.optimizer["exp_avg"][name], rtol=0.1, atol=1e-2)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason=NO_CUDA)
def test_a_tier_that_fails_falls_back_to_the_one_before(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("operation not permitted when stream is capturing\nand pages more")

    monkeypatch.setattr(Accelerator, "_capture", refuse)
    said: list[str] = []
    assert losses("graph", "cuda", said) == pytest.approx(losses("eager", "cuda", []), rel=1e-3)
    assert said == [
        "Acceleration graph does not work here (operation not permitted when stream is capturing); "
        "training continues with eager."
    ]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason=NO_CUDA)
@pytest.mark.parametrize("acceleration", ["eager", "graph", "compile"])
@pytest.mark.parametrize("changes", [{}, {"optimizer": "adamw", "ema": 0.9}], ids=str)
def test_a_step_never_waits_for_the_device(acceleration: Acceleration, changes: dict[str, object]) -> None:
    """Everything of a step: the batch, the update, its numbers into the meter."""
    recipe = tiny_recipe(device="cuda", acceleration=acceleration, crop_padding=4, cutout=8, **changes)
    device = choose_device(recipe)
    images = synthetic_images(recipe, device.torch)
    plan, meter = plan_epoch(recipe, images.count, 1, device.torch), StepMeter(device.torch)
    accelerator = Accelerator(Stepper(recipe, device), recipe, device, STEPS, lambda _: None)

    def step() -> None:
        result = accelerator.update(*images.batch(plan, slice(0, recipe.batch_size)), 0.1)
        meter.add(StepDone(1, 1, math.nan, math.nan, recipe.batch_size, 0.1, 0.0), result)

    check_no_waits(step)


def test_falling_back_goes_one_tier_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tiers' order, without a GPU: every tier but the plain one is made to fail."""
    recipe = tiny_recipe(acceleration="graph")
    device = choose_device(recipe)
    said: list[str] = []
    accelerator = Accelerator(Stepper(recipe, device), recipe, device, STEPS, said.append)
    said.clear()

    def fail(*_: object) -> None:
        raise RuntimeError("no such thing here")

    monkeypatch.setattr(accelerator, "_run_graph", fail)
    monkeypatch.setattr(accelerator, "_tier", "compile")
    accelerator.update(torch.randn(BATCH, 3, 32, 32), torch.arange(BATCH), 0.1)
    assert accelerator.tier == "eager"
    assert [sentence.split(" (")[0] for sentence in said] == [
        "Acceleration compile does not work here",
        "Acceleration graph does not work here",
    ]
