"""One chart of a run: curves over its steps, redrawn only when it would look different."""

import math
import time

import numpy as np
from textual import events
from textual.content import Content
from textual.geometry import Region
from textual.message import Message

from cifar_tui import text
from cifar_tui.history.run_history import RunHistory
from cifar_tui.history.series import Points, Series
from cifar_tui.tui.charts.axes import XAxis, YAxis, whole_run
from cifar_tui.tui.charts.canvas import Trace
from cifar_tui.tui.charts.chart_kinds import ChartKind, Curve
from cifar_tui.tui.charts.chart_view import ChartView
from cifar_tui.tui.charts.drawing import STYLE_NUMBERS, Drawing, centred, marks_above, rows_of, ticks_below
from cifar_tui.tui.charts.overlay import Overlaid, numbers, overlaid_curves, reach, spreads
from cifar_tui.tui.charts.overlay import legend as legend_of_runs
from cifar_tui.tui.charts.overlay import lines as lines_of
from cifar_tui.tui.charts.scale import Limits, log_limits, nice_limits
from cifar_tui.tui.widgets.rows import Rows

SPIKE_SHARE = 0.01
"""The share of points at either end that may not set the scale; they are clipped to the edge and marked."""
FEW_POINTS_ROOM = 1.5
"""How far a curve of few points may stretch the scale that the others set."""
BUDGET_SHARE = 0.0075
"""How much of one core a chart may spend on drawing itself."""
LEAST_SECONDS = 1.0
"""A chart is drawn no more often than that: nobody sees more, and every drawing is sent over the wire."""
ROWS_PER_TICK = 4
NOTHING_YET = "The first step is still to come."
WHEEL_ZOOM = 0.8
WHEEL_PAN = 0.1

DEFAULT_VIEW = ChartView()


