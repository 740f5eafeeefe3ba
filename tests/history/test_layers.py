"""The norms of layers in the history: packed in events, bounded in memory, undone with their steps."""

import math
from pathlib import Path

import numpy as np
import orjson
import pytest

from cifar_tui.event_records import event_from_record, event_to_record
from cifar_tui.files.run_files import journal_path
from cifar_tui.history.curves import StepColumns
from cifar_tui.history.layers import CAPACITY, LayerHistory
from cifar_tui.history.run_history import RunHistory
from cifar_tui.layer_events import EVERY, NormsMeasured, is_measured, pack, unpack
from cifar_tui.runs.folder import RunFolder
from cifar_tui.runs.records.journal import read_feed
from cifar_tui.runs.records.recorder import Recorder
from tests import scripted

NAMES = ("stem", "body", "head")


def measured(step: int, gradient: float = 1.0, weight: float = 4.0) -> NormsMeasured:
    return NormsMeasured(step, pack([gradient, 2 * gradient, 3 * gradient]), pack([weight] * 3))


def history(*measurements: NormsMeasured) -> LayerHistory:
    found = LayerHistory()
    found.name(NAMES)
    for one in measurements:
        found.add(one)
    return found


def test_two_letters_hold_a_number_to_one_per_cent() -> None:
    numbers = [10.0**exponent * 1.2345 for exponent in range(-19, 20)]
    (found,) = unpack([pack(numbers)])
    assert found == pytest.approx(numbers, rel=0.012)


def test_zero_infinity_and_what_is_out_of_range_are_packed_too() -> None:
    (found,) = unpack([pack([0.0, math.nan, math.inf, 1e-300, 1e300])])
    assert found[:3].tolist() == [0.0, math.inf, math.inf]
    assert 0 < found[3] < 1e-19
    assert 1e20 < found[4] < math.inf


def test_many_are_unpacked_at_once() -> None:
    assert unpack([pack([1.0, 0.1]), pack([10.0, 0.0])]) == pytest.approx(np.array([[1, 0.1], [10, 0]]))


def test_the_first_step_and_every_twentieth_are_measured() -> None:
    assert [step for step in range(1, 62) if is_measured(step)] == [1, 20, 40, 60]


@pytest.mark.parametrize("text", ["", "A", "AAAA", "AAAAA=", "AAAAé?", "AAAA\n\n", "AAAAAAAA"])
def test_what_is_not_packed_is_passed_over(text: str) -> None:
    record = {**event_to_record(measured(1)), "weights": text}
    event = event_from_record(record)
    assert isinstance(event, NormsMeasured)
    assert history(event).steps.tolist() == []


def test_a_history_has_every_layer_at_every_measurement() -> None:
    found = history(measured(1), measured(20, 10.0))
    assert found.steps.tolist() == [1, 20]
    assert found.gradients == pytest.approx(np.array([[1, 2, 3], [10, 20, 30]]), rel=0.02)
    assert found.weights == pytest.approx(np.full((2, 3), 4), rel=0.02)


def test_a_long_run_takes_no_more_memory_and_loses_no_spike() -> None:
    count = 5 * CAPACITY
    steps = [measured(20 * number, 1e6 if number == 777 else 1.0) for number in range(1, count)]
    found = history(*steps)
    assert CAPACITY / 2 <= len(found.steps) <= CAPACITY
    place = int(np.argmax(found.gradients[:, 0]))
    assert found.gradients[place, 0] == pytest.approx(1e6, rel=0.02)
    assert found.steps[place] <= 777 * 20 < found.steps[place + 1]
    assert sorted(found.steps) == found.steps.tolist()


def test_going_back_forgets_what_came_after() -> None:
    found = history(*(measured(20 * number) for number in range(1, 11)))
    found.rewind(100)
    found.add(measured(120, 5.0))
    assert found.steps.tolist() == [20, 40, 60, 80, 100, 120]
    assert len(found.steps)
    found.rewind(60)
    found.add(measured(80, 7.0))
    assert found.steps.tolist() == [20, 40, 60, 80]
    assert found.gradients[-1, 0] == pytest.approx(7, rel=0.02)
    found.rewind(0)
    assert len(found.steps) == len(found.gradients) == 0


