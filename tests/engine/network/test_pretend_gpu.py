"""The CUDA path without a card: no device is mixed, nothing waits for the host, graphs are recorded as torch asks."""

import math
from collections.abc import Iterator, Sequence
from typing import get_args

import numpy as np
import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import DataDependentOutputException

from cifar_tui.engine.data.augment import DeviceDataset, plan_epoch
from cifar_tui.engine.evaluation.evaluate import logits_on
from cifar_tui.engine.network import accelerate
from cifar_tui.engine.network.accelerate import WARM_UPS, Accelerator
from cifar_tui.engine.network.device import Device, choose_device
from cifar_tui.engine.network.meter import StepMeter
from cifar_tui.engine.network.stepper import Stepper
from cifar_tui.events import StepDone
from cifar_tui.recipe import Acceleration, OptimizerName, Recipe
from tests.engine.network.pretend_gpu import CUDA, PRETEND, PretendedGraphs, pretended_tensors
from tests.engine.trained import tiny_recipe

PIXELS, LABELS = np.zeros((100, 32, 32, 3), dtype=np.uint8), np.arange(100) % 10


@pytest.fixture
def _on_a_pretended_gpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with pretended_tensors(monkeypatch):
        yield


@pytest.mark.parametrize("ema", [0.0, 0.99])
@pytest.mark.parametrize("optimizer", get_args(OptimizerName))
@pytest.mark.usefixtures("_on_a_pretended_gpu")
def test_a_step_mixes_no_devices_and_reads_nothing_on_the_host(optimizer: OptimizerName, ema: float) -> None:
    recipe = tiny_recipe(crop_padding=4, cutout=8, label_smoothing=0.1, ema=ema).with_optimizer(optimizer)
    images = DeviceDataset(PIXELS, LABELS, recipe, CUDA, recipe.crop_padding)
    plan = plan_epoch(recipe, images.count, 1, CUDA)
    batch, labels = images.batch(plan, slice(20, 40))
    assert (batch.device, batch.dtype, labels.device) == (CUDA, torch.float32, CUDA)
    assert batch.is_contiguous(memory_format=torch.channels_last)
    stepper, meter = Stepper(recipe, PRETEND), StepMeter(CUDA)
    stepper.norms.due = True
    result, norms = stepper.update(batch, labels, 0.1), stepper.norms.pop()
    assert norms is not None
    assert norms.device == CUDA
    assert {number.device for number in result} == {CUDA}
    meter.add(StepDone(1, 1, math.nan, math.nan, 20, 0.1, 0.0), result, norms)
    kept = stepper.export(1).optimizer.values()
    assert {tensor.device for tensors in kept for tensor in tensors.values()} == {torch.device("cpu")}
    with pytest.raises(DataDependentOutputException):  # what a step that reads a number would do here
        bool(result.loss > 0)


@pytest.mark.usefixtures("_on_a_pretended_gpu")
def test_a_test_mixes_no_devices() -> None:
    recipe = tiny_recipe()
    test = DeviceDataset(PIXELS, LABELS, recipe, CUDA, 0)
    network = Stepper(recipe, PRETEND).network
    for tta in (False, True):
        with pytest.raises((RuntimeError, NotImplementedError), match=r"numpy|FakeTensor"):
            logits_on(network, test, PRETEND, lambda _: True, tta=tta)  # all but taking the logits to the host


GPU = Device(torch.device("cuda"), "a pretended GPU", "", "fp32", channels_last=True)


