import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cifar_tui.history.series import CAPACITY, Series

VALUES = st.lists(st.floats(allow_nan=True, allow_infinity=True, width=32), max_size=300)


def filled(values: list[float], *, shares: bool = False) -> Series:
    series = Series(shares=shares)
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


@pytest.mark.slow
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


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(st.floats(allow_nan=True, allow_infinity=True, width=32), max_size=4_000), max_size=4),
    st.integers(0, 3 * CAPACITY),
)
def test_many_points_at_once_are_the_same_as_one_by_one(blocks: list[list[float]], flat: int) -> None:
    one_by_one, at_once = Series(), Series()
    x = 0
    for values in [*blocks, [1.5] * flat, *blocks]:
        places = np.arange(x, x + len(values), dtype=np.float64)
        for place, value in zip(places, values, strict=True):
            one_by_one.append(float(place), value)
        at_once.extend(places, np.array(values, dtype=np.float64))
        x += len(values)
    assert (one_by_one.count, one_by_one.not_finite, one_by_one.marks) == (
        at_once.count,
        at_once.not_finite,
        at_once.marks,
    )
    assert (one_by_one.first, one_by_one.last) == (at_once.first, at_once.last)
    for width in (7, 100):
        ours, theirs = at_once.thinned(width, 0, max(x, 1)), one_by_one.thinned(width, 0, max(x, 1))
        assert ours.x.tolist() == theirs.x.tolist()
        assert ours.y.tolist() == theirs.y.tolist()


@given(VALUES, st.floats(0.5, 100), st.integers(1, 80))
def test_an_average_stays_within_the_values(values: list[float], width: float, columns: int) -> None:
    points = filled(values).averaged(width, columns, 0, len(values))
    finite = [value for value in values if math.isfinite(value)]
    assert len(points.x) == len(points.y) <= 2 * columns + 1
    assert np.isfinite(points.y).all()
    if finite:
        slack = 1e-3 + 1e-6 * max(abs(value) for value in finite)
        assert points.y.min() >= min(finite) - slack
        assert points.y.max() <= max(finite) + slack
        assert points.x[-1] == max(place for place, value in enumerate(values, 1) if math.isfinite(value))


def test_an_average_weighs_by_distance_not_by_count() -> None:
    series = Series()
    for x in [*range(1, 101), 1_000]:
        series.append(x, 1.0 if x <= 100 else 3.0)
    assert series.averaged(60, 100, 0, 1_000).y[-1] == 3.0, "what is further away counts for nothing"
    near = Series()
    for x in range(1, 102):
        near.append(x, 1.0 if x <= 100 else 3.0)
    assert near.averaged(60, 100, 0, 101).y[-1] < 1.2


def test_an_average_runs_neither_ahead_nor_behind() -> None:
    noise = np.random.default_rng(0).normal(0, 0.3, 2_000)
    line = np.linspace(3, 1, 2_000)
    points = filled((line + noise).tolist()).averaged(100, 100, 0, 2_000)
    inside = (points.x > 100) & (points.x < 1_900)
    away = points.y[inside] - np.interp(points.x[inside], np.arange(1, 2_001), line)
    assert abs(away.mean()) < 0.01
    assert away.std() < 0.06


@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize("share", [0.12, 0.4])
def test_an_accuracy_of_tiny_batches_is_averaged_as_it_is(batch: int, share: float) -> None:
    accuracies = np.random.default_rng(0).binomial(batch, share, 2_000) / batch
    points = filled(accuracies.tolist(), shares=True).averaged(400, 100, 0, 2_000)
    assert abs(points.y[20:-20].mean() - accuracies.mean()) < 0.01


@pytest.mark.parametrize(("usual", "wild"), [(1.0, 1e6), (0.001, 1.0), (0.001, 1e6)])
def test_one_wild_value_does_not_bend_an_average(usual: float, wild: float) -> None:
    values = [usual] * 400
    values[200] = wild
    assert filled(values).averaged(40, 100, 0, 400).y.max() < 1.5 * usual


def test_a_stretch_reaches_its_neighbours_and_no_further() -> None:
    series = filled([float(value) for value in range(1, 1_001)])
    points = series.thinned(40, 300, 320)
    assert points.x[0] == 299
    assert points.x[-1] == 321
    low, high = series.spread(0.0, 300, 320)
    assert (low, high) == (299, 321)
    assert series.at(310) == 310
    assert math.isnan(series.at(0))


def test_an_average_is_drawn_at_the_same_places_while_the_curve_grows() -> None:
    series = Series()
    series.extend(np.arange(500.0), np.sin(np.arange(500.0) / 40))
    before = series.averaged(20.0, 50, 0.0, 1_000.0)
    series.extend(np.arange(500.0, 517.0), np.ones(17))
    after = series.averaged(20.0, 50, 0.0, 1_000.0)
    settled = before.x[before.x < 480]
    assert after.x[: len(settled)].tolist() == settled.tolist()
    assert np.allclose(after.y[: len(settled)], before.y[: len(settled)])
    assert after.x[-1] == 516
