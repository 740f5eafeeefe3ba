"""The text in a chart's borders: its heading above, its legend below."""

import math

from textual.content import Content

from cifar_tui import text
from cifar_tui.history.run_history import RunHistory
from cifar_tui.tui.charts.chart_kinds import ChartKind
from cifar_tui.tui.charts.chart_view import ChartView
from cifar_tui.tui.charts.drawing import PlottedCurve
from cifar_tui.tui.charts.overlay import OverlaidRun, overlay_legend


def heading(
    kind: ChartKind,
    history: RunHistory,
    view: ChartView,
    plotted: list[PlottedCurve],
    others: tuple[OverlaidRun, ...],
    width: int,
) -> str:
    """Return a chart's title and the state of its view as markup."""
    parts = [kind.title]
    if view.logarithmic and kind.logarithmic:
        parts.append("log")
    if view.smoothing == "strong" and any(one.curve.smoothed for one in plotted):
        parts.append("smoothed strongly")
    if view.window is not None or view.y_zoom:
        parts.append("zoomed (0 resets)")
    if view.cursor is not None:
        parts = [kind.title, _place(history, view.cursor)]
    not_finite = max((one.series.not_finite for one in plotted), default=0)
    if not_finite:
        parts.append(f"[$chart-mark]✗ {text.counted(not_finite, 'value')} NaN or infinite[/]")
    if others:
        parts.append(overlay_legend(others, width - len(_plain(" · ".join(parts)))))
    return " · ".join(parts)


def legend(kind: ChartKind, history: RunHistory, view: ChartView, plotted: list[PlottedCurve], width: int) -> str:
    """Return the curves' values at the cursor, or the newest, as markup in as much detail as fits."""
    # A stretch shows the values at its end, as the full run does.
    step = min(view.window[1], history.step) if view.cursor is None and view.window else view.cursor
    values = [(one, one.value_at(step)) for one in plotted]
    known = [(one, value) for one, value in values if value is not None]
    legends = (_legend(kind, known, detail=detail) for detail in (True, False))
    return next((one for one in legends if len(_plain(one)) <= width), "")


def _legend(kind: ChartKind, values: list[tuple[PlottedCurve, float]], *, detail: bool) -> str:
    """Sign, name and value of every curve; without detail no names."""
    parts = []
    for plotted, value in values:
        curve = plotted.curve
        shown = kind.format_value(value) if math.isfinite(value) else "–"
        parts.append(f"[$chart-{curve.style}]{curve.sign}[/] {f'{curve.name} ' if detail else ''}{shown}")
    return "  ".join(parts)


def _place(history: RunHistory, step: float) -> str:
    place = f"step {step:,.0f}"
    if history.training is not None:
        place += f" · epoch {(int(step) - 1) // history.training.steps_per_epoch + 1}"
    seconds = history.curves.seconds.at(step)
    return f"{place} · {text.clock(seconds)}" if math.isfinite(seconds) else place


def _plain(markup: str) -> str:
    return Content.from_markup(markup).plain
