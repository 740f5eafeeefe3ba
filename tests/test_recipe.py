import dataclasses
import math
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cifar_tui.data_sets import DATA_SETS
from cifar_tui.errors import BadInput
from cifar_tui.presets import PRESETS, preset, with_preset
from cifar_tui.recipe import Ancestor, Recipe
from cifar_tui.schedule import Sizes
from cifar_tui.serialization import field_names, from_record, to_record


def test_the_presets_are_those_of_the_reference() -> None:
    tutorial, quick, default, best = (PRESETS[name].recipe for name in ("tutorial", "quick", "default", "max"))
    assert (tutorial.epochs, tutorial.batch_size, tutorial.learning_rate, tutorial.schedule) == (
        135,
        128,
        0.1,
        "constant",
    )
    assert (tutorial.nesterov, tutorial.crop_padding, tutorial.flip, tutorial.cutout) == (False, 0, "none", 0)
    assert (tutorial.mean, tutorial.std, tutorial.precision) == ((0.5,) * 3, (0.5,) * 3, "fp32")
    assert (quick.epochs, default.epochs) == (26, 80)
    assert dataclasses.replace(quick, epochs=80, preset="default") == default
    assert (default.batch_size, default.learning_rate, default.schedule, default.nesterov) == (
        500,
        0.2,
        "triangle",
        True,
    )
    assert (default.crop_padding, default.padding, default.flip, default.cutout) == (4, "reflect", "alternating", 12)
    assert (best.epochs, best.batch_size, best.learning_rate, best.schedule) == (200, 128, 0.1, "drops")
    assert (best.flip, best.cutout, best.crop_padding) == ("random", 16, 4)
    assert PRESETS["smoke"].recipe.train_images == 2_000
    assert all(named.recipe.momentum == 0.9 for named in PRESETS.values())
    decays = {name: named.recipe.weight_decay for name, named in PRESETS.items()}
    assert (decays.pop("short"), decays.pop("minutes")) == (1e-3, 1e-3)
    assert set(decays.values()) == {5e-4}
    assert [name for name, named in PRESETS.items() if named.recipe.label_smoothing] == ["minutes", "short"]
    assert [name for name, named in PRESETS.items() if named.recipe.sizes != "whole"] == ["minutes", "short"]


@pytest.mark.parametrize("momentum", [0.0, 1.0, -0.5, math.nan])
def test_an_impossible_momentum_is_refused(momentum: float) -> None:
    with pytest.raises(BadInput, match=r"The momentum must be a number above 0 and below 1, not "):
        dataclasses.replace(preset("quick"), momentum=momentum).check()


