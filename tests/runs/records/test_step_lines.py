import contextlib
import io
import math
import random

import orjson
import pytest

from cifar_tui.event_records import event_to_record
from cifar_tui.events import Event, Paused, StepDone
from cifar_tui.history.curves import STEP_FIELDS, StepColumns
from cifar_tui.history.run_history import FeedItem
from cifar_tui.runs.records.journal import from_line, read_feed
from cifar_tui.runs.records.step_lines import NO_STEP_OR_NORMS, other_lines, step_columns
from tests import scripted

SIZES = (0.0, -0.0, 5e-324, 3e-05, 1e-4, 0.1, 2.25, 1.0, 123456789.123, 1e15, 9007199254740993.0)
"""Numbers that JSON writes in every way that it has for a short one."""


def line(event: Event, at: float = 1795747277.55) -> bytes:
    return orjson.dumps({"at": at, **event_to_record(event)}, option=orjson.OPT_APPEND_NEWLINE)


def step(number: int, loss: float = 2.5, rate: float = 0.1) -> StepDone:
    return StepDone(number, 1 + number // 10, loss, 0.5, 128, rate, number / 7)


def feed(content: bytes) -> list[FeedItem]:
    return list(read_feed(io.BytesIO(content)))


def one_by_one(items: list[FeedItem]) -> list[StepDone]:
    lists = [item.last(10_000) if isinstance(item, StepColumns) else [item] for item in items]
    return [one for some in lists for one in some if isinstance(one, StepDone)]


def test_columns_are_what_each_line_holds() -> None:
    chance = random.Random(0)
    numbers = [*SIZES, *(chance.random() * 10 ** chance.randint(-20, 12) for _ in range(2_000))]
    steps = [step(place, number, chance.choice(numbers)) for place, number in enumerate(numbers, 1)]
    lines = [line(one, chance.choice(numbers)) for one in steps]
    columns = step_columns(b"".join(lines))
    assert columns.last(len(steps)) == steps == [from_line(one)[1] for one in lines]
    assert list(columns.columns) == list(STEP_FIELDS)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, 1e16, 1.5e300, -2e22])
def test_a_number_that_has_no_short_form_is_read_line_by_line(number: float) -> None:
    steps = [step(place, number if place == 12 else 0.5) for place in range(1, 31)]
    content = b"".join(map(line, steps))
    with pytest.raises(ValueError, match=r"."):
        step_columns(content)
    assert str(one_by_one(feed(content))) == str(steps)


@pytest.mark.parametrize(
    "strange",
    [
        b"\n",
        b"5\n",
        b'{"at":1,"event":"StepDone"}\n',
        b'{"at":1.5,"event":"StepDone","step":4,"ep\n',
        b'{"at":1.5,"event":"StepDone","step":4,"ep' + line(step(5)),
        b'{"at":1.5,"event":"EpochDone","ep' + line(step(5)),
        b"\0" * 100 + b"\n",
        b'{"at":1,"event":"StepDone","step":"five","epoch":1,"loss":1,"accuracy":1,"images":1,"seconds":1}\n',
        b'{"at":1,"event":"StepsDoneByAnother","step":5}\n',
    ],
)
@pytest.mark.parametrize("place", [0, 20, 40])
def test_a_line_that_is_none_of_ours_is_passed_over(strange: bytes, place: int) -> None:
    lines = [line(step(number)) for number in range(1, 41)]
    content = b"".join([*lines[:place], strange, *lines[place:]])
    assert [one.step for one in one_by_one(feed(content))] == list(range(1, 41))


def test_steps_whose_fields_are_in_another_order_are_read_by_their_names() -> None:
    steps = [step(number) for number in range(1, 41)]
    records = [dict(reversed(orjson.loads(line(one)).items())) for one in steps]
    content = b"".join(orjson.dumps(record) + b"\n" for record in records)
    assert one_by_one(feed(content)) == steps


@pytest.mark.parametrize(
    ("written", "changed"),
    [
        (b'"loss":2.5,"accuracy":0.5', b'"accuracy":0.5,"loss":2.5'),
        (b'"epoch":3,"loss":2.5', b'"poch":3,"loss":1e5'),
        (b'"loss":2.5', b'"loss":[2.5]'),
        (b'"step":20,', b'"step":"20",'),
        (b'"event":"StepDone","step":20,', b'"event": "StoppedDone","step":20,'),
        (b'{"at":1795747277.55,', b'{ "at":1795747277.55,'),
    ],
)
def test_one_strange_line_among_ours_is_read_as_it_is_by_itself(written: bytes, changed: bytes) -> None:
    lines = [line(step(number)) for number in range(1, 41)]
    lines[19] = lines[19].replace(written, changed)
    assert changed in lines[19]
    expected = []
    for one in lines:
        with contextlib.suppress(ValueError):
            expected.append(from_line(one)[1])
    assert one_by_one(feed(b"".join(lines))) == expected


def test_what_stands_between_steps_keeps_its_place() -> None:
    events: list[Event] = [*map(step, range(1, 31)), Paused(30), *map(step, range(31, 61))]
    items = feed(b"".join(map(line, events)))
    assert [type(item) for item in items] == [StepColumns, Paused, StepColumns]
    assert one_by_one(items) == [event for event in events if isinstance(event, StepDone)]


def test_other_lines_are_found_whole_and_norms_only_where_they_are_asked_for() -> None:
    pause, norms = line(Paused(30)), line(scripted.norms(20))
    block = b"".join([pause, line(step(1)), norms, line(step(2)), line(step(3)), pause, pause.rstrip(b"\n")])
    assert [block[start:end] for start, end in other_lines(block)] == [pause, norms, pause, pause.rstrip(b"\n")]
    few = [block[start:end] for start, end in other_lines(block, NO_STEP_OR_NORMS)]
    assert few == [pause, pause, pause.rstrip(b"\n")]
