"""One chart of a run: curves over steps, with axes of its own, redrawn only when it would look different."""

import itertools
import operator
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from textual.content import Content
from textual.geometry import Region

from cifar_tui import text
from cifar_tui.history import RunHistory
from cifar_tui.series import Points, Series
from cifar_tui.tui.widgets.canvas import Trace, draw
from cifar_tui.tui.widgets.rows import Row, Rows
from cifar_tui.tui.widgets.scale import Limits, nice_limits, nice_step, step_limit

SPIKE_SHARE = 0.01
"""The share of points at either end that may not set the scale; they are clipped to the edge and marked."""
FEW_POINTS_ROOM = 1.5
"""How far a curve of few points may stretch the scale that the others set."""
BUDGET_SHARE = 0.0075
"""How much of one core a chart may spend on drawing itself."""
LEAST_SECONDS = 1.0
"""A chart is drawn no more often than that: nobody sees more, and every drawing is sent over the wire."""
ABOVE_SHARE = 1e-6
"""How far above the scale, as a share of it, a value counts as off it; less is rounding."""
ROWS_PER_TICK = 4
COLUMNS_PER_TICK = 14
MARKER = "braille"

CHART_STYLES = ("raw", "smooth", "test", "rate", "axis", "mark")
STYLE_NUMBERS = {name: number for number, name in enumerate(CHART_STYLES, start=1)}
STYLE_NAMES = {0: "", **{number: name for name, number in STYLE_NUMBERS.items()}}


@dataclass(frozen=True, slots=True)
class Curve:
    """One line of a chart."""

    label: str
    """Its word in the legend."""
    style: str
    """One of `CHART_STYLES`."""
    series: Callable[[RunHistory], Series]
    """Where its points are."""
    dots: str = ""
    """The character each point gets; empty for a line alone."""


@dataclass(frozen=True, slots=True)
class ChartKind:
    """What a chart shows."""

    title: str
    curves: tuple[Curve, ...]
    """Drawn in this order, later ones on top."""
    words: Callable[[float], str]
    """A value in words, for axis and legend."""
    floor: float | None = None
    """A value the axis never goes below."""
    ceiling: float | None = None
    """A value the axis never goes above."""
    spikes: bool = True
    """Whether single values may be wild, and then must not set the scale."""


def _axis_percent(share: float) -> str:
    return f"{share * 100:g} %"


LOSS = ChartKind(
    "Loss",
    (
        Curve("batch", "raw", lambda history: history.train_loss),
        Curve("smoothed", "smooth", lambda history: history.smooth_loss),
        Curve("test", "test", lambda history: history.test_loss, dots="●"),
    ),
    lambda value: f"{value:.4g}",
    floor=0.0,
)
ACCURACY = ChartKind(
    "Accuracy",
    (
        Curve("batch", "raw", lambda history: history.train_accuracy),
        Curve("smoothed", "smooth", lambda history: history.smooth_accuracy),
        Curve("test", "test", lambda history: history.test_accuracy, dots="●"),
    ),
    _axis_percent,
    floor=0.0,
    ceiling=1.0,
)
LEARNING_RATE = ChartKind(
    "Learning rate",
    (Curve("rate", "rate", lambda history: history.learning_rate),),
    lambda value: f"{value:.3g}",
    floor=0.0,
    spikes=False,
)


