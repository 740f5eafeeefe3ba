"""The filter of runs: what is typed, what it finds, and one sentence for what cannot be meant."""

import dataclasses
import math
import time
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cifar_tui.errors import BadInput
from cifar_tui.option import options_of
from cifar_tui.own_model import OwnModel
from cifar_tui.presets import preset
from cifar_tui.recipe import Ancestor, Recipe
from cifar_tui.runs.overview import Overview
from cifar_tui.runs.where import field_names, parse_filter, parse_where

DAY = 86_400


def a_run(name: str = "one", **facts: object) -> Overview:
    """A finished run of the preset `quick`; `facts` are fields of the overview or of its recipe."""
    fields = {field.name for field in dataclasses.fields(Recipe)}
    recipe = dataclasses.replace(
        preset("quick"),
        **{key: value for key, value in facts.items() if key in fields},  # type: ignore[arg-type]
    )
    run = Overview(
        name=name,
        folder=Path("runs") / name,
        recipe=recipe,
        live=False,
        state="finished",
        epoch=26,
        step=2_600,
        total_steps=2_600,
        last_accuracy=0.93,
        best_accuracy=0.9341,
        best_epoch=25,
        started_at=time.time() - 3 * DAY,
        size=1_500_000_000,
        seconds=5_400.0,
        note="with smaller crops",
        tags=("night", "lr/high"),
    )
    return dataclasses.replace(
        run,
        **{key: value for key, value in facts.items() if key not in fields},  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    "where",
    [
        "preset=quick",
        "preset=QUICK",
        "preset==quick",
        "preset=short,quick",
        "preset!=short",
        "preset=q*",
        "name=one run=o?e",
        "accuracy>0.8",
        "accuracy>80%",
        "accuracy > 80",
        "best=93.41% best>=93.41 accuracy=0.9341",
        "last<93.41%",
        "state=finished",
        "state=fin*",
        "state!=running",
        "state=failed,finished",
        "tag=night tag=lr/*",
        "tag!=day",
        "note~smaller",
        "note~'smaller crops'",
        'note~"SMALLER crops" preset=quick',
        "note!~larger",
        "age>2d age<1w age>=72h",
        "time>1h time=90min time<2h",
        "size>1G size<2GB size=1500M size>1.3GiB",
        "epochs=26 epoch=26 step=2600 progress=100%",
        "batch=500 batch-size=500 batch_size>499",
        "seed=0,1",
        "lr<1 lr>0.01 learning-rate<1",
        "train-images=all",
        "train_images!=500",
        "model=resnet-18",
        "data=cifar10",
        "tensorboard=no skip-unreadable=false",
        'from=""',
        "left=none",
        "optimizer=sgd schedule~a classes=10 width=64",
    ],
)
def test_a_run_that_is_meant_is_found(where: str) -> None:
    assert parse_where(where)(a_run()), where


@pytest.mark.parametrize(
    "where",
    [
        "preset=short",
        "preset=quic",
        "preset!=quick",
        "preset!=short,quick",
        "preset=quick accuracy>94%",
        "accuracy>93.41%",
        "accuracy<93.41",
        "state=running",
        "tag=nigh",
        "tag!=night",
        'tag=""',
        "note!~crops",
        "age>7d",
        "size>2G",
        "train-images<500",
        "train-images>=0",
        "left<1h",
        "model~make",
        "from=*one*",
    ],
)
def test_a_run_that_is_not_meant_is_not_found(where: str) -> None:
    assert not parse_where(where)(a_run()), where


def test_what_a_run_does_not_have_yet_is_neither_more_nor_less() -> None:
    new = a_run(best_accuracy=None, last_accuracy=None, started_at=0.0, total_steps=0, note="", tags=())
    for field, value in (("accuracy", "80%"), ("last", "0"), ("age", "1d"), ("progress", "0")):
        assert not any(parse_where(f"{field}{operator}{value}")(new) for operator in ("<", "<=", ">", ">=", "="))
        assert parse_where(f"{field}!={value} {field}=none")(new)
    assert parse_where('tag="" note=""')(new)


def test_a_running_run_is_whatever_it_does() -> None:
    for state in ("starting", "training", "testing", "paused"):
        assert parse_where(f"state=running state={state} left<2h")(a_run(live=True, state=state, seconds_left=3_600.0))
    assert not parse_where("state=running")(a_run(live=True, state="finished")), "it is being evaluated"
    assert parse_where("state=no-data")(a_run(state="no data"))
    assert parse_where("state='no data'")(a_run(state="no data"))


def test_own_folders_networks_and_parents_are_found_by_their_names() -> None:
    run = a_run(
        data="/home/me/flowers",
        model=OwnModel(file="nets.py", function="wide", sha256="0" * 64),
        parent=Ancestor(run="old", checkpoint="net_007.pth", sha256="0" * 64, epoch=7),
    )
    assert parse_where("data=flowers data=/home/* model=wide model=nets.py model=nets.py:wide from=old from=old:7")(run)