def test_a_cosine_goes_up_as_a_triangle_and_down_along_half_a_wave() -> None:
    triangle = preset("default")
    cosine = dataclasses.replace(triangle, schedule="cosine").check()
    total = 80 * 100
    rates = [cosine.learning_rate_at(step, 100) for step in range(1, total + 1)]
    up = total // 5
    assert rates[:up] == [triangle.learning_rate_at(step, 100) for step in range(1, up + 1)]
    assert rates[up] == max(rates) == pytest.approx(0.2)
    assert rates[up + (total - up) // 2] == pytest.approx(0.1, rel=0.01), "half of it in the middle"
    assert rates[up:] == sorted(rates[up:], reverse=True)
    assert 0 < rates[-1] < 1e-6


@pytest.mark.parametrize("sizes", ["growing", "growing-late"])
@pytest.mark.parametrize("epochs", [*range(1, 31), 1_000])
def test_images_that_grow_are_whole_in_the_end(epochs: int, sizes: Sizes) -> None:
    recipe = dataclasses.replace(preset("default"), sizes=sizes, epochs=epochs)
    sides = [recipe.side_in(epoch) for epoch in range(1, epochs + 1)]
    assert sides == sorted(sides)
    assert sides[-1] == 32
    assert set(sides) <= {16, 24, 32}
    work = [recipe.work_in(epoch) for epoch in range(1, epochs + 1)]
    assert work == pytest.approx([{16: 0.4, 24: 0.65, 32: 1.0}[side] for side in sides])


def test_short_takes_the_time_of_eleven_whole_epochs() -> None:
    recipe = preset("short")
    sides = [recipe.side_in(epoch) for epoch in range(1, recipe.epochs + 1)]
    assert sides == [16] * 12 + [24] * 6 + [32] * 2
    assert recipe.work(recipe.epochs) == pytest.approx(12 * 0.4 + 6 * 0.65 + 2)
    assert recipe.work(12.5) == pytest.approx(12 * 0.4 + 0.5 * 0.65)
    assert preset("quick").work(7.25) == 7.25


def test_runs_that_grew_early_still_do() -> None:
    """What an earlier version recorded goes on as it began."""
    recipe = dataclasses.replace(preset("short"), sizes="growing", epochs=12)
    assert [recipe.side_in(epoch) for epoch in range(1, 13)] == [16] * 3 + [24] * 5 + [32] * 4


def test_steps_per_epoch_keep_the_ragged_last_batch() -> None:
    assert preset("tutorial").steps_per_epoch(50_000) == 391
    assert preset("default").steps_per_epoch(50_000) == 100


def test_the_triangle_starts_at_a_fifth_peaks_at_a_fifth_and_ends_near_zero() -> None:
    recipe = preset("default")
    total = 80 * 100
    assert recipe.learning_rate_at(1, 100) == pytest.approx(0.04)
    assert recipe.learning_rate_at(total // 5 + 1, 100) == pytest.approx(0.2)
    assert recipe.learning_rate_at(total, 100) == pytest.approx(0.2 / (0.8 * total))
    rates = [recipe.learning_rate_at(step, 100) for step in range(1, total + 1)]
    assert max(rates) == pytest.approx(0.2)
    assert min(rates) > 0


def test_the_drops_come_at_epochs_60_120_and_160() -> None:
    recipe = preset("max")
    at_epoch = {
        epoch: recipe.learning_rate_at((epoch - 1) * 391 + 1, 391) for epoch in (1, 60, 61, 120, 121, 160, 161, 200)
    }
    assert at_epoch[60] == pytest.approx(0.1)
    assert at_epoch[61] == pytest.approx(0.02)
    assert at_epoch[120] == pytest.approx(0.02)
    assert at_epoch[121] == pytest.approx(0.004)
    assert at_epoch[160] == pytest.approx(0.004)
    assert at_epoch[161] == pytest.approx(0.0008)


def test_the_constant_rate_is_constant() -> None:
    assert {preset("tutorial").learning_rate_at(step, 391) for step in (1, 391, 135 * 391)} == {0.1}


@pytest.mark.parametrize(
    ("change", "quantity"),
    [
        ({"epochs": 0}, "epochs"),
        ({"batch_size": 0}, "batch size"),
        ({"learning_rate": -0.1}, "learning rate"),
        ({"learning_rate": float("nan")}, "learning rate"),
        ({"learning_rate": 0.0}, "learning rate"),
        ({"weight_decay": -1.0}, "weight decay"),
        ({"ema": 1.0}, "decay of the moving average"),
        ({"ema": -0.1}, "decay of the moving average"),
        ({"ema": float("nan")}, "decay of the moving average"),
        ({"label_smoothing": 1.0}, "label smoothing"),
        ({"label_smoothing": float("nan")}, "label smoothing"),
        ({"seed": -1}, "seed"),
        ({"width": 0}, "width"),
        ({"width": 12}, "multiple of 8"),
        ({"train_images": 5}, "training images"),
        ({"test_images": 0}, "test images"),
        ({"train_images": 100, "batch_size": 500}, "batch of 500"),
    ],
)
def test_an_impossible_choice_is_refused_in_one_sentence(change: dict[str, object], quantity: str) -> None:
    recipe = dataclasses.replace(preset("default"), **change)  # type: ignore[arg-type]
    with pytest.raises(BadInput, match=quantity) as refusal:
        recipe.check()
    assert "\n" not in str(refusal.value)


def test_an_unknown_preset_is_answered_with_the_names() -> None:
    with pytest.raises(BadInput, match="quick"):
        preset("fast")


def test_a_recipe_survives_its_record() -> None:
    for named in PRESETS.values():
        assert from_record(Recipe, to_record(named.recipe)) == named.recipe


@pytest.mark.slow
@given(
    st.dictionaries(
        st.sampled_from([*to_record(preset("max")), "other"]),
        st.none() | st.integers() | st.text() | st.lists(st.floats()),
    )
)
def test_any_record_is_a_recipe_or_one_named_error(changes: dict[str, object]) -> None:
    try:
        from_record(Recipe, {**to_record(preset("max")), **changes})
    except ValueError as error:
        assert any(name in str(error) for name in field_names(Recipe))


def test_a_changed_rate_holds_from_its_step_on_and_the_schedule_goes_on_scaled() -> None:
    recipe = preset("quick")
    changed = recipe.with_rate(0.05, 1_000, 100)
    assert changed.learning_rate_at(999, 100) == recipe.learning_rate_at(999, 100)
    assert changed.learning_rate_at(1_000, 100) == pytest.approx(0.05)
    factor = 0.05 / recipe.learning_rate_at(1_000, 100)
    assert changed.learning_rate_at(2_000, 100) == pytest.approx(factor * recipe.learning_rate_at(2_000, 100))
    again = changed.with_rate(0.01, 1_500, 100)
    assert again.learning_rate_at(1_499, 100) == changed.learning_rate_at(1_499, 100)
    assert again.learning_rate_at(1_500, 100) == pytest.approx(0.01)
    assert len(again.rate_changes) == 2
    assert from_record(Recipe, orjson.loads(orjson.dumps(to_record(again)))) == again


@pytest.mark.parametrize("rate", [0.0, -1.0, math.nan, math.inf])
def test_an_impossible_new_rate_is_refused(rate: float) -> None:
    with pytest.raises(BadInput, match="above 0"):
        preset("quick").with_rate(rate, 10, 100)


def test_a_folder_holds_images_or_a_download(tmp_path: Path) -> None:
    (tmp_path / "images" / "train").mkdir(parents=True)
    recipe = preset("quick")
    assert recipe.with_data_of("synthetic").data == "synthetic"
    assert recipe.with_data_of(str(tmp_path / "images")).data == str(tmp_path / "images")
    kept = recipe.with_data_of(str(tmp_path))
    assert (kept.data, kept.data_dir) == ("cifar10", str(tmp_path))
    (tmp_path / "MNIST" / "raw").mkdir(parents=True)
    digits = recipe.with_data_of(str(tmp_path))
    assert (digits.data, digits.data_dir, digits.flip) == ("mnist", str(tmp_path), "none")
    (tmp_path / "cifar-100-python").mkdir()
    assert digits.with_data_of(str(tmp_path)).data == "mnist", "the data set that was looked for comes first"


def test_other_data_bring_their_own_normalization_and_digits_are_not_mirrored() -> None:
    recipe = preset("quick")
    for data in (*DATA_SETS, "synthetic", "/a/folder"):
        there = recipe.with_data(data)
        named = DATA_SETS.get(data, DATA_SETS["cifar10"])
        assert (there.mean, there.std) == (named.mean, named.std)
        assert there.flip == ("alternating" if named.mirrored else "none")
        assert there.with_data("cifar10") == dataclasses.replace(recipe, flip=there.flip)
    assert recipe.with_data("cifar10") == recipe


def test_a_normalization_that_is_no_data_sets_own_stays() -> None:
    assert preset("tutorial").with_data("mnist").mean == (0.5, 0.5, 0.5)
    started = preset("quick").branched(Ancestor(run="one", checkpoint="net_001.pth", sha256="0"), 64)
    assert started.with_data("cifar100").mean == started.mean, "its weights were trained with it"


def test_another_preset_keeps_to_the_data_set() -> None:
    before = preset("default").with_data("mnist")
    after = with_preset(before, "quick")
    assert (after.data, after.mean, after.std, after.flip) == ("mnist", before.mean, before.std, "none")
