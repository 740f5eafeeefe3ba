"""One chart of a run: curves over its steps, redrawn only when it would look different."""

from dataclasses import field

from textual import events
from textual.message import Message

from cifar_tui.dataclass import dataclass
from cifar_tui.history.run_history import RunHistory
from cifar_tui.tui.charts.axes import XAxis, YAxis, full_range
from cifar_tui.tui.charts.canvas import Trace, load_plotext
from cifar_tui.tui.charts.captions import heading, legend
from cifar_tui.tui.charts.chart_kinds import ChartKind, Curve
from cifar_tui.tui.charts.chart_view import ChartView
from cifar_tui.tui.charts.drawing import (
    STYLE_NUMBERS,
    Drawing,
    KeptCurves,
    PlottedCurve,
    centred,
    rows_of,
    signs_above,
    signs_below,
)
from cifar_tui.tui.charts.mouse_map import MouseMap
from cifar_tui.tui.charts.overlay import (
    OverlaidCurve,
    OverlaidRun,
    line_traces,
    number_traces,
    overlaid_curves,
    overlay_reach,
)
from cifar_tui.tui.charts.redraw_turns import RedrawTurns
from cifar_tui.tui.charts.y_scale import YScale
from cifar_tui.tui.terminal.textual_internals import BorderText
from cifar_tui.tui.widgets.rows import Rows

LOG_ROWS_PER_TICK = 3
NOTHING_YET = "Waiting for the first step…"
WHEEL_ZOOM = 0.8
WHEEL_PAN = 0.1

DEFAULT_VIEW = ChartView()


@dataclass(frozen=True, slots=True)
class ChartOptions:
    """Choices for all charts of a screen."""

    marker: str = "braille"
    """The marker that draws curves, one of `MARKERS`."""
    turns: RedrawTurns = field(default_factory=RedrawTurns)
    """The moments at which they are drawn, all at once."""


