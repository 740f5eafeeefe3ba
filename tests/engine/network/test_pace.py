"""The pace of several processes: the slowest is the one whose own part of a step takes longest, of late."""

import pytest

from cifar_tui.engine.network.pace import LEAST_STEPS, READINGS, Pace, PaceOfAll, Reading


def measured(seconds: dict[int, float], beats: int = READINGS, steps: int = LEAST_STEPS) -> PaceOfAll:
    """Ranks that take so many seconds a step, after so many heartbeats with so many steps each."""
    paces = PaceOfAll()
    for beat in range(beats + 1):
        paces.add({rank: Reading(beat * steps, beat * steps * one) for rank, one in seconds.items()})
    return paces


def slowest(paces: PaceOfAll) -> tuple[int, float]:
    found = paces.slowest()
    assert found is not None
    return found.slowest, round(found.longer, 6)


def test_the_slowest_is_compared_with_the_mean_of_the_others() -> None:
    assert slowest(measured({0: 0.2, 1: 0.25})) == (1, 0.25)
    assert slowest(measured({0: 0.3, 1: 0.1, 2: 0.2})) == (0, 1.0)


@pytest.mark.parametrize(("beats", "steps"), [(READINGS, 0), (1, LEAST_STEPS - 1)])
def test_few_steps_tell_nothing(beats: int, steps: int) -> None:
    assert measured({0: 0.2, 1: 0.3}, beats, steps).slowest() is None


def test_one_process_alone_is_not_the_slowest() -> None:
    assert measured({0: 0.2}).slowest() is None


def test_what_was_long_ago_no_longer_counts() -> None:
    paces = measured({0: 0.2, 1: 0.9})
    steps, seconds = READINGS * LEAST_STEPS, {0: 0.2, 1: 0.9}
    for beat in range(1, READINGS + 1):
        more = beat * LEAST_STEPS
        paces.add({rank: Reading(steps + more, steps * one + more * 0.2) for rank, one in seconds.items()})
    assert slowest(paces)[1] == 0.0


def test_slow_steps_are_waited_for() -> None:
    """A step a beat at most: the mean goes over enough steps, however long ago the first of them was."""
    paces = PaceOfAll()
    for beat in range(4 * READINGS):
        steps = beat // 8
        paces.add({rank: Reading(steps, steps * one) for rank, one in {0: 5.0, 1: 6.0}.items()})
        assert (paces.slowest() is None) == (steps < LEAST_STEPS)


def test_only_what_lies_between_begin_and_end_is_measured() -> None:
    pace = Pace()
    for _ in range(3):
        pace.begin()
        pace.end()
    assert pace.reading.steps == 3
    assert pace.reading.seconds > 0
