import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cifar_tui.series import CAPACITY, Series

VALUES = st.lists(st.floats(allow_nan=True, allow_infinity=True, width=32), max_size=300)


def filled(values: list[float]) -> Series:
    series = Series()
    for index, value in enumerate(values, start=1):
        series.append(index, value)
    return series


@given(VALUES, st.integers(1, 80))
def test_thinning_keeps_the_extremes_and_both_ends(values: list[float], columns: int) -> None:
    series = filled(values)
    points = series.thinned(columns, 0, len(values))
    finite = [value for value in values if math.isfinite(value)]
    assert np.isfinite(points.y).all()
    assert len(points.x) == len(points.y) <= 2 * columns + 6
    if finite:
        assert points.y.min() == min(finite)
        assert points.y.max() == max(finite)
        assert points.y[0] == finite[0]
        assert points.y[-1] == finite[-1]
    assert len(series.marks) == len(values) - len(finite)


@settings(max_examples=20, deadline=None)
@given(st.integers(CAPACITY - 3, 5 * CAPACITY), st.integers(0, 10_000))
def test_a_long_curve_stays_bounded_and_loses_no_spike(length: int, where: int) -> None:
    series = Series()
    spike = where % length
    for index in range(length):
        series.append(index, 1_000.0 if index == spike else float(index % 7))
    points = series.thinned(60, 0, length)
    assert points.y.max() == 1_000.0
    assert points.y.min() == 0.0
    assert len(points.x) <= 2 * 60 + 6
    assert series.count == length
    assert points.x[-1] == length - 1
    nearest = points.x[int(np.argmax(points.y))]
    assert abs(nearest - spike) <= length / 30


def test_an_empty_curve_has_no_points_and_no_spread() -> None:
    series = Series()
    assert len(series.thinned(10, 0, 10).x) == 0
    assert math.isnan(series.spread(0.1)[0])


def test_the_spread_leaves_spikes_out() -> None:
    low, high = filled([1.0] * 500 + [1e9] + [2.0] * 500).spread(0.01)
    assert (low, high) == (1.0, 2.0)
