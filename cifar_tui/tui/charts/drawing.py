"""The rows of one drawing of a chart, and the key that tells it from another."""

import itertools
import math
import operator

from cifar_tui import lazy_numpy as np
from cifar_tui.dataclass import dataclass
from cifar_tui.history.run_history import RunHistory
from cifar_tui.history.series import Points, Series
from cifar_tui.tui.charts.axes import XAxis, YAxis
from cifar_tui.tui.charts.canvas import Cells, Trace, draw
from cifar_tui.tui.charts.chart_kinds import Curve
from cifar_tui.tui.charts.chart_view import ChartView
from cifar_tui.tui.widgets.rows import Row

ABOVE_SHARE = 1e-6
"""Distance, as a share of the scale, from which a value counts as off it; less is rounding."""

CHART_STYLES = ("raw", "smooth", "test", "rate", "axis", "mark", "cursor", "other-1", "other-2", "other-3", "other-4")
STYLE_NUMBERS = {name: number for number, name in enumerate(CHART_STYLES, start=1)}
STYLE_NAMES = {0: "", **{number: name for name, number in STYLE_NUMBERS.items()}}

DRAWINGS_KEPT = 4
"""Of one chart, so that another cursor, or a view that comes back, needs no drawing of curves."""

Signs = tuple[tuple[str, tuple[float, ...]], ...]
"""Signs, and the steps of each; later ones on top."""


@dataclass(frozen=True, slots=True)
class PlottedCurve:
    """A curve with the points that are drawn of it."""

    curve: Curve
    series: Series
    """All its points."""
    points: Points
    """Those drawn."""

    @classmethod
    def of(cls, curve: Curve, series: Series, columns: int, x: XAxis, view: ChartView) -> "PlottedCurve":
        """Thin or average the stretch in view for so many columns."""
        if curve.smoothed:
            return cls(curve, series, series.averaged(view.averaged_steps(x.steps[1] - x.steps[0]), columns, *x.steps))
        return cls(curve, series, series.thinned(columns, *x.steps))

    def line(self, x: XAxis, y: YAxis) -> Trace:
        """Return the line through its points."""
        return self._trace(x, y, slice(None))

    def dots(self, x: XAxis, y: YAxis) -> list[Trace]:
        """Return the best and the last of tests as dots."""
        if not self.curve.tests or not len(self.points.x):
            return []
        best = self.points.y.argmin() if self.curve.falling else self.points.y.argmax()
        return [self._trace(x, y, [int(best), -1], self.curve.sign)]

    def _trace(self, x: XAxis, y: YAxis, chosen: slice | list[int], sign: str = "") -> Trace:
        points = Points(x.places(self.points.x[chosen]), y.heights(self.points.y[chosen]))
        shares_with = STYLE_NUMBERS["test"] if self.curve.smoothed else None
        return Trace(points, STYLE_NUMBERS[self.curve.style], sign, shares_with)

    def value_at(self, step: float | None) -> float | None:
        """Return the value at a step, the newest for None; None where the curve has none at all."""
        if self.series.last is None:
            return None
        if not self.curve.smoothed:
            return self.series.last[1] if step is None else self.series.at(step)
        if not len(self.points.x):
            return None
        return float(self.points.y[-1] if step is None else np.interp(step, self.points.x, self.points.y))


@dataclass(frozen=True, slots=True)
class Drawing:
    """Everything that the rows of a chart depend on."""

    size: tuple[int, int]
    x: XAxis
    y: YAxis
    traces: tuple[Trace, ...]
    marks: Signs
    """For the top row."""
    ticks: Signs
    """For the row below."""
    cursor: float | None
    marker: str

    def curves_key(self) -> tuple[object, ...]:
        """Return a key that differs when the curves would look different; a canvas shows 2 × 4 dots a cell."""
        width, height = self.size
        low, high = self.y.limits.low, self.y.limits.high

        def quantised(points: Points) -> bytes:
            xs = np.round((points.x - self.x.low) / (self.x.high - self.x.low) * width * 2)
            ys = np.round((points.y - low) / (high - low) * height * 4)
            return np.clip(np.stack([xs, ys]), -4, 1e6).astype(np.int32).tobytes()

        axes = (self.x.kind, self.x.low, self.x.high, self.y)
        curves = tuple((trace.style, trace.dots, quantised(trace.points)) for trace in self.traces)
        return (self.size, axes, curves, self.marker)


