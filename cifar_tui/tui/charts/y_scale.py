"""The limits of a chart's vertical axis, which do not jump with every new point."""

import math

from cifar_tui.history.series import Series
from cifar_tui.tui.charts.axes import XAxis, YAxis
from cifar_tui.tui.charts.chart_kinds import ChartKind, Curve
from cifar_tui.tui.charts.chart_view import ChartView
from cifar_tui.tui.charts.scale import Limits, log_limits, nice_limits

SPIKE_SHARE = 0.01
"""The share of points at either end that may not set the scale; they are clipped to the edge and marked."""
FEW_POINTS_ROOM = 1.5
"""Factor by which a curve of few points may stretch the scale that the others set."""

Range = tuple[float, float]
"""A lowest and a highest value."""


class YScale:
    """The limits that a chart has had, linear and logarithmic."""

    def __init__(self, kind: ChartKind) -> None:
        """Start without limits."""
        self._kind = kind
        self._limits: dict[bool, Limits] = {}

    def reset(self) -> None:
        """Forget the limits, so that the next ones are chosen freely."""
        self._limits = {}

    def fit(
        self, series: list[tuple[Curve, Series]], x: XAxis, view: ChartView, max_ticks: int, others: list[Range]
    ) -> YAxis:
        """Return an axis around what sets the scale: the curves in view, and the ranges of other runs' curves."""
        logarithmic = view.logarithmic and self._kind.logarithmic
        low, high = self._range(series, x, others)
        before = self._limits.get(logarithmic)
        if logarithmic:
            high = high if high > 0 else 1.0
            limits = log_limits(max(min(low, high), high * 1e-6), high, before)
        else:
            limits = self._linear_limits(low, high, view, max_ticks, before)
        self._limits[logarithmic] = limits
        return YAxis(limits, logarithmic)

    def _range(self, series: list[tuple[Curve, Series]], x: XAxis, others: list[Range]) -> Range:
        share = SPIKE_SHARE if self._kind.spikes else 0.0
        many = [one.spread(share, *x.steps) for curve, one in series if one.count and not curve.dots]
        many = [*(spread for spread in many if math.isfinite(spread[0])), *others]
        few = [one.spread(0.0, *x.steps) for curve, one in series if one.count and curve.dots]
        few = [spread for spread in few if math.isfinite(spread[0])]
        low = min((low for low, _ in many or few), default=0.0)
        high = max((high for _, high in many or few), default=1.0)
        return low, max([high, *(min(most, high * FEW_POINTS_ROOM) for _, most in few)])

    def _linear_limits(self, low: float, high: float, view: ChartView, max_ticks: int, before: Limits | None) -> Limits:
        floor, ceiling = self._kind.floor, self._kind.ceiling
        if floor is not None and view.window is None:
            low = floor
        if high <= low:
            high = low + (ceiling or max(abs(low) * 0.1, 1e-3))
        if ceiling is not None and low >= ceiling:
            low, high = ceiling * 0.9, ceiling
        limits = nice_limits(low, high, max_ticks, before)
        if ceiling is not None and limits.high > ceiling:
            return Limits(limits.low, ceiling, limits.tick)
        return limits
