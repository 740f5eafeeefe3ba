"""The chart of results: accuracy against what was swept, a dot for each seed, means with their intervals."""

from cifar_tui import lazy_numpy as np
from cifar_tui import text
from cifar_tui.history.series import Floats, Points
from cifar_tui.report.results import Results
from cifar_tui.report.results_plot import Plot, PlotLine, hidden_text, plot_of
from cifar_tui.report.results_text import measure_text
from cifar_tui.tui.charts.axes import YAxis
from cifar_tui.tui.charts.canvas import Trace, draw, load_plotext
from cifar_tui.tui.charts.drawing import STYLE_NAMES, STYLE_NUMBERS, centred
from cifar_tui.tui.charts.scale import fitted_limits
from cifar_tui.tui.terminal.textual_internals import BorderText
from cifar_tui.tui.widgets.rows import Row, Rows

LOOKS = (("●", "smooth"), ("▲", "test"), ("■", "other-1"), ("◆", "other-2"), ("▼", "other-3"), ("○", "other-4"))
"""Sign and style of each line's means; colour is never the only sign."""
SEED_SIGN, INTERVAL_SIGN = "·", "│"
COLUMNS_PER_INTERVAL = 3
"""Cells between two intervals, on average, at least."""
LEAST_COLUMNS, LEAST_LINES = 20, 4
NOTHING_YET = "No run has finished yet."
ROWS_PER_TICK = 3


class ResultsChart(Rows):
    """Draws a table of results."""

    def __init__(self, marker: str, *, id: str) -> None:  # noqa: A002 - textual's own name
        """Draw with one of the markers; nothing yet."""
        super().__init__(id=id, classes="panel")
        self._marker = marker
        self._border_text = BorderText(self)
        self._drawn: tuple[Results | None, int, int] = (None, 0, 0)

    def show(self, results: Results) -> None:
        """Draw the results in the size that there is."""
        columns, lines = self.size
        if (
            columns < LEAST_COLUMNS
            or lines < LEAST_LINES
            or (self._drawn[0] is results and self._drawn[1:] == (columns, lines))
        ):
            return
        self._drawn = (results, columns, lines)
        plot = plot_of(results)
        if plot is None:
            self._border_text.show("", "")
            self.set_rows(centred(NOTHING_YET, columns, lines))
            return
        load_plotext()
        self._border_text.show(*_captions(plot, results, columns))
        self.set_rows(_rows(plot, columns, lines, self._marker))

    def _component(self, name: str) -> str:
        return f"chart--{name}" if name in STYLE_NUMBERS else super()._component(name)


def _captions(plot: Plot, results: Results, columns: int) -> tuple[str, str]:
    """Return the texts of the upper and the lower border, as markup: what is drawn, and the lines' signs."""
    against = f"against {plot.x_name}{hidden_text(plot)}"
    sentences = [f"{measure_text(results).capitalize()} {against}", f"Accuracy {against}"]
    title = next((one for one in sentences if len(one) <= columns - 2), plot.x_name)
    legend = ""
    for (sign, _style), line in _looks(plot):
        piece = f"{sign} {text.shortened(line.label, columns // 2)}" if line.label else ""
        if len(legend) + len(piece) + 3 <= columns - 2 and piece:
            legend += ("   " if legend else "") + piece
    return title.replace("[", "\\["), legend.replace("[", "\\[")


def _looks(plot: Plot) -> list[tuple[tuple[str, str], PlotLine]]:
    return [(LOOKS[number % len(LOOKS)], line) for number, line in enumerate(plot.lines)]


def _rows(plot: Plot, columns: int, lines: int, marker: str) -> list[Row]:
    """Return the chart, a row of ticks' labels below."""
    lines -= 1
    limits = fitted_limits(*plot.y_range, lines)
    labels, gutter = YAxis(limits, logarithmic=False).labels(
        lines, max(3, lines // ROWS_PER_TICK), lambda share: f"{share * 100:.4g} %"
    )
    columns -= gutter
    heights = np.linspace(limits.low, limits.high, lines)
    cells = draw(_traces(plot, columns, heights), columns, lines, plot.x_range, (limits.low, limits.high), marker)
    rows: list[Row] = [
        ((label, "axis"), *((run, STYLE_NAMES[style]) for run, style in line))
        for label, line in zip(labels, cells, strict=False)
    ]
    return [*rows, ((" " * gutter, "axis"), (_tick_labels(plot, columns), "axis"))]


def _traces(plot: Plot, columns: int, heights: Floats) -> list[Trace]:
    """Return everything that is drawn, later ones on top: intervals, lines, seeds, means. Each trace costs time."""
    curves, seeds, means = [], [], []
    for (sign, style), line in _looks(plot):
        number = STYLE_NUMBERS[style]
        centres = [(point.x, point.mean) for point in line.points]
        curves += [Trace(_points(centres), number)] if plot.numbers else []
        seeds.append(
            Trace(_points([(point.x, value) for point in line.points for value in point.seeds]), number, SEED_SIGN)
        )
        means.append(Trace(_points(centres), number, sign))
    return [*_intervals(plot, columns, heights), *curves, *seeds, *means]


def _intervals(plot: Plot, columns: int, heights: Floats) -> list[Trace]:
    """Return the intervals as one trace, a sign in each row that they reach; none where they would fill the chart."""
    points = [point for line in plot.lines for point in line.points if point.half_width is not None]
    if len(points) > columns // COLUMNS_PER_INTERVAL:
        return []
    reached = [
        (point.x, height)
        for point in points
        for height in heights.tolist()
        if abs(height - point.mean) <= (point.half_width or 0.0)
    ]
    return [Trace(_points(reached), STYLE_NUMBERS["axis"], INTERVAL_SIGN)]


def _points(places: list[tuple[float, float]]) -> Points:
    return Points(np.array([x for x, _ in places]), np.array([y for _, y in places]))


def _tick_labels(plot: Plot, columns: int) -> str:
    """Return the values of the axis, each below its place, as far as they do not touch."""
    low, high = plot.x_range
    line, free = [" "] * columns, 0
    for place, label in plot.x_ticks:
        label = text.shortened(label, max(columns // len(plot.x_ticks) - 1, 6))
        start = min(max(round((place - low) / (high - low) * columns - len(label) / 2), 0), columns - len(label))
        if start >= free:
            line[start : start + len(label)] = label
            free = start + len(label) + 1
    return "".join(line)[:columns]