def test_a_resumed_run_keeps_its_norms_and_another_network_begins_anew() -> None:
    found = history(measured(20))
    found.name(NAMES)
    found.name(())
    assert found.steps.tolist() == [20]
    found.name(("one", "two"))
    assert (found.names, found.steps.tolist()) == (("one", "two"), [])
    found.add(measured(40))
    assert found.steps.tolist() == [], "of three layers, not of two"


def test_without_names_nothing_is_kept() -> None:
    found = LayerHistory()
    found.add(measured(20))
    found.rewind(0)
    assert (found.names, found.steps.tolist(), found.gradients.size) == ((), [], 0)


def test_what_is_unlike_the_median_before_it_is_marked_however_it_arrives() -> None:
    usual = [0.5 + number % 3 / 10 for number in range(40)]
    gradients = [*usual[:7], 9.0, *usual[:20], 8.0, 0.0, *usual[:5], math.nan, 0.5]
    steps = [measured(20 * number, gradient) for number, gradient in enumerate(gradients, 1)]
    at_once, one_by_one = history(*steps), history()
    for one in steps:
        one_by_one.add(one)
        assert len(one_by_one.steps)
    for found in (at_once, one_by_one):
        marks = {place: int(mark) for place, mark in enumerate(found.marks[:, 0]) if mark}
        assert marks == {7: 1, 28: 1, 29: -1, 35: 1}


def test_marks_survive_the_merging_of_buckets() -> None:
    gradients = [1e3 if number == 777 else 0.0 if number == 999 else 1.0 for number in range(3 * CAPACITY)]
    found = history(*(measured(20 * number, one) for number, one in enumerate(gradients, 1)))
    marked = {int(found.steps[place]) // 20: int(mark) for place, mark in enumerate(found.marks[:, 2]) if mark}
    assert list(marked.values()) == [1, -1]
    assert all(abs(place - near) <= 4 for place, near in zip(marked, (777, 999), strict=True))


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """The journal of 200 steps with their norms, as a recorder writes it."""
    begun = scripted.started()
    folder = RunFolder.create(tmp_path / "one", "one", begun.recipe)
    recorder = Recorder(folder)
    for event in scripted.opening():
        recorder.append_event(event)
    for number in range(1, 201):
        recorder.append_event(scripted.step(number))
        if is_measured(number):
            recorder.append_event(scripted.norms(number))
    recorder.close()
    folder.close()
    return journal_path(folder.path)


def test_norms_between_steps_do_not_tear_the_columns_of_a_journal_apart(journal: Path) -> None:
    history = RunHistory()
    with journal.open("rb") as file:
        items = list(read_feed(file))
    for item in items:
        history.apply(item)
    (columns,) = [item for item in items if isinstance(item, StepColumns)]
    assert columns["step"].tolist() == list(range(1, 201))
    assert history.step == 200
    assert history.curves.layers.steps.tolist() == [1, *range(20, 201, 20)]


def test_nor_do_the_blocks_in_which_a_journal_is_read(journal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with journal.open("rb") as file:
        (whole,) = [item for item in read_feed(file) if isinstance(item, StepColumns)]
    monkeypatch.setattr("cifar_tui.runs.records.journal.BLOCK_BYTES", 9_000)
    with journal.open("rb") as file:
        items = list(read_feed(file))
    (columns,) = [item for item in items if isinstance(item, StepColumns)]
    assert list(columns.rows()) == list(whole.rows())
    assert sum(isinstance(item, NormsMeasured) for item in items) == 11


def test_norms_are_less_than_a_twentieth_of_a_journal(journal: Path) -> None:
    lines = journal.read_bytes().splitlines(keepends=True)
    lengths: dict[str, list[int]] = {"StepDone": [], "NormsMeasured": []}
    for line in lines:
        lengths.setdefault(orjson.loads(line)["event"], []).append(len(line))
    step, norms = (sum(lengths[name]) / len(lengths[name]) for name in ("StepDone", "NormsMeasured"))
    assert norms / (EVERY * step) < 0.05