class Chart(Rows):
    """A chart of one kind."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"chart--{style}" for style in CHART_STYLES}

    def __init__(self, kind: ChartKind, *, id: str) -> None:  # noqa: A002 - textual's own name
        """Show nothing yet."""
        super().__init__(id=id, classes="panel")
        self.border_title = kind.title
        self._kind = kind
        self._limits: Limits | None = None
        self._key: tuple[object, ...] = ()
        self._drawn: tuple[int, int, int, int] | None = None
        self._draw_again_at = 0.0
        self._legend = ""

    def show(self, history: RunHistory) -> bool:
        """Draw the history, unless it would look the same. Returns whether it must wait, its budget being spent."""
        width, height = self.size
        if width < 12 or height < 4 or not self.display:
            return False
        drawn = (id(history), history.curves_version, width, height)
        if drawn == self._drawn:
            return False
        now = time.perf_counter()
        same_room = self._drawn is not None and self._drawn[2:] == (width, height)
        if same_room and now < self._draw_again_at:
            return True
        self._drawn = drawn
        self._redraw(history, width, height)
        self._draw_again_at = now + max(LEAST_SECONDS, (time.perf_counter() - now) / BUDGET_SHARE)
        return False

    def _redraw(self, history: RunHistory, width: int, height: int) -> None:
        total = history.training.total_steps if history.training else history.step
        x_high = step_limit(history.step, total)
        series = [(curve, curve.series(history)) for curve in self._kind.curves]
        limits = self._fit(series, most_ticks=max(2, height // ROWS_PER_TICK))
        gutter = max(len(self._kind.words(tick)) for tick in limits.ticks()) + 1
        columns, lines = width - gutter, height - 1
        traces = [
            Trace(one.thinned(columns, 0, x_high), STYLE_NUMBERS[curve.style], curve.dots) for curve, one in series
        ]
        marks = _marks(history, series, limits)
        key = _key(width, height, x_high, limits, traces, marks, lines)
        self._set_legend(series)
        if key == self._key:
            return
        self._key = key
        cells = draw(traces, columns, lines, (0, x_high), (limits.low, limits.high), MARKER)
        rows: list[Row] = [
            ((label, "axis"), *((run, STYLE_NAMES[style]) for run, style in line))
            for label, line in zip(_y_labels(limits, lines, gutter, self._kind.words), cells, strict=False)
        ]
        rows[0] = _with_marks(rows[0], gutter, columns, marks, x_high)
        rows.append(((" " * gutter, ""), (_x_labels(x_high, columns), "axis")))
        self.set_rows(rows)

    def _fit(self, series: list[tuple[Curve, Series]], most_ticks: int) -> Limits:
        """The y limits around what sets the scale."""
        share = SPIKE_SHARE if self._kind.spikes else 0.0
        spreads = [one.spread(share) for curve, one in series if one.count and not curve.dots]
        low = min((low for low, _ in spreads), default=0.0)
        high = max((high for _, high in spreads), default=1.0)
        room = high * FEW_POINTS_ROOM
        few = [one.spread(0.0)[1] for curve, one in series if one.count and curve.dots]
        high = max([high, *(min(most, room) for most in few)])
        if self._kind.floor is not None:
            low = self._kind.floor
        if high <= low:
            high = low + (self._kind.ceiling or 1.0)
        limits = nice_limits(low, high, most_ticks, self._limits)
        if self._kind.ceiling is not None and limits.high > self._kind.ceiling:
            limits = Limits(limits.low, self._kind.ceiling, limits.tick)
        self._limits = limits
        return limits

    def _set_legend(self, series: list[tuple[Curve, Series]]) -> None:
        """The newest value of every curve, in the border; assigned only when it differs, since that repaints."""
        signs = {"raw": "·", "smooth": "━", "test": "●", "rate": "━"}
        parts = [
            f"[$chart-{curve.style}]{signs[curve.style]}[/] {curve.label} {self._newest(one)}"
            for curve, one in series
            if one.last is not None
        ]
        legend = "  ".join(parts)
        while parts and len(_plain(legend)) > self.size.width - 4:
            parts.pop(0)
            legend = "  ".join(parts)
        if legend != self._legend:
            self._legend = legend
            self._set_border_words(legend)

    def _set_border_words(self, markup: str) -> None:
        """Put words into the lower border. Assigning `border_subtitle` would send the whole chart again."""
        self._border_subtitle = Content.from_markup(markup)
        self.refresh(Region(-1, self.size.height, self.size.width + 2, 1))

    def _newest(self, series: Series) -> str:
        value = series.last[1] if series.last else 0.0
        return text.percent(value, 1) if self._kind.ceiling == 1.0 else self._kind.words(value)

    def _component(self, name: str) -> str:
        return f"chart--{name}" if name in STYLE_NUMBERS else super()._component(name)


@dataclass(frozen=True, slots=True)
class _Marks:
    """Steps that get a sign in the top row."""

    above: tuple[float, ...]
    not_finite: tuple[float, ...]
    rate_changes: tuple[int, ...]


def _marks(history: RunHistory, series: list[tuple[Curve, Series]], limits: Limits) -> _Marks:
    above: list[float] = []
    not_finite: list[float] = [*history.broken_steps]
    for _, one in series:
        points = one.thinned(200, 0, one.last[0] if one.last else 1)
        above += points.x[points.y > limits.high + ABOVE_SHARE * (limits.high - limits.low)].tolist()
        not_finite += one.marks
    return _Marks(tuple(above), tuple(not_finite), tuple(history.rate_changes))


def _with_marks(row: Row, gutter: int, columns: int, marks: _Marks, x_high: float) -> Row:
    """The top row with ▲ over values above it, ✗ where a value was no number, ◆ where the rate was changed."""
    cells = [(character, style) for run, style in row for character in run]
    for sign, steps in (("◆", marks.rate_changes), ("▲", marks.above), ("✗", marks.not_finite)):
        for step in steps:
            column = gutter + min(int(step / x_high * columns), columns - 1)
            if column < len(cells):
                cells[column] = (sign, "mark")
    return tuple(
        ("".join(character for character, _ in run), style)
        for style, run in itertools.groupby(cells, key=operator.itemgetter(1))
    )


def _y_labels(limits: Limits, lines: int, gutter: int, words: Callable[[float], str]) -> list[str]:
    labels = [" " * gutter] * lines
    for tick in limits.ticks():
        share = (tick - limits.low) / (limits.high - limits.low)
        line = round((1 - share) * (lines - 1))
        labels[line] = f"{words(tick):>{gutter - 1}} "
    return labels


def _x_labels(x_high: int, columns: int) -> str:
    """Round step numbers below the canvas, each ending under its place, the last one with its unit."""
    line = [" "] * columns
    tick = max(nice_step(x_high, max(1, columns // COLUMNS_PER_TICK)), 1.0)
    ticks = [index * tick for index in range(1, int(x_high / tick + 1e-9) + 1)]
    for step in ticks:
        word = f"step {text.short_count(step)}" if step == ticks[-1] else text.short_count(step)
        end = max(round(columns * step / x_high), len(word))
        line[end - len(word) : end] = word
    return "".join(line)[:columns]


def _key(
    width: int, height: int, x_high: int, limits: Limits, traces: list[Trace], marks: _Marks, lines: int
) -> tuple[object, ...]:
    """Everything the drawing depends on, with points as fine as a canvas can show them (2 × 4 dots a cell)."""

    def quantised(points: Points) -> bytes:
        xs = np.round(points.x / x_high * width * 2)
        ys = np.round((points.y - limits.low) / (limits.high - limits.low) * lines * 4)
        return np.stack([xs, np.clip(ys, -1, lines * 4 + 1)]).astype(np.int32).tobytes()

    return (width, height, x_high, limits, marks, *(quantised(trace.points) for trace in traces))


def _plain(markup: str) -> str:
    return Content.from_markup(markup).plain
