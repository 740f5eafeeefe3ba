import dataclasses
import math
import typing

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cifar_tui.checkpoint_events import ComparedImage, ComparedPair, EvaluationDone, WrongImage
from cifar_tui.event_records import event_from_record, event_to_record
from cifar_tui.events import KINDS, Event, StepDone
from cifar_tui.presets import preset
from cifar_tui.recipe import Recipe
from tests.scripted import started, step, verdict

SAMPLES: dict[object, object] = {
    str: "net_001.pth",
    int: 3,
    float: 0.5,
    bool: True,
    int | None: None,
    float | None: None,
    tuple[tuple[int, float], ...]: ((12, 0.5), (20, 2.0)),
    tuple[str, ...]: ("cat", "dog"),
    tuple[tuple[int, ...], ...]: ((1, 2), (3, 4)),
    tuple[int, ...]: (1, 2),
    tuple[float, ...]: (0.5, 0.25),
    tuple[ComparedPair, ...]: (ComparedPair(0, 1, 90, 4, 3, 3),),
    tuple[ComparedImage, ...]: (ComparedImage(7, 1, (0, 1), "AAAA"),),
    tuple[WrongImage, ...]: (WrongImage(7, 1, 0, (0.75, 0.25)),),
    Recipe: preset("quick"),
}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_every_event_survives_its_line_in_the_journal(kind: type) -> None:
    hints = typing.get_type_hints(kind)
    event = kind(**{field.name: SAMPLES.get(hints[field.name], "images") for field in dataclasses.fields(kind)})
    assert event_from_record(orjson.loads(orjson.dumps(event_to_record(event)))) == event


@pytest.mark.parametrize("loss", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_no_number_survives_json(loss: float) -> None:
    back = event_from_record(orjson.loads(orjson.dumps(event_to_record(step(1, loss=loss)))))
    assert isinstance(back, StepDone)
    assert str(back.loss) == str(loss)


def test_class_accuracy_is_the_diagonal_over_the_row() -> None:
    done = verdict("net_001.pth")
    assert done.class_accuracy(0) == pytest.approx(900 / sum(done.confusion[0]))
    empty = EvaluationDone("x", 0, 0.0, 0.0, ("a",), ((0,),), 0.0)
    assert math.isnan(empty.class_accuracy(0))


def test_a_verdict_of_an_older_journal_is_read_without_its_newer_numbers() -> None:
    newer = ("top3_accuracy", "calibration_error", "test_checksum", "wrongest")
    record = {name: value for name, value in event_to_record(verdict("net_001.pth")).items() if name not in newer}
    back = event_from_record(orjson.loads(orjson.dumps(record)))
    assert isinstance(back, EvaluationDone)
    assert (back.top3_accuracy, back.calibration_error, back.test_checksum, back.wrongest) == (None, None, "", ())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.slow
@given(
    st.sampled_from(["RunStarted", "StepDone", "EvaluationDone", "Progressed", "Nonsense"]),
    st.dictionaries(st.text(), JSON, max_size=3),
    JSON,
)
def test_any_record_is_an_event_or_a_value_error(kind: str, extra: dict[str, object], junk: object) -> None:
    samples: dict[str, Event] = {"RunStarted": started(), "EvaluationDone": verdict("net_001.pth")}
    good = event_to_record(samples.get(kind, step(1)))
    for name in list(good):
        record = {**good, **extra, "event": kind, name: junk}
        try:
            event_from_record(record)
        except ValueError:
            continue


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_every_event_says_if_it_is_recorded_and_undone(kind: type[Event]) -> None:
    assert isinstance(kind.recorded, bool)
    fields = {field.name for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    assert not kind.undone_by_rewind or "step" in fields, "a rewind compares its step"
