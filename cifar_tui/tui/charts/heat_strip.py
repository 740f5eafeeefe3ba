"""The norms of layers as a heat strip: a row for each group of layers, its cells along the axis of the charts."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias

from cifar_tui import lazy_numpy as np
from cifar_tui.dataclass import dataclass
from cifar_tui.history.curves import Curves
from cifar_tui.history.series import Floats
from cifar_tui.tui.charts.axes import XAxis
from cifar_tui.tui.charts.layer_groups import LayerGroup
from cifar_tui.tui.widgets.rows import Span
from cifar_tui.tui.widgets.sparkline import EIGHTHS

if TYPE_CHECKING:
    import numpy.typing as npt

Places: TypeAlias = "npt.NDArray[np.int64]"
LayerNumber = Literal["update", "gradient", "weight"]

LEVELS = EIGHTHS[1:]
"""A cell's sign by the height of its value, so that it can be read without colours."""
STRENGTHS = 3
"""Colours of levels, from faint to strong."""
EXPLODES, DIES, NOT_FINITE, ZERO = "▲", "▼", "✗", "·"
SKIPPED: Span = (NOT_FINITE, "wrong-4")
OUTLIERS = 0.02
"""Share of the values at either end that do not set the scale."""
LEAST_RATIO = 5.0
"""Of the ends of a scale, so that small changes do not look large."""
ROUND = (1.0, 2.0, 5.0, 10.0)
"""Ends of a scale, times a power of ten."""


@dataclass(frozen=True, slots=True)
class Scale:
    """The round numbers that a strip's levels lie between."""

    low: float
    high: float

    @classmethod
    def of(cls, values: Floats) -> "Scale":
        """Return round ends around all but the outermost values."""
        known = values[np.isfinite(values) & (values > 0)]
        low, high = np.quantile(known, (OUTLIERS, 1 - OUTLIERS)).tolist() if known.size else (1.0, 1.0)
        high = _rounded(high, up=True)
        return cls(_rounded(min(low, high / LEAST_RATIO), up=False), high)

    def level(self, value: float) -> int:
        """Return the level of a value above 0, from 0."""
        share = math.log(value / self.low) / math.log(self.high / self.low)
        return min(max(int(share * len(LEVELS)), 0), len(LEVELS) - 1)


def _rounded(value: float, *, up: bool) -> float:
    """Return the nearest round number that is not below the value, or not above it."""
    power = 10.0 ** math.floor(math.log10(value))
    if up:
        return next(one * power for one in ROUND if one * power >= value * 0.9999)
    return next(one * power for one in reversed(ROUND) if one * power <= value * 1.0001)


def numbers_of(curves: Curves, number: LayerNumber) -> Floats:
    """Return a number of every layer in every bucket, [N, layers].

    `update` is the share of its weights by which one step's gradient alone moves a layer: rate × gradient / weight.
    """
    layers = curves.layers
    if number == "weight" or not len(layers.steps):
        return layers.weights.astype(float)
    gradients = layers.gradients.astype(float)
    if number == "gradient":
        return gradients
    rates = curves.learning_rate.sampled()
    rate = np.interp(layers.steps, rates.x, rates.y) if len(rates.x) else np.full(len(layers.steps), np.nan)
    # A layer of zeros, as biases may be at first, has no share of itself.
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(layers.weights > 0, rate[:, None] * gradients / layers.weights, 0.0)


def bucket_at(curves: Curves, step: float) -> int:
    """Return the place of the newest bucket up to a step; -1 before the first."""
    return int(np.searchsorted(curves.layers.steps, step, side="right")) - 1


def strip_rows(
    curves: Curves, number: LayerNumber, groups: Sequence[LayerGroup], x: XAxis, columns: int
) -> tuple[list[list[Span]], Scale]:
    """Return the cells of every group's row, and the scale of their levels; a column without a step is blank.

    A column with a loss that was not finite has no finite gradient in any layer, measured or not.
    """
    layers = curves.layers
    starts = [group.start for group in groups]
    values = np.maximum.reduceat(numbers_of(curves, number), starts, axis=1)
    marks = layers.marks
    above = np.maximum.reduceat(marks, starts, axis=1) if number != "weight" else np.zeros(values.shape, np.int8)
    below = np.minimum.reduceat(marks, starts, axis=1) if number != "weight" else above
    spans = _buckets_of_columns(layers.steps, x, columns, curves.seconds.last)
    shown = [None if span is None else (values[span].max(0), above[span].max(0), below[span].min(0)) for span in spans]
    scale = Scale.of(np.array([one[0] for one in shown if one is not None]))
    broken = [] if number == "weight" else [*curves.train_loss.marks, *curves.broken_steps]
    skipped = {x.column(step, columns) for step in broken}
    rows = []
    for row in range(len(groups)):
        cells: list[Span] = [
            (" ", "") if one is None else _cell(float(one[0][row]), int(one[1][row]), int(one[2][row]), scale)
            for one in shown
        ]
        rows.append(_runs([SKIPPED if column in skipped else cell for column, cell in enumerate(cells)]))
    return rows, scale


def _buckets_of_columns(
    steps: Floats, x: XAxis, columns: int, newest: tuple[float, float] | None
) -> list[slice | None]:
    """Return the buckets that every column shows: those that begin in it, or the one that it is in the middle of."""
    share = (x.places(steps) - x.low) / (x.high - x.low)
    places: Places = np.floor(np.where(share == 1.0, columns - 1, share * columns)).astype(np.int64)
    last = x.column(newest[0], columns) if newest is not None else -1
    first = np.searchsorted(places, np.arange(columns), side="left")
    after = np.searchsorted(places, np.arange(columns), side="right")
    return [
        slice(int(begin) if end > begin else int(end) - 1, int(end)) if end and column <= last else None
        for column, (begin, end) in enumerate(zip(first, after, strict=True))
    ]


def _cell(value: float, above: int, below: int, scale: Scale) -> Span:
    if not math.isfinite(value):
        return SKIPPED
    if above > 0:
        return EXPLODES, "wrong-4"
    if below < 0:
        return DIES, "wrong-3"
    if value <= 0:
        return ZERO, "wrong-2"
    level = scale.level(value)
    return LEVELS[level], f"level-{level * STRENGTHS // len(LEVELS) + 1}"


def _runs(cells: Sequence[Span]) -> list[Span]:
    """Return cells with those of one style joined."""
    runs: list[Span] = []
    for sign, style in cells:
        if runs and runs[-1][1] == style:
            runs[-1] = (runs[-1][0] + sign, style)
        else:
            runs.append((sign, style))
    return runs
