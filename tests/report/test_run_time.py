"""A run that is longer than an evening here is offered a preset that is not, with times from what was measured."""

import dataclasses
import math

import pytest

from cifar_tui.events import DataReady, Reopened, RunStopped, TrainingStarted
from cifar_tui.history.run_history import RunHistory
from cifar_tui.presets import PRESETS, preset, with_preset
from cifar_tui.report.run_time import run_seconds, shorter_preset, times_text
from tests import scripted


def measured(name: str, images_per_second: float, *, gpu: str = "", steps: int = 2, each: float = 10.0) -> RunHistory:
    """The history of a run on CIFAR-10 whose steps take `each` seconds."""
    recipe = preset(name)
    history = RunHistory()
    per_epoch = recipe.steps_per_epoch(50_000)
    history.apply(scripted.started(recipe=recipe))
    history.apply(DataReady("CIFAR-10", False, scripted.CLASSES, 50_000, 10_000, ""))
    history.apply(TrainingStarted("a device", gpu, "fp32", 1, per_epoch, per_epoch * recipe.epochs))
    for number in range(1, steps + 1):
        images = round(images_per_second * each)
        history.apply(dataclasses.replace(scripted.step(number), images=images, seconds=number * each))
    return history


def test_the_time_of_a_run_counts_its_tests() -> None:
    assert run_seconds(preset("default"), 50_000, 10_000, 100.0) == pytest.approx(80 * (50_000 + 10_000 / 3) / 100)


@pytest.mark.parametrize(
    ("name", "speed", "expected"),
    [
        ("default", 20.0, "minutes"),
        ("default", 50.0, "short"),
        ("default", 100.0, "quick"),  # 12 h, and 4 h with quick
        ("max", 400.0, "default"),
        ("quick", 50.0, "short"),
        ("default", 400.0, None),  # 3 h: an evening
        ("short", 20.0, "minutes"),
        ("max", 4.0, "minutes"),  # none ends in an evening: the shortest
        ("minutes", 4.0, None),  # 11 h, and nothing is shorter
    ],
)
def test_what_ends_in_an_evening_is_offered(name: str, speed: float, expected: str | None) -> None:
    offered = shorter_preset(measured(name, speed))
    assert (offered and offered.preset) == expected


def test_both_times_are_said() -> None:
    offered = shorter_preset(measured("default", 20.0))
    assert offered is not None
    assert times_text(offered) == "default takes about 2 d 11 h on this device, minutes about 2 h 13 min."


def test_nothing_is_offered_before_a_step_is_measured_nor_from_the_first_steps_of_a_gpu() -> None:
    assert shorter_preset(measured("default", 20.0, steps=0)) is None
    assert shorter_preset(measured("default", 20.0, steps=1)) is not None
    assert shorter_preset(measured("default", 20.0, steps=1, each=2.0)) is None
    assert shorter_preset(measured("default", 20.0, gpu="GPU-1", steps=1, each=60.0)) is None
    assert shorter_preset(measured("default", 20.0, gpu="GPU-1", steps=3, each=2.0)) is None
    assert shorter_preset(measured("default", 20.0, gpu="GPU-1", steps=3, each=10.0)) is not None


def test_a_run_that_has_ended_or_was_resumed_is_left_alone() -> None:
    ended = measured("default", 20.0)
    ended.apply(RunStopped(2, ""))
    assert shorter_preset(ended) is None
    resumed = measured("default", 20.0)
    resumed.apply(Reopened("/runs/one"))
    assert shorter_preset(resumed) is None


def test_another_preset_keeps_images_seed_and_device() -> None:
    before = dataclasses.replace(preset("default"), data="synthetic", seed=3, width=8, device="cpu", train_images=500)
    after = with_preset(before, "short")
    assert (
        dataclasses.replace(after, data="cifar10", seed=0, width=64, device="auto", train_images=None)
        == PRESETS["short"].recipe
    )
    assert math.isfinite(run_seconds(after, 500, 100, 1.0))


def test_an_epoch_that_the_recipe_does_not_have_is_no_reason_to_fail() -> None:
    history = measured("default", 20.0)
    history.apply(dataclasses.replace(scripted.step(3), epoch=81, seconds=30.0))
    assert shorter_preset(history) is None
