"""A recipe that names a network of one's own, and one of an earlier version that cannot."""

import dataclasses

import pytest

from cifar_tui.errors import BadInput
from cifar_tui.own_model import OwnModel
from cifar_tui.presets import preset, with_preset
from cifar_tui.recipe import Recipe
from cifar_tui.report.preset_command import preset_command
from cifar_tui.report.recipe_changes import differences
from cifar_tui.serialization import from_record, to_record

OWN = OwnModel(file="nets.py", function="make", sha256="ab" * 32)
RECIPE = dataclasses.replace(preset("quick"), model=OWN)


def test_it_is_read_as_it_was_written_and_recipes_without_one_have_the_resnet() -> None:
    record = to_record(RECIPE)
    assert from_record(Recipe, record) == RECIPE
    del record["model"]
    assert from_record(Recipe, record) == preset("quick")
    assert (RECIPE.network, preset("quick").network) == ("nets.py:make", "ResNet-18")


@pytest.mark.parametrize(
    "wrong",
    [{"function": "os.system"}, {"function": ""}, {"sha256": "ab"}, {"sha256": "../" * 16}],
)
def test_what_cannot_be_a_function_of_a_file_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(BadInput, match="A recipe's model cannot be"):
        dataclasses.replace(RECIPE, model=dataclasses.replace(OWN, **wrong)).check()


def test_a_hostile_name_is_shown_safely() -> None:
    assert dataclasses.replace(OWN, file="\x1b[2Ja\nb" * 100).name.isprintable()


def test_another_preset_keeps_it_and_whole_images() -> None:
    other = with_preset(RECIPE, "short")
    assert (other.model, other.sizes, other.preset) == (OWN, "whole", "short")
    assert with_preset(preset("quick"), "short").sizes != "whole"
    assert "train --preset short --model nets.py:make" in preset_command(RECIPE, "short")


def test_recipes_that_differ_in_it_say_so() -> None:
    assert differences(preset("quick"), RECIPE) == ("network ResNet-18 → nets.py:make",)
    edited = dataclasses.replace(RECIPE, model=dataclasses.replace(OWN, sha256="cd" * 32))
    assert differences(RECIPE, edited) == ("network nets.py:make → nets.py:make (SHA-256 cdcdcdcdcdcd…)",)
    assert differences(RECIPE, RECIPE) == ()