def train(
    monkeypatch: pytest.MonkeyPatch, recipe: Recipe, steps: int, refuse: str = "", sides: Sequence[int] = (32,)
) -> tuple[list[float], PretendedGraphs, list[str], Accelerator]:
    """The losses of some updates and the norms of every other, every fifth with a ragged batch."""
    stepper, said = Stepper(recipe, choose_device(tiny_recipe(device="cpu"))), list[str]()
    graphs = PretendedGraphs(monkeypatch, stepper)
    graphs.refuse = refuse
    accelerator = Accelerator(stepper, recipe, GPU, steps, said.append)
    generator = torch.Generator().manual_seed(0)
    found = []
    for number in range(steps):
        count = 7 if number % 5 == 4 else recipe.batch_size
        side = sides[number * len(sides) // steps]
        images = torch.randn(count, 3, side, side, generator=generator)
        stepper.norms.due = number % 2 == 1
        loss, _ = accelerator.update(images, torch.arange(count) % 10, 0.1 / (number + 1))
        found.append(float(loss))
        if (norms := stepper.norms.pop()) is not None:
            assert number % 2 == 1
            found += norms.tolist()
    return found, graphs, said, accelerator


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The losses of the plain way."""
    with monkeypatch.context() as context:
        losses, graphs, _, _ = train(context, tiny_recipe(acceleration="eager"), 12)
    assert set(graphs.calls) == {"step on main"}
    return losses


def test_a_graph_is_recorded_as_torch_asks_and_gives_the_same_losses(
    monkeypatch: pytest.MonkeyPatch, plain: list[float]
) -> None:
    """torch, "CUDA semantics", CUDA graphs: warm-ups on a side stream that waits and is waited for, then record."""
    losses, graphs, said, accelerator = train(monkeypatch, tiny_recipe(acceleration="graph"), 12)
    warm_up = ["side waits for main", "step on side", "main waits for side"]
    ragged = ["step on main"]
    record = ["synchronize", "record, errors of this thread only: True", "recorded"]
    assert graphs.calls == [
        *warm_up * WARM_UPS,
        *record,
        *["replay"] * (4 - WARM_UPS),
        *ragged,
        *["replay"] * 4,
        *ragged,
        *["replay"] * 2,
    ]
    assert losses == plain
    assert (said, accelerator.tier) == ([], "graph")


@pytest.mark.slow
@pytest.mark.parametrize("changes", [{"optimizer": "adamw"}, {"ema": 0.9}])
def test_optimizers_and_averages_are_recorded_too(monkeypatch: pytest.MonkeyPatch, changes: dict[str, object]) -> None:
    with monkeypatch.context() as context:
        plain = train(context, tiny_recipe(acceleration="eager", **changes), 12)[0]
    losses, graphs, said, _ = train(monkeypatch, tiny_recipe(acceleration="graph", **changes), 12)
    assert (losses, said) == (plain, [])
    assert graphs.calls.count("recorded") == 1


@pytest.mark.slow
def test_a_graph_is_recorded_anew_when_the_images_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    sides = (16, 32)
    with monkeypatch.context() as context:
        plain = train(context, tiny_recipe(acceleration="eager"), 24, sides=sides)[0]
    losses, graphs, said, accelerator = train(monkeypatch, tiny_recipe(acceleration="graph"), 24, sides=sides)
    assert losses == plain
    assert graphs.calls.count("recorded") == 2
    assert graphs.calls.count("step on side") == 2 * WARM_UPS
    assert (said, accelerator.tier) == ([], "graph")


@pytest.mark.slow
def test_a_graph_that_cannot_be_recorded_costs_no_update(monkeypatch: pytest.MonkeyPatch, plain: list[float]) -> None:
    refuse = "operation not permitted when stream is capturing\nand pages more"
    losses, graphs, said, accelerator = train(monkeypatch, tiny_recipe(acceleration="graph"), 12, refuse)
    assert losses == plain
    assert "replay" not in graphs.calls
    assert accelerator.tier == "eager"
    assert said == [
        "Acceleration graph does not work here (operation not permitted when stream is capturing); "
        "training continues with eager."
    ]


class Compiled(nn.Module):
    """A network as torch.compile returns it, which fails when it is first used, if at all."""

    def __init__(self, network: nn.Module, trouble: str) -> None:
        super().__init__()
        self.network, self.trouble = network, trouble

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        if self.trouble:
            raise RuntimeError(self.trouble)
        logits: torch.Tensor = self.network(images)
        return logits


@pytest.mark.slow
@pytest.mark.parametrize(("trouble", "tier"), [("", "compile"), ("Failed to find C compiler", "graph")])
def test_a_network_that_cannot_be_compiled_is_recorded_as_it_is(
    monkeypatch: pytest.MonkeyPatch, plain: list[float], trouble: str, tier: Acceleration
) -> None:
    monkeypatch.setattr(torch, "compile", lambda network, dynamic: Compiled(network, trouble))
    losses, graphs, said, accelerator = train(monkeypatch, tiny_recipe(acceleration="compile"), 12)
    assert losses == plain
    assert accelerator.tier == tier
    assert graphs.calls.count("recorded") == 1
    assert said[0] == "Compiling the network: the next step may take a minute."
    assert [sentence for sentence in said[1:] if "Failed to find C compiler" in sentence] == said[1:]
    assert len(said) == (2 if trouble else 1)


@pytest.mark.slow
@pytest.mark.parametrize(("gain", "compiles"), [(1e9, True), (0.0, False)])
def test_auto_compiles_where_what_is_left_is_worth_it(
    monkeypatch: pytest.MonkeyPatch, plain: list[float], gain: float, compiles: bool
) -> None:
    monkeypatch.setattr(accelerate, "MEASURED", 2)
    monkeypatch.setattr(accelerate, "COMPILE_GAIN", gain)
    monkeypatch.setattr(torch, "compile", lambda network, dynamic: Compiled(network, ""))
    losses, graphs, said, accelerator = train(monkeypatch, tiny_recipe(acceleration="auto"), 12)
    assert losses == plain
    assert accelerator.tier == ("compile" if compiles else "graph")
    assert graphs.calls.count("recorded") == (2 if compiles else 1)
    assert bool(said) is compiles


def test_half_precision_with_a_loss_scaler_is_not_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    half = Device(torch.device("cuda"), "a pretended GPU", "", "fp16", channels_last=True)
    stepper = Stepper(tiny_recipe(), choose_device(tiny_recipe(device="cpu")))
    assert Accelerator(stepper, tiny_recipe(acceleration="graph"), half, 10, said.append).tier == "eager"
    assert said == ["CUDA graphs are not used: fp16 needs a loss scaler."]
