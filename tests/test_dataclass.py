"""Our frozen dataclasses are the library's in all but the time that making them takes."""

import copy
import dataclasses
import pickle
from dataclasses import field

import pytest

from cifar_tui.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Point:
    across: float
    down: float = 0.0
    tags: tuple[str, ...] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class Named(Point):
    name: str = ""
    secret: str = field(default="", repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Empty:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    number: int

    def __repr__(self) -> str:
        return f"number {self.number}"


@dataclass(slots=True)
class Counter:
    count: int = 0


def test_instances_are_equal_by_their_class_and_fields() -> None:
    assert Point(1.0) == Point(1.0, 0.0)
    assert Point(1.0) != Point(1.0, 2.0)
    assert Point(1.0) != Named(1.0)
    assert Named(1.0, secret="a") == Named(1.0, secret="b")
    assert Empty() == Empty()


def test_they_are_keys() -> None:
    assert {Point(1.0): "one", Empty(): "none"}[Point(1.0)] == "one"
    assert len({Point(1.0), Point(1.0), Point(2.0)}) == 2


def test_they_are_shown_with_their_fields() -> None:
    assert repr(Point(1.0)) == "Point(across=1.0, down=0.0, tags=())"
    assert repr(Named(1.0, secret="key")) == "Named(across=1.0, down=0.0, tags=(), name='')"
    assert repr(Own(number=3)) == "number 3"


def test_the_librarys_functions_know_them() -> None:
    point = Named(1.0, name="start")
    assert dataclasses.replace(point, down=2.0) == Named(1.0, 2.0, name="start")
    assert [one.name for one in dataclasses.fields(Point)] == ["across", "down", "tags"]
    assert dataclasses.asdict(Point(1.0)) == {"across": 1.0, "down": 0.0, "tags": ()}
    assert copy.copy(point) == point
    assert pickle.loads(pickle.dumps(point)) == point
    match point:
        case Named(across, down):
            assert (across, down) == (1.0, 0.0)


def test_they_have_slots_and_what_was_asked_for() -> None:
    assert not hasattr(Point(1.0), "__dict__")
    with pytest.raises(TypeError):
        Own(3)  # type: ignore[call-arg] # by name only
    with pytest.raises(TypeError):
        Point()  # type: ignore[call-arg]


def test_one_that_changes_is_the_librarys() -> None:
    counter = Counter()
    counter.count += 1
    assert counter == Counter(1)
    with pytest.raises(TypeError):
        hash(counter)