class Chart(Rows):
    """A chart of one kind."""

    class ViewAsked(Message):
        """A person wants to look at the charts in another way."""

        def __init__(self, view: ChartView) -> None:
            super().__init__()
            self.view = view

    def __init__(self, kind: ChartKind, *, id: str, marker: str = "braille") -> None:  # noqa: A002 - textual's own name
        super().__init__(id=id, classes="panel")
        self.border_title = kind.title
        self._kind = kind
        self._marker = marker
        self._limits: dict[bool, Limits | None] = {True: None, False: None}
        self._key: tuple[object, ...] = ()
        self._drawn: tuple[object, ...] = ()
        self._draw_again_at = 0.0
        self._legend = ""
        self._heading = kind.title
        self._view = DEFAULT_VIEW
        self._history: RunHistory | None = None
        self._x: XAxis | None = None
        self._gutter = 0
        self._whole = (0.0, 1.0)
        self._others: tuple[Overlaid, ...] = ()
        self._last_step = 0

    def overlay(self, others: tuple[Overlaid, ...]) -> None:
        """Draw other runs over this one, from the next time it is shown on."""
        self._others = others
        self._limits = {True: None, False: None}

    def show(self, history: RunHistory, view: ChartView = DEFAULT_VIEW) -> bool:
        """Draw the history, unless it would look the same. Returns whether it must wait, its budget being spent.

        What a person asks for, another view or another size, waits for nothing, and neither does the last drawing of
        a run that pauses or ends.
        """
        self._history, self._view = history, view
        width, height = self.size
        if width < 12 or height < 4 or not self.display:
            return False
        asked = (view, width, height, self._others)
        drawn = (
            *asked,
            id(history),
            *(one.curves.version for one in (history, *(one.history for one in self._others))),
        )
        if drawn == self._drawn:
            return False
        now = time.perf_counter()
        resting = history.state == "paused" or not history.live
        if self._drawn[:4] == asked and now < self._draw_again_at and not resting:
            return True
        self._drawn = drawn
        if not history.step:
            self._key = ()
            self.set_rows(centred(NOTHING_YET, width, height))
            return False
        self._redraw(history, view, width, height)
        self._draw_again_at = now + max(LEAST_SECONDS, (time.perf_counter() - now) / BUDGET_SHARE)
        return False

    def on_resize(self) -> None:
        """Draw for the new room at once, so that it comes with the frame around it."""
        if self._history is not None:
            self.show(self._history, self._view)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Zoom in around the mouse; with shift or ctrl, move to earlier steps."""
        self._scrolled(event, WHEEL_ZOOM, -WHEEL_PAN)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Zoom out around the mouse; with shift or ctrl, move to later steps."""
        self._scrolled(event, 1 / WHEEL_ZOOM, WHEEL_PAN)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Put the cursor where the mouse is."""
        self._point(event)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Take the cursor along while the button is down."""
        if event.button:
            self._point(event)

    def _scrolled(self, event: events.MouseEvent, factor: float, share: float) -> None:
        event.stop()
        if self._x is None:
            return
        if event.shift or event.ctrl:
            view = self._view.panned(share, self._whole)
        else:
            view = self._view.zoomed(
                factor, self._step_under(event), self._whole if self._view.window else self._x.steps
            )
        self.post_message(self.ViewAsked(view))

    def _point(self, event: events.MouseEvent) -> None:
        if self._x is not None and self.content_region.contains(event.screen_x, event.screen_y):
            self.post_message(self.ViewAsked(self._view.pointed(self._step_under(event), self._last_step)))

    def _step_under(self, event: events.MouseEvent) -> float:
        assert self._x is not None
        column = event.screen_x - self.content_region.x - self._gutter
        return self._x.step_at((column + 0.5) / max(self.size.width - self._gutter, 1))

    def _redraw(self, history: RunHistory, view: ChartView, width: int, height: int) -> None:
        self._whole, self._last_step = whole_run(history), history.step
        x = XAxis.of(history, view, reach(self._others, view))
        curves = [curve for curve in self._kind.curves if self._visible(curve, view)]
        series = [(curve, curve.series(history.curves)) for curve in curves]
        lines = height - 2 if view.ticks else height - 1
        most = max(2, height // ROWS_PER_TICK)
        others = overlaid_curves(self._others, self._kind, view, x, width)
        y = self._fit(series, x, view, most, spreads(others))
        labels, self._gutter = y.labels(lines, most + 2, self._kind.axis_words)
        columns = width - self._gutter
        half_life = view.half_life(history.training.total_steps if history.training else history.step)
        found = [(curve, one, _points(curve, one, columns, x, half_life)) for curve, one in series]
        drawing = Drawing(
            (columns, lines),
            x,
            y,
            (
                *lines_of(others, y),
                *(
                    Trace(Points(x.places(points.x), y.heights(points.y)), STYLE_NUMBERS[curve.style], curve.dots)
                    for curve, _, points in found
                ),
                *numbers(others, y),
            ),
            marks_above(history, [one for _, one in series], found, y, x),
            ticks_below(history, x, columns) if view.ticks else (),
            view.cursor,
            self._marker,
        )
        self._x = x
        self._say(history, view, found)
        key = (drawing.key(), tuple(labels))
        if key != self._key:
            self._key = key
            self.set_rows(rows_of(drawing, labels, view.ticks))

    def _visible(self, curve: Curve, view: ChartView) -> bool:
        return curve.label not in view.hidden and not (curve.smoothed and view.smoothing == "off")

    def _fit(
        self,
        series: list[tuple[Curve, Series]],
        x: XAxis,
        view: ChartView,
        most_ticks: int,
        others: list[tuple[float, float]],
    ) -> YAxis:
        """The y limits around what sets the scale."""
        share = SPIKE_SHARE if self._kind.spikes else 0.0
        logarithmic = view.logarithmic and self._kind.logarithmic
        many = [one.spread(share, *x.steps) for curve, one in series if one.count and not curve.dots]
        many = [*(spread for spread in many if math.isfinite(spread[0])), *others]
        few = [one.spread(0.0, *x.steps) for curve, one in series if one.count and curve.dots]
        few = [spread for spread in few if math.isfinite(spread[0])]
        low = min((low for low, _ in many or few), default=0.0)
        high = max((high for _, high in many or few), default=1.0)
        high = max([high, *(min(most, high * FEW_POINTS_ROOM) for _, most in few)])
        before = self._limits[logarithmic]
        if logarithmic:
            high = high if high > 0 else 1.0
            limits = log_limits(max(min(low, high), high * 1e-6), high, before)
        else:
            if self._kind.floor is not None and view.window is None:
                low = self._kind.floor
            if high <= low:
                high = low + (self._kind.ceiling or max(abs(low) * 0.1, 1e-3))
            if self._kind.ceiling is not None and low >= self._kind.ceiling:
                low, high = self._kind.ceiling * 0.9, self._kind.ceiling
            limits = nice_limits(low, high, most_ticks, before)
            if self._kind.ceiling is not None and limits.high > self._kind.ceiling:
                limits = Limits(limits.low, self._kind.ceiling, limits.tick)
        self._limits[logarithmic] = limits
        return YAxis(limits, logarithmic)

    def _say(self, history: RunHistory, view: ChartView, found: list[tuple[Curve, Series, Points]]) -> None:
        """The values at the cursor, or the newest, in the lower border, and what else matters in the upper."""
        # A stretch says what holds at its end, as the whole run does.
        place = min(view.window[1], history.step) if view.cursor is None and view.window else view.cursor
        values = [(curve, _value(curve, one, points, place)) for curve, one, points in found]
        known = [(curve, value) for curve, value in values if value is not None]
        legends = (self._legend_of(known, view, detail) for detail in (2, 1, 0))
        legend = next((one for one in legends if len(_plain(one)) <= self.size.width - 2), "")
        heading = [self._kind.title]
        if view.logarithmic and self._kind.logarithmic:
            heading.append("log")
        if view.window is not None:
            heading.append("zoomed, 0 follows")
        if view.cursor is not None:
            heading = [self._kind.title, _where(history, view.cursor)]
        wrong = max((one.not_finite for _, one, _ in found), default=0)
        if wrong:
            heading.append(f"[$chart-mark]✗ {text.counted(wrong, 'value')} NaN or infinite[/]")
        if self._others:
            heading.append(legend_of_runs(self._others, self.size.width - 2 - len(_plain(" · ".join(heading)))))
        self._set_border(" · ".join(heading), legend)

    def _legend_of(self, values: list[tuple[Curve, float]], view: ChartView, detail: int) -> str:
        """Sign, name and value of every curve; less in detail, without how smooth it is, then without names."""
        parts = []
        for curve, value in values:
            label = f"{curve.label} {view.smoothing}" if curve.smoothed and detail == 2 else curve.label
            words = self._kind.words(value) if math.isfinite(value) else "–"
            parts.append(f"[$chart-{curve.style}]{curve.sign}[/] {f'{label} ' if detail else ''}{words}")
        return "  ".join(parts)

    def _set_border(self, heading: str, legend: str) -> None:
        """Put words into the borders. Assigning Textual's `border_title` would send the whole chart again."""
        width, height = self.size
        if heading != self._heading:
            self._heading = heading
            self._border_title = Content.from_markup(heading)
            self.refresh(Region(-1, -1, width + 2, 1))
        if legend != self._legend:
            self._legend = legend
            self._border_subtitle = Content.from_markup(legend)
            self.refresh(Region(-1, height, width + 2, 1))

    def _component(self, name: str) -> str:
        return f"chart--{name}" if name in STYLE_NUMBERS else super()._component(name)


def _points(curve: Curve, series: Series, columns: int, x: XAxis, half_life: float) -> Points:
    if curve.smoothed:
        return series.smoothed(half_life, columns, *x.steps)
    return series.thinned(columns, *x.steps)


def _value(curve: Curve, series: Series, points: Points, cursor: float | None) -> float | None:
    """What the legend says of a curve: its value at the cursor, else the newest; None when it has none at all."""
    if series.last is None:
        return None
    if cursor is None:
        return series.last[1] if not curve.smoothed else float(points.y[-1]) if len(points.y) else None
    if curve.smoothed:
        return float(np.interp(cursor, points.x, points.y)) if len(points.x) else None
    return series.at(cursor)


def _where(history: RunHistory, step: float) -> str:
    words = f"step {step:,.0f}"
    if history.training is not None:
        words += f" · epoch {(int(step) - 1) // history.training.steps_per_epoch + 1}"
    seconds = history.curves.seconds.at(step)
    return f"{words} · {text.clock(seconds)}" if math.isfinite(seconds) else words


def _plain(markup: str) -> str:
    return Content.from_markup(markup).plain
