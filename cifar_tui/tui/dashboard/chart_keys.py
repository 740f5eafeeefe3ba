"""The keys that change the view on the charts, and what each makes of it."""

import dataclasses
from collections.abc import Callable

from textual.binding import Binding

from cifar_tui.history.run_history import RunHistory
from cifar_tui.tui.charts.axes import full_range
from cifar_tui.tui.charts.chart_kinds import CURVE_LABELS, LOSS
from cifar_tui.tui.charts.chart_view import ChartView

ZOOM = 0.5
PAN = 0.25
CURSOR_SHARE = 0.01
"""The way of the cursor at one key press, as a share of the stretch in view; a step at least."""

CHART_BINDINGS = [
    Binding("left", "view('point', -1)", "Cursor left", show=False, priority=True, tooltip="Read out an earlier step"),
    Binding("right", "view('point', 1)", "Cursor right", show=False, priority=True, tooltip="Read out a later step"),
    Binding("shift+left", "view('point', -10)", "Cursor far left", show=False, priority=True, key_display="⇧←",
            tooltip="Read out a much earlier step"),
    Binding("shift+right", "view('point', 10)", "Cursor far right", show=False, priority=True, key_display="⇧→",
            tooltip="Read out a much later step"),
    Binding("plus,equals_sign", "view('zoom', -1)", "Zoom in", show=False, key_display="+",
            tooltip="Zoom in on the charts"),
    Binding("minus", "view('zoom', 1)", "Zoom out", show=False, key_display="-", tooltip="Zoom out again"),
    Binding("left_square_bracket", "view('pan', -1)", "Earlier", show=False, key_display="[",
            tooltip="Move a zoomed chart to earlier steps"),
    Binding("right_square_bracket", "view('pan', 1)", "Later", show=False, key_display="]",
            tooltip="Move a zoomed chart to later steps"),
    Binding("y", "view('y_zoom', 1)", "Zoom in in height", show=False,
            tooltip="Halve the vertical axes, around the newest values or the cursor's"),
    Binding("Y", "view('y_zoom', -1)", "Zoom out in height", show=False, tooltip="Double the vertical axes again"),
    Binding("0", "view('follow')", "Reset zoom", show=False, key_display="0",
            tooltip="Show the whole run and its newest values again"),
    Binding("x", "view('axis')", "Axis", show=False, tooltip="X axis: steps, epochs or training time"),
    Binding("m", "view('smoothing')", "Smoothing", show=False,
            tooltip="Smooth the curves lightly, strongly or not at all"),
    Binding("g", "view('logarithmic')", "Logarithmic", show=False,
            tooltip="Loss and rate on a logarithmic or a linear axis"),
    Binding("k", "view('ticks')", "Ticks", show=False,
            tooltip="Mark epochs ┴, checkpoints ▾, pauses ‖ and rate changes ◆ below the charts"),
    *(
        Binding(str(number), f"view('curve', {number - 1})", f"Curve {label}", show=False,
                tooltip=f"Show or hide the curve '{label}'")
        for number, label in enumerate((curve.name for curve in LOSS.curves), start=1)
    ),
]  # fmt: skip


def _point(view: ChartView, history: RunHistory, steps: int) -> ChartView:
    """Move the cursor; it starts at the newest step."""
    low, high = view.window or (0.0, float(max(history.step, 1)))
    stride = max((high - low) * CURSOR_SHARE, 1.0) * steps
    start = view.cursor if view.cursor is not None else min(history.step, high)
    return view.pointed(start + stride, history.step)


def _zoom(view: ChartView, history: RunHistory, out: int) -> ChartView:
    """Zoom around the cursor, or at the newest step."""
    about = view.cursor if view.cursor is not None else float(history.step)
    return view.zoomed(1 / ZOOM if out > 0 else ZOOM, about, full_range(history))


CHANGES: dict[str, Callable[[ChartView, RunHistory, int], ChartView]] = {
    "point": _point,
    "zoom": _zoom,
    "pan": lambda view, history, direction: view.panned(PAN * direction, full_range(history)),
    "y_zoom": lambda view, _history, by: view.zoomed_in_y(by),
    "follow": lambda view, _history, _: view.followed(),
    "axis": lambda view, _history, _: view.next_axis(),
    "smoothing": lambda view, _history, _: view.next_smoothing(),
    "logarithmic": lambda view, _history, _: dataclasses.replace(view, logarithmic=not view.logarithmic),
    "ticks": lambda view, _history, _: dataclasses.replace(view, ticks=not view.ticks),
    "curve": lambda view, _history, place: view.toggled(CURVE_LABELS[place]),
}
"""The view after each of the changes that a binding names, from the view before, the history and the amount."""