class Chart(Rows):
    """A chart of one kind."""

    class ViewRequested(Message):
        """A person asks for another view of the charts."""

        def __init__(self, view: ChartView) -> None:
            super().__init__()
            self.view = view

    def __init__(
        self,
        kind: ChartKind,
        *,
        id: str,  # noqa: A002 - textual's own name
        options: ChartOptions,
    ) -> None:
        super().__init__(id=id, classes="panel")
        self.border_title = kind.title
        self._kind = kind
        self._options = options
        self._border_text = BorderText(self)
        self._y_scale = YScale(kind)
        self._curves = KeptCurves()
        self._key: tuple[object, ...] = ()
        self._drawn: tuple[object, ...] = ()
        self._view = DEFAULT_VIEW
        self._history: RunHistory | None = None
        self._mouse_map: MouseMap | None = None
        self._others: tuple[OverlaidRun, ...] = ()

    def overlay(self, others: tuple[OverlaidRun, ...]) -> None:
        """Draw other runs over this one, from the next time it is shown on."""
        self._others = others
        self._y_scale.reset()

    def show(self, history: RunHistory, view: ChartView = DEFAULT_VIEW) -> bool:
        """Draw the history, unless it would look the same. Return True if it must wait for the next turn.

        Another view or another size waits for nothing, and neither does the last drawing of a run that pauses or ends.
        """
        self._history, self._view = history, view
        width, height = self.size
        if width < 12 or height < 4 or not self.display:
            return False
        requested = (view, width, height, self._others)
        drawn = (
            *requested,
            id(history),
            *(one.curves.version for one in (history, *(one.history for one in self._others))),
        )
        if drawn == self._drawn:
            return False
        resting = history.state == "paused" or not history.live
        if self._drawn[:4] == requested and not self._options.turns.open and not resting:
            return True
        self._drawn = drawn
        if not history.step:
            self._key = ()
            self.set_rows(centred(NOTHING_YET, width, height))
            return False
        load_plotext()
        with self._options.turns.drawing():
            self._redraw(history, view, width, height)
        return False

    def on_resize(self) -> None:
        """Draw for the new size at once, so that it comes with the frame around it."""
        if self._history is not None:
            self.show(self._history, self._view)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Zoom in around the mouse; with shift or ctrl, move to earlier steps."""
        self._scroll(event, WHEEL_ZOOM, -WHEEL_PAN)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Zoom out around the mouse; with shift or ctrl, move to later steps."""
        self._scroll(event, 1 / WHEEL_ZOOM, WHEEL_PAN)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Put the cursor where the mouse is."""
        self._point(event)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Move the cursor along while the button is down."""
        if event.button:
            self._point(event)

    def _scroll(self, event: events.MouseEvent, factor: float, share: float) -> None:
        event.stop()
        if self._mouse_map is None:
            return
        if event.shift or event.ctrl:
            view = self._mouse_map.panned(self._view, share)
        else:
            view = self._mouse_map.zoomed(self._view, factor, self._column_of(event), self.size.width)
        self.post_message(self.ViewRequested(view))

    def _point(self, event: events.MouseEvent) -> None:
        if self._mouse_map is not None and self.content_region.contains(event.screen_x, event.screen_y):
            view = self._mouse_map.pointed(self._view, self._column_of(event), self.size.width)
            self.post_message(self.ViewRequested(view))

    def _column_of(self, event: events.MouseEvent) -> int:
        return event.screen_x - self.content_region.x

    def _redraw(self, history: RunHistory, view: ChartView, width: int, height: int) -> None:
        x = XAxis.of(history, view, overlay_reach(self._others, view))
        series = [(curve, curve.series(history.curves)) for curve in self._kind.curves if _visible(curve, view)]
        lines = height - (2 if view.ticks else 1)
        others = overlaid_curves(self._others, self._kind, view, x, width)
        y = self._y_scale.fit(series, x, view, lines, [(one.curve, one.points.y) for one in others])
        labels, gutter = y.labels(lines, max(3, lines // LOG_ROWS_PER_TICK), self._kind.format_tick)
        columns = width - gutter
        plotted = [PlottedCurve.of(curve, one, columns, x, view) for curve, one in series]
        drawing = Drawing(
            (columns, lines),
            x,
            y,
            _layers(plotted, others, x, y, (columns, lines)),
            signs_above(history, plotted, y, x, off_the_scale=not view.y_zoom),
            signs_below(history, x, columns) if view.ticks else (),
            view.cursor,
            self._options.marker,
        )
        self._mouse_map = MouseMap(x, gutter, full_range(history), history.step)
        self._border_text.show(
            heading(self._kind, history, view, plotted, self._others, width - 2),
            legend(self._kind, history, view, plotted, width - 2),
        )
        curves = drawing.curves_key()
        key = (curves, drawing.marks, drawing.ticks, drawing.cursor, tuple(labels))
        if key != self._key:
            self._key = key
            self.set_rows(rows_of(drawing, self._curves.cells(curves, drawing), labels, view.ticks))

    def _component(self, name: str) -> str:
        return f"chart--{name}" if name in STYLE_NUMBERS else super()._component(name)


def _visible(curve: Curve, view: ChartView) -> bool:
    return curve.label not in view.hidden and not (curve.smoothed and view.smoothing == "off")


def _layers(
    plotted: list[PlottedCurve], others: list[OverlaidCurve], x: XAxis, y: YAxis, size: tuple[int, int]
) -> tuple[Trace, ...]:
    """Everything that is drawn, later ones on top: batches, other runs, tests, averages, dots and numbers."""
    lines = {one.curve.label: one.line(x, y) for one in sorted(plotted, key=lambda one: one.curve.smoothed)}
    batches = [lines.pop("batch")] if "batch" in lines else []
    dots = [trace for one in plotted for trace in one.dots(x, y)]
    return (
        *batches,
        *line_traces(others, x, y, size),
        *lines.values(),
        *dots,
        *number_traces(others, x, y, size),
    )