@pytest.mark.parametrize(
    ("where", "sentence"),
    [
        ("", "The filter is empty"),
        ("  ", "The filter is empty"),
        ("short", "'short' is no term"),
        ("preset", "'preset' is no term"),
        ("0.8<accuracy", "'0.8<accuracy' is no term"),
        ("presset=short", r"no field 'presset' to filter by\. Did you mean preset\? There are: name, state, tag, note"),
        ("__class__=x", "'__class__=x' is no term"),
        ("preset<short", "preset is a text, which < cannot compare: use = != ~ or !~"),
        ("accuracy~8", "accuracy is a number, in which ~ cannot search"),
        ("accuracy>high", r"accuracy cannot be compared with 'high': type it as accuracy>80%\."),
        ("accuracy>800%", "type it as accuracy>80%"),
        ("accuracy>-1", "type it as accuracy>80%"),
        ("lr>nan", "lr cannot be compared with 'nan'"),
        ("lr>1e999", "lr cannot be compared with '1e999'"),
        ("lr>0.1,0.2", "lr> compares with one number"),
        ("train-images<all", "train_images< compares with one number"),
        ("age>7", r"type it as age>7d\."),
        ("size>1X", r"type it as size>1G\."),
        ("tensorboard=maybe", "type it as tensorboard=yes"),
        ("state=sleeping", r"state is never 'sleeping'\. There is: running, starting, .*failed, killed, no data\."),
        ("preset=", r'preset= needs a value; preset="" is an empty one'),
        ("note~'smaller crops", "quotation mark in note~'smaller is not closed"),
        ("preset=\x1b[2Jx y\x1b[2J", "'y�"),
    ],
)
def test_what_cannot_be_meant_is_answered_in_a_sentence(where: str, sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence) as error:
        parse_where(where)
    assert "\x1b" not in str(error.value)
    assert "\n" not in str(error.value)


def test_every_option_of_a_recipe_is_a_field_and_all_are_listed() -> None:
    flags = {option.flag.removeprefix("--").replace("-", "_") for option in options_of(Recipe).values()}
    assert flags <= set(field_names())
    with pytest.raises(BadInput) as error:
        parse_where("colour=red")
    assert all(name in str(error.value) for name in field_names())


def test_words_beside_terms_are_left_to_who_searches() -> None:
    words, where = parse_filter("night accuracy>90% crops")
    assert words == ["night", "crops"]
    assert where(a_run())
    assert parse_filter("")[1](a_run())


RUNS = st.builds(
    a_run,
    best_accuracy=st.none() | st.floats(0, 1),
    learning_rate=st.floats(1e-6, 10),
    seed=st.integers(0, 9),
    state=st.sampled_from(["finished", "failed", "stopped", "killed"]),
    tags=st.lists(st.sampled_from(["a", "b", "c/d"]), unique=True).map(tuple),
    note=st.text(max_size=20),
)


@pytest.mark.slow
@given(run=RUNS, text=st.text(max_size=60) | st.from_regex(r"([a-z_]{1,8}[=<>!~]{1,2}[^ ]{0,6} ?){1,4}"))
@example(run=a_run(), text="name=[")
@example(run=a_run(), text="name=[!" + "*a" * 30)
@example(run=a_run(), text="seed=9" + "9" * 400)
def test_whatever_is_typed_is_a_filter_or_a_sentence(run: Overview, text: str) -> None:
    try:
        where = parse_where(text)
    except BadInput as error:
        assert str(error).isprintable()
        return
    assert where(run) in (True, False)


@given(run=RUNS, field=st.sampled_from(["accuracy", "lr", "seed"]), number=st.floats(0, 1), negate=st.booleans())
def test_a_comparison_is_that_of_the_numbers(run: Overview, field: str, number: float, negate: bool) -> None:
    has = {"accuracy": run.best_accuracy, "lr": run.recipe.learning_rate, "seed": run.recipe.seed}[field]
    if has is not None and field == "accuracy":
        has = round(has, 4)
    less, equal, more = (parse_where(f"{field}{operator}{number!r}")(run) for operator in ("<", "=", ">"))
    if has is None:
        assert (less, equal, more) == (False, False, False)
    else:
        assert less + equal + more == 1
        if not math.isclose(has, number, rel_tol=1e-9):
            assert (less, more) == (has < number, has > number)
    if field != "seed":
        at_most, at_least = (parse_where(f"{field}{operator}{number!r}")(run) for operator in ("<=", ">="))
        assert (at_most, at_least) == (less or equal, more or equal)


@given(
    run=RUNS, terms=st.lists(st.sampled_from(["tag=a", "tag!=b", "seed<5", "state=f*", "note~a", "lr>1"]), min_size=1)
)
def test_all_terms_must_hold_in_any_order(run: Overview, terms: list[str]) -> None:
    expected = all(parse_where(term)(run) for term in terms)
    assert parse_where(" ".join(terms))(run) == parse_where("  ".join(reversed(terms)))(run) == expected
