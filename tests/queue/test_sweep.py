"""Lists and ranges as people type them."""

from pathlib import Path

import pytest

from cifar_tui.errors import BadInput
from cifar_tui.option import options_of
from cifar_tui.queue.sweep import combinations, name_of, values_of
from cifar_tui.recipe import Recipe

OPTIONS = options_of(Recipe)


@pytest.mark.parametrize(
    ("field", "typed", "values"),
    [
        ("learning_rate", "0.1", ["0.1"]),
        ("learning_rate", "0.05, 0.1,0.1", ["0.05", "0.1"]),
        ("learning_rate", "0.1..0.5/0.1", ["0.1", "0.2", "0.3", "0.4", "0.5"]),
        ("learning_rate", "1e-3,2e-3", ["1e-3", "2e-3"]),
        ("seed", "0..4", ["0", "1", "2", "3", "4"]),
        ("seed", "0..9/3,7", ["0", "3", "6", "9", "7"]),
        ("seed", "3..3", ["3"]),
        ("schedule", "cosine,triangle", ["cosine", "triangle"]),
        ("keep", "best+last:3", ["best+last:3"]),
        ("data", "cifar10,mnist", ["cifar10", "mnist"]),
    ],
)
def test_values_are_read(field: str, typed: str, values: list[str]) -> None:
    assert values_of(OPTIONS[field], typed) == values


def test_a_folder_with_a_comma_is_one_value(tmp_path: Path) -> None:
    folder = tmp_path / "cats, dogs"
    folder.mkdir()
    assert values_of(OPTIONS["data"], str(folder)) == [str(folder)]


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("seed", "4..0", "--seed cannot be '4..0': a range is FIRST..LAST"),
        ("seed", "0..4/0", "a step above 0"),
        ("seed", "0..4/-1", "a step above 0"),
        ("seed", "a..b", "a range is FIRST..LAST"),
        ("seed", "..", "a range is FIRST..LAST"),
        ("seed", "0..nan", "a range is FIRST..LAST"),
        ("seed", "0..1e999999", "has more than 10,000 values"),
        ("seed", "0..99999999", "has more than 10,000 values"),
        ("seed", "0..1/0.5", "--seed takes whole numbers"),
        ("learning_rate", "0.1..0.5", r"--lr 0.1..0.5 needs a step, as 0.1..0.5/0.1\."),
        ("learning_rate", "1..2.5", "needs a step"),
        ("seed", "1,,2", r"--seed '1,,2' has a comma too many\."),
        ("seed", "", r"--seed needs a value\."),
        ("seed", "one", "--seed takes whole numbers"),
        ("learning_rate", "0,1,x", "--lr takes numbers"),
    ],
)
def test_what_is_none_is_refused_in_a_sentence(field: str, typed: str, sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence):
        values_of(OPTIONS[field], typed)


def test_every_combination_is_made_the_last_option_changing_first() -> None:
    made = combinations({"learning_rate": ["0.1", "0.2"], "epochs": ["5"], "seed": ["0", "1"]})
    assert [list(one.values()) for one in made] == [
        ["0.1", "5", "0"],
        ["0.1", "5", "1"],
        ["0.2", "5", "0"],
        ["0.2", "5", "1"],
    ]
    with pytest.raises(BadInput, match="These are 1,000,000 runs"):
        combinations({str(index): list(map(str, range(10))) for index in range(6)})


def test_a_run_is_named_by_what_it_has_of_its_own() -> None:
    flags = {"learning_rate": "--lr", "seed": "--seed", "data": "--data"}
    assert name_of("rates", {"learning_rate": "0.1", "seed": "2"}, flags) == "rates-lr0.1-seed2"
    assert name_of("rates", {"data": "/some/where/cats, dogs"}, flags) == "rates-datacats_dogs"
