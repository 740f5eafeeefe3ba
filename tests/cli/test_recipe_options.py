from pathlib import Path

import pytest

from cifar_tui.cli import default_preset
from cifar_tui.cli.default_preset import preset_for, preset_note
from cifar_tui.cli.options import parse_changes
from cifar_tui.cli.recipe_options import changed, check_changeable, data_note, new_recipe, optimizer_note
from cifar_tui.data_sets import DATA_SETS
from cifar_tui.errors import BadInput
from cifar_tui.recipe import Recipe


def test_values_become_a_recipe_without_a_command_line() -> None:
    typed = {"data": "synthetic", "data_dir": "images", "epochs": 3, "learning_rate": 0.05, "flip": None}
    recipe = new_recipe("quick", parse_changes(typed))
    assert (recipe.preset, recipe.data, recipe.epochs, recipe.learning_rate) == ("quick", "synthetic", 3, 0.05)
    assert (recipe.data_dir, recipe.flip) == (str(Path("images").absolute()), "alternating")


def test_a_value_that_is_none_of_the_choices_is_refused_by_its_flag() -> None:
    with pytest.raises(BadInput, match=r"--flip cannot be 'twice'\. Choose one of: none, random, alternating\."):
        parse_changes({"flip": "twice"})


def test_a_resumed_run_keeps_what_would_make_it_another_run() -> None:
    check_changeable({"epochs": 3, "learning_rate": 0.1, "keep": "all"}, set())
    with pytest.raises(BadInput, match=r"^--batch-size, --outf, --width cannot change in a run that is resumed"):
        check_changeable({"width": 8, "batch_size": 5}, {"--outf"})


@pytest.mark.parametrize(
    ("gpu", "device", "expected"),
    [
        (True, None, "default"),
        (True, "auto", "default"),
        (True, "cpu", "short"),
        (False, None, "short"),
        (False, "auto", "short"),
        (False, "cuda", "default"),
        (False, "mps", "default"),
    ],
)
def test_without_a_gpu_the_preset_is_short_and_that_is_said(
    monkeypatch: pytest.MonkeyPatch, gpu: bool, device: str | None, expected: str
) -> None:
    monkeypatch.setattr(default_preset, "has_gpu", lambda: gpu)
    recipe = new_recipe(preset_for(device), parse_changes({"device": device}))
    note = preset_note(recipe)
    assert recipe.preset == expected
    assert bool(note) == (expected == "short")
    if note:
        assert "training short, 20 epochs" in note
        device_typed = f" --device {device}" if device == "cpu" else ""
        assert note.endswith(f"--preset default trains 80: cifar-tui train --preset default{device_typed}")


def test_the_usual_preset_is_offered_for_what_the_run_trains_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(default_preset, "has_gpu", lambda: False)
    typed = {"data": "synthetic", "data_dir": "/two words", "width": 8, "epochs": 2, "learning_rate": 0.1, "seed": 3}
    note = preset_note(new_recipe(preset_for(None), parse_changes(typed)))
    assert "training short, 2 epochs" in note
    assert note.endswith("cifar-tui train --preset default --seed 3 --width 8 --data synthetic --data-dir '/two words'")


def test_a_data_set_brings_its_normalization_and_digits_are_not_mirrored_and_that_is_said() -> None:
    def begun(preset: str, **typed: object) -> tuple[Recipe, str]:
        changes = parse_changes(typed)
        recipe = new_recipe(preset, changes)
        return recipe, data_note(recipe, changes)

    recipe, note = begun("quick", data="mnist")
    assert (recipe.mean, recipe.std, recipe.flip) == (DATA_SETS["mnist"].mean, DATA_SETS["mnist"].std, "none")
    assert note == (
        "MNIST is normalized by its own mean and deviation, and not mirrored (--flip alternating does that)."
    )
    recipe, note = begun("quick", data="mnist", flip="random")
    assert (recipe.flip, note) == ("random", "MNIST is normalized by its own mean and deviation.")
    recipe, note = begun("max", data="cifar100")
    assert (recipe.flip, note) == ("random", "CIFAR-100 is normalized by its own mean and deviation.")
    for data in ("cifar10", "synthetic"):
        assert begun("quick", data=data)[1] == ""
    recipe, note = begun("tutorial", data="mnist")
    assert (recipe.mean, note) == ((0.5, 0.5, 0.5), "")


def test_another_optimizer_brings_a_rate_and_a_decay_that_suit_it_and_says_so() -> None:
    recipe = new_recipe("default", {"optimizer": "adamw"})
    assert (recipe.optimizer, recipe.learning_rate, recipe.weight_decay) == ("adamw", 0.002, 0.05)
    assert optimizer_note(recipe, {"optimizer": "adamw"}) == (
        "adamw trains with learning rate 0.002 and weight decay 0.05, from the preset's for SGD; "
        "--lr and --weight-decay set others."
    )
    assert changed(recipe, {"optimizer": "sgd"}) == new_recipe("default", {}), "a child's may be its parent's SGD again"


def test_what_was_typed_for_another_optimizer_is_taken_as_it_is() -> None:
    typed: dict[str, object] = {"optimizer": "adamw", "learning_rate": 0.01}
    recipe = new_recipe("max", typed)
    assert (recipe.learning_rate, recipe.weight_decay) == (0.01, 0.05)
    assert optimizer_note(recipe, typed) == (
        "adamw trains with weight decay 0.05, from the preset's for SGD; --weight-decay sets another."
    )
    assert optimizer_note(recipe, {**typed, "weight_decay": 0.0}) == ""
    assert optimizer_note(new_recipe("max", {}), {}) == ""


def test_momentum_is_refused_where_it_would_be_ignored() -> None:
    with pytest.raises(BadInput, match=r"^--momentum is for sgd: adamw does not use it\.$"):
        new_recipe("quick", {"optimizer": "adamw", "momentum": 0.8})
    assert new_recipe("quick", {"optimizer": "sgd", "momentum": 0.8}).momentum == 0.8