class KeptCurves:
    """The curves of one chart as they were drawn lately."""

    def __init__(self) -> None:
        self._cells: dict[tuple[object, ...], Cells] = {}

    def cells(self, key: tuple[object, ...], drawing: Drawing) -> Cells:
        """Return the curves of a drawing with this `curves_key`, drawn now unless they are kept."""
        limits = drawing.y.limits
        kept = self._cells.pop(key, None)
        self._cells[key] = kept or draw(
            list(drawing.traces),
            *drawing.size,
            (drawing.x.low, drawing.x.high),
            (limits.low, limits.high),
            drawing.marker,
        )
        if len(self._cells) > DRAWINGS_KEPT:
            del self._cells[next(iter(self._cells))]
        return self._cells[key]


def signs_above(history: RunHistory, plotted: list[PlottedCurve], y: YAxis, x: XAxis, *, off_the_scale: bool) -> Signs:
    """Return signs for the top row: rate changes, values off the scale (if wanted), values that are no numbers."""
    top = y.limits.high + ABOVE_SHARE * (y.limits.high - y.limits.low) if off_the_scale else math.inf
    above = [step for one in plotted for step in one.points.x[y.heights(one.points.y) > top].tolist()]
    not_finite = [*history.curves.broken_steps, *(mark for one in plotted for mark in one.series.marks)]
    changed = [float(step) for step in history.curves.rate_changes]
    signs = (("◆", changed), ("▲", above), ("✗", [float(step) for step in not_finite]))
    low, high = x.steps
    return tuple((sign, tuple(step for step in steps if low <= step <= high)) for sign, steps in signs)


def signs_below(history: RunHistory, x: XAxis, columns: int) -> Signs:
    """Return signs for the row of ticks: epochs where they fit, checkpoints, pauses, rate changes."""
    curves, low, high = history.curves, *x.steps
    epochs: list[float] = []
    if history.training is not None:
        length = history.training.steps_per_epoch
        if (high - low) / length <= columns / 2:
            epochs = [float(step) for step in range(math.ceil(low / length) * length, int(high) + 1, length)]
    signs = (("┴", epochs), ("▾", curves.saved), ("‖", curves.pauses), ("◆", curves.rate_changes))
    return tuple((sign, tuple(float(step) for step in steps if low <= step <= high)) for sign, steps in signs)


def rows_of(drawing: Drawing, cells: Cells, labels: list[str], with_ticks: bool) -> list[Row]:
    """Return the rows of a drawing; `labels` are those of the y axis, one a row, all of one width."""
    columns, x = drawing.size[0], drawing.x
    rows: list[Row] = [
        ((label, "axis"), *((run, STYLE_NAMES[style]) for run, style in line))
        for label, line in zip(labels, cells, strict=False)
    ]
    gutter = len(labels[0])
    unit = f"{x.kind:>{gutter - 1}} "
    if drawing.cursor is not None:
        column = x.column(drawing.cursor, columns)
        if 0 <= column < columns:
            rows = [_with_cursor(row, gutter + column) for row in rows]
    rows[0] = _with_signs(rows[0], gutter, columns, drawing.marks, x)
    if with_ticks:
        rule: Row = ((" " * gutter, ""), ("─" * columns, "axis"))
        rows.append(_with_signs(rule, gutter, columns, drawing.ticks, x))
    rows.append(((unit, "axis"), (x.labels(columns), "axis")))
    return rows


def _with_signs(row: Row, gutter: int, columns: int, signs: Signs, x: XAxis) -> Row:
    """Row with signs over their steps."""
    if not any(steps for _, steps in signs):
        return row
    cells = [(character, style) for run, style in row for character in run]
    for sign, steps in signs:
        for step in steps:
            column = x.column(step, columns)
            if 0 <= column < columns and gutter + column < len(cells):
                cells[gutter + column] = (sign, "axis" if sign == "┴" else "mark")
    return _runs(cells)


def _with_cursor(row: Row, column: int) -> Row:
    """Row with the cursor's line through it, behind the curves."""
    cells = [(character, style) for run, style in row for character in run]
    if column < len(cells):
        character, _ = cells[column]
        cells[column] = ("│" if character in " \u2800" else character, "cursor")
    return _runs(cells)


def _runs(cells: list[tuple[str, str]]) -> Row:
    return tuple(
        ("".join(character for character, _ in run), style)
        for style, run in itertools.groupby(cells, key=operator.itemgetter(1))
    )


def centred(message: str, width: int, height: int) -> list[Row]:
    """Return one line of text in the middle of empty rows."""
    rows: list[Row] = [((" " * width, ""),)] * height
    rows[height // 2] = ((f"{message:^{width}}"[:width], "dim"),)
    return rows
