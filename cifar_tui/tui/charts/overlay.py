"""Curves of other runs on a chart, over the same axis, with colours and numbers of their own."""

import dataclasses
from collections.abc import Sequence

from cifar_tui import lazy_numpy as np
from cifar_tui import text
from cifar_tui.dataclass import dataclass
from cifar_tui.history.run_history import RunHistory
from cifar_tui.history.series import Floats, Points
from cifar_tui.tui.charts.axes import XAxis, YAxis, full_range
from cifar_tui.tui.charts.canvas import Trace
from cifar_tui.tui.charts.chart_kinds import ChartKind, Curve
from cifar_tui.tui.charts.chart_view import ChartView
from cifar_tui.tui.charts.drawing import STYLE_NUMBERS
from cifar_tui.tui.widgets.rows import cut

MAX_OVERLAID = 4
MIN_NAME = 4
"""Cells of a run's name, at least."""
MOST_NUMBERS = 8
"""Numbers along a curve of tests, at most; other curves get fewer."""
LABELS_AT = (0.45, 0.9)
"""Places of the numbers along other curves, as shares of them."""
CELLS_PER_DOT = 2.0
"""The curves of other runs are dotted, so that they differ from the run's own without colours, too."""
MOST_DOTS = 500
CELLS_PER_NUMBER = 6


@dataclass(frozen=True, slots=True, eq=False)
class OverlaidRun:
    """A run that is drawn over another."""

    name: str
    """The run's name."""
    number: int
    """Its number on the charts, from 1."""
    history: RunHistory
    """Its events, as far as they were read."""


@dataclass(frozen=True, slots=True)
class OverlaidCurve:
    """One curve of an overlaid run, ready to be drawn."""

    points: Points
    """x is already in the unit of the axis."""
    number: int
    """The run's."""
    curve: Curve
    """The curve of a run that it is."""


def overlay_reach(others: Sequence[OverlaidRun], view: ChartView) -> float:
    """Return the end of the longest run, in the unit of the view's axis; 0 without any."""
    return max((_reach(one.history, view) for one in others), default=0.0)


def _reach(history: RunHistory, view: ChartView) -> float:
    if view.axis == "time":
        return history.curves.seconds.last[1] if history.curves.seconds.last else 0.0
    end = full_range(history)[1]
    if view.axis == "step":
        return end
    return end / history.training.steps_per_epoch if history.training else 0.0


def overlaid_curves(
    others: Sequence[OverlaidRun], kind: ChartKind, view: ChartView, x: XAxis, columns: int
) -> list[OverlaidCurve]:
    """Return the curves of other runs that are in view; single batches only while nothing is smoothed."""
    found = []
    for one in others:
        own = XAxis.of(one.history, dataclasses.replace(view, window=None))
        if own.kind == x.kind:
            found += [_curve(one, curve, view, x, own, columns) for curve in _visible_curves(kind, view)]
    return [curve for curve in found if len(curve.points.x)]


def _visible_curves(kind: ChartKind, view: ChartView) -> list[Curve]:
    unwanted = {"smooth"} if view.smoothing == "off" else {"batch"}
    return [curve for curve in kind.curves if curve.label not in unwanted | view.hidden]


def _curve(one: OverlaidRun, curve: Curve, view: ChartView, x: XAxis, own: XAxis, columns: int) -> OverlaidCurve:
    series, low, high = curve.series(one.history.curves), own.step_of(x.low), own.step_of(x.high)
    if curve.smoothed:
        points = series.averaged(view.averaged_steps(high - low), columns, low, high)
    else:
        points = series.thinned(columns, low, high)
    places = own.places(points.x)
    in_view = (places >= x.low) & (places <= x.high)
    return OverlaidCurve(Points(places[in_view], points.y[in_view]), one.number, curve)


def line_traces(curves: Sequence[OverlaidCurve], x: XAxis, y: YAxis, size: tuple[int, int]) -> list[Trace]:
    """Return a line for each curve, dotted at even distances on a canvas of that size."""
    found = []
    for one in curves:
        places, heights = one.points.x, y.heights(one.points.y)
        lengths = _lengths(Points(places, heights), x, y, size)
        along = np.linspace(0, lengths[-1], int(min(lengths[-1] / CELLS_PER_DOT, MOST_DOTS)) + 1)
        found.append(
            Trace(Points(np.interp(along, lengths, places), np.interp(along, lengths, heights)), _style(one), "•")
        )
    return found


def number_traces(curves: Sequence[OverlaidCurve], x: XAxis, y: YAxis, size: tuple[int, int]) -> list[Trace]:
    """Return the numbers of the runs, on top of everything else: at some tests, and at some places of other curves."""
    found = []
    for one in curves:
        places, heights, last = one.points.x, y.heights(one.points.y), len(one.points.x) - 1
        room = _lengths(Points(places, heights), x, y, size)[-1] / CELLS_PER_NUMBER
        shares = np.linspace(1, 0, int(min(MOST_NUMBERS, room)) + 1) if one.curve.tests else np.array(LABELS_AT)
        chosen = np.unique(np.round(shares * last).astype(int))
        found.append(Trace(Points(places[chosen], heights[chosen]), _style(one), str(one.number)))
    return found


def _lengths(points: Points, x: XAxis, y: YAxis, size: tuple[int, int]) -> Floats:
    """The length of a line up to each of its points, in cells; one is twice as high as wide."""
    columns, rows = size
    across = np.diff(points.x, prepend=points.x[:1]) / (x.high - x.low) * columns
    heights = np.clip(points.y, y.limits.low, y.limits.high)
    up = np.diff(heights, prepend=heights[:1]) / (y.limits.high - y.limits.low) * rows * 2
    lengths: Floats = np.cumsum(np.hypot(across, up))
    return lengths


def _style(curve: OverlaidCurve) -> int:
    return STYLE_NUMBERS[f"other-{curve.number}"]


def overlay_legend(others: Sequence[OverlaidRun], width: int) -> str:
    """Return number and name of every run as markup, the names cut to the width."""
    if not others:
        return ""
    each = max(width // len(others) - len(" · 1 "), MIN_NAME)
    names = (cut(text.safe_text(one.name, 100), each).replace("[", "\\[") for one in others)
    return " · ".join(
        f"[$chart-other-{one.number}]{one.number}[/] {name}" for one, name in zip(others, names, strict=True)
    )
