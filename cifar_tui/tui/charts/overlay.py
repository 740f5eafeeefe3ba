"""Curves of other runs on a chart, over the same axis, with colours and numbers of their own."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from cifar_tui import text
from cifar_tui.history.run_history import RunHistory
from cifar_tui.history.series import Points
from cifar_tui.tui.charts.axes import XAxis, YAxis, full_range
from cifar_tui.tui.charts.canvas import Trace
from cifar_tui.tui.charts.chart_kinds import ChartKind, Curve
from cifar_tui.tui.charts.chart_view import ChartView
from cifar_tui.tui.charts.drawing import STYLE_NUMBERS
from cifar_tui.tui.widgets.rows import cut

COLOURS = ("secondary", "success", "warning", "primary")
"""Theme variables; numbers tell the runs apart without colours."""
MAX_OVERLAID = len(COLOURS)
MIN_NAME = 4
"""Cells of a run's name, at least."""
LABELS_AT = (0.45, 0.9)
"""Places of the numbers along a curve, as shares of it."""


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
    tests: bool
    """True where each point is a test, and so gets the number."""


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
        total = one.history.training.total_steps if one.history.training else one.history.step
        points = series.smoothed(view.half_life(total), columns, low, high)
    else:
        points = series.thinned(columns, low, high)
    places = own.places(points.x)
    in_view = (places >= x.low) & (places <= x.high)
    return OverlaidCurve(Points(places[in_view], points.y[in_view]), one.number, bool(curve.dots))


def value_ranges(curves: Sequence[OverlaidCurve]) -> list[tuple[float, float]]:
    """Return the lowest and the highest value of each curve."""
    return [(float(curve.points.y.min()), float(curve.points.y.max())) for curve in curves]


def line_traces(curves: Sequence[OverlaidCurve], y: YAxis) -> list[Trace]:
    """Return the traces below the run's own curves: a line for each, with its number at every test."""
    return [
        Trace(
            Points(curve.points.x, y.heights(curve.points.y)), _style(curve), str(curve.number) if curve.tests else ""
        )
        for curve in curves
    ]


def number_traces(curves: Sequence[OverlaidCurve], y: YAxis) -> list[Trace]:
    """Return the traces above everything else: numbers along the lines that have no tests."""
    found = []
    for curve in curves:
        heights = y.heights(curve.points.y)
        places = [round(share * (len(heights) - 1)) for share in LABELS_AT if not curve.tests]
        found += [
            Trace(Points(curve.points.x[at : at + 1], heights[at : at + 1]), _style(curve), str(curve.number))
            for at in places
        ]
    return found


def _style(curve: OverlaidCurve) -> int:
    return STYLE_NUMBERS[f"other-{curve.number}"]


def overlay_legend(others: Sequence[OverlaidRun], width: int) -> str:
    """Return number and name of every run as markup, the names cut to the width."""
    if not others:
        return ""
    each = max(width // len(others) - len(" · 1 "), MIN_NAME)
    names = (cut(text.safe_text(one.name, 100), each).replace("[", "\\[") for one in others)
    return " · ".join(
        f"[${COLOURS[one.number - 1]}]{one.number}[/] {name}" for one, name in zip(others, names, strict=True)
    )
