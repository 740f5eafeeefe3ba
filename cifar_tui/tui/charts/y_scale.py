"""The limits of a chart's vertical axis, which do not jump with every new point."""

import math

from cifar_tui import lazy_numpy as np
from cifar_tui.history.series import Floats, Series
from cifar_tui.tui.charts.axes import XAxis, YAxis
from cifar_tui.tui.charts.chart_kinds import ChartKind, Curve
from cifar_tui.tui.charts.chart_view import ChartView
from cifar_tui.tui.charts.scale import Limits, fitted_limits, log_limits, within

SPIKE_SHARE = 0.01
"""The share of points at either end that may not set the scale; they are clipped to the edge and marked."""
WILD_TEST = 2.0
"""Times the median of the tests from which on a test is an outlier, too."""
FEW_TESTS = 3
"""With fewer of them no outlier can be told; they may stretch the scale by half of its height."""

Range = tuple[float, float]
"""A lowest and a highest value."""


class YScale:
    """The limits that a chart has had, linear and logarithmic."""

    def __init__(self, kind: ChartKind) -> None:
        """Start without limits."""
        self._kind = kind
        self._limits: dict[bool, Limits] = {}
        self._rows = 0

    def reset(self) -> None:
        """Forget the limits, so that the next ones are chosen freely."""
        self._limits = {}

    def fit(
        self,
        series: list[tuple[Curve, Series]],
        x: XAxis,
        view: ChartView,
        rows: int,
        others: list[tuple[Curve, Floats]],
    ) -> YAxis:
        """Return an axis of so many rows around what is in view: the curves, and the values of other runs' curves."""
        if rows != self._rows:
            self.reset()
            self._rows = rows
        logarithmic = view.logarithmic and self._kind.logarithmic
        low, high = self._range(series, x, others)
        if view.y_zoom:
            low, high = _zoomed(low, high, view, _focus(series, view), logarithmic=logarithmic)
        before = self._limits.get(logarithmic)
        if logarithmic:
            high = high if high > 0 else 1.0
            limits = log_limits(max(min(low, high), high * 1e-6), high, before)
        elif before is not None and before.serve(low, high):
            limits = before
        else:
            low, high = before.with_room(low, high) if before is not None else (low, high)
            limits = within(fitted_limits(low, high, rows), self._kind.floor, self._kind.ceiling, rows)
        self._limits[logarithmic] = limits
        return YAxis(limits, logarithmic)

    def _range(self, series: list[tuple[Curve, Series]], x: XAxis, others: list[tuple[Curve, Floats]]) -> Range:
        """The lowest and highest value in view, without the outliers of the batches and the wild ones of the tests."""
        share = SPIKE_SHARE if self._kind.spikes else 0.0
        batches = [one.spread(share, *x.steps) for curve, one in series if not curve.tests]
        batches += [_quantiles(values, share) for curve, values in others if not curve.tests]
        batches = [one for one in batches if math.isfinite(one[0])]
        tests = [(one.spread(0.0, *x.steps), one.spread(0.5)[0], one.count) for curve, one in series if curve.tests]
        tests += [
            (_quantiles(values, 0.0), float(np.median(values)), len(values)) for curve, values in others if curve.tests
        ]
        tests = [one for one in tests if math.isfinite(one[0][0])]
        ends = batches or [one for one, _, _ in tests] or [(0.0, 1.0)]
        low, high = min(low for low, _ in ends), max(high for _, high in ends)
        room = high + (high - low) / 2
        for (least, most), median, count in tests:
            low = min(low, least)
            bound = math.inf if self._kind.ceiling is not None else WILD_TEST * median if count >= FEW_TESTS else room
            high = max(high, min(most, bound))
        return low, high


def _quantiles(values: Floats, share: float) -> Range:
    if not len(values):
        return math.nan, math.nan
    low, high = np.quantile(values, [share, 1 - share])
    return float(low), float(high)


def _focus(series: list[tuple[Curve, Series]], view: ChartView) -> float:
    """The value to zoom in on: the newest test's, or the newest; at the cursor, where there is one. NaN without any."""
    values = [one.last[1] if view.cursor is None else one.at(view.cursor) for _, one in series if one.last is not None]
    return next((value for value in reversed(values) if math.isfinite(value)), math.nan)


def _zoomed(low: float, high: float, view: ChartView, focus: float, *, logarithmic: bool) -> Range:
    """The part of a range around a value, halved with every zoom."""
    if logarithmic and low > 0:
        ends = _zoomed(math.log(low), math.log(high), view, math.log(max(focus, low)), logarithmic=False)
        return math.exp(ends[0]), math.exp(ends[1])
    length = (high - low) / 2**view.y_zoom
    middle = min(max(focus, low), high) if math.isfinite(focus) else (low + high) / 2
    start = min(max(middle - length / 2, low), high - length)
    return start, start + length
