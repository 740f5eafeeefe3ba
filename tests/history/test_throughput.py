"""Images per second in the past of a run."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cifar_tui.history.series import Series
from cifar_tui.history.throughput import past_throughput


def seconds_of(*times: float) -> Series:
    series = Series()
    series.extend(np.arange(1.0, len(times) + 1), np.array(times))
    return series


def test_steps_are_counted_in_intervals_that_are_over() -> None:
    steps = seconds_of(1, 2, 3, 4, 4.5, 5, 5.5, 6, 7)
    assert past_throughput(steps, 100, 2.0, 10) == [100, 100, 200]
    assert past_throughput(steps, 100, 2.0, 1) == [200]
    assert past_throughput(steps, 100, 2.0, 0) == []
    assert past_throughput(seconds_of(1.9), 100, 2.0, 10) == []
    assert past_throughput(Series(), 100, 2.0, 10) == []


def test_a_step_of_many_intervals_is_spread_over_them() -> None:
    assert past_throughput(seconds_of(8, 16), 80, 2.0, 10) == [10] * 8


@given(st.lists(st.floats(0.001, 5.0), min_size=1, max_size=3_000))
def test_no_image_is_lost_or_made_up(gaps: list[float]) -> None:
    times = np.cumsum(gaps)
    past = past_throughput(seconds_of(*times.tolist()), 50, 2.0, 10**6)
    assert all(one >= 0 and math.isfinite(one) for one in past)
    assert len(past) == int(times[-1] // 2)
    done = int((times <= 2 * len(past)).sum())
    assert sum(past) * 2 == pytest.approx(50 * done, abs=51)
