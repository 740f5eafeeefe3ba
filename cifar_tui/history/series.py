"""One curve of any length in bounded memory, thinned so that no spike and neither end is ever lost."""

import math
from collections import deque
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

from cifar_tui import lazy_numpy as np
from cifar_tui.dataclass import dataclass

if TYPE_CHECKING:
    import numpy.typing as npt

CAPACITY = 4_096
"""Buckets kept; when they are full, neighbours are merged and each then holds twice as many points."""
MARKS_KEPT = 256
"""Places remembered where a value was no finite number."""
WILD_FACTOR = 10.0
"""Times the median of those around it that a single value may count as in an average."""
RECENT_VALUES = 60
"""Values that count for a recent average."""
DECAY = 0.5 ** (1 / 10)
"""Share of a value's weight in it that is left with the next: after ten, half of it."""
LEAST_WILD = 1.0
"""A value up to here is never wild: no accuracy is."""
NEIGHBOURS = 5
"""Values whose median says what is wild among them."""

Floats: TypeAlias = "npt.NDArray[np.float64]"


@dataclass(frozen=True, slots=True)
class Points:
    """A curve as it can be drawn, x ascending."""

    x: Floats
    """float64 [N]."""
    y: Floats
    """float64 [N], all finite."""


def no_points() -> Points:
    """Return the points of an empty curve."""
    return Points(np.empty(0), np.empty(0))


class RecentAverage:
    """An exponential moving average of the latest values, worked out when it is read; NaN and infinity do not count."""

    def __init__(self) -> None:
        self._latest: deque[float] = deque(maxlen=RECENT_VALUES)

    def append(self, value: float) -> None:
        """Add a value."""
        self._latest.append(value)

    def extend(self, values: Floats) -> None:
        """Add values, the newest last: float64 [N]."""
        self._latest.extend(values[-RECENT_VALUES:].tolist())

    @property
    def value(self) -> float:
        """NaN where none of them is finite. A wild value counts as `WILD_FACTOR` times their median at most."""
        finite = [value for value in self._latest if math.isfinite(value)]
        if not finite:
            return math.nan
        most = max(WILD_FACTOR * abs(sorted(finite)[len(finite) // 2]), LEAST_WILD)
        total = weight = 0.0
        for value in finite:
            total = total * DECAY + min(max(value, -most), most)
            weight = weight * DECAY + 1
        return total / weight


class Series:
    """Points (x ascending, y) in buckets of minimum, maximum and mean. Not for more than one thread at a time."""

    def __init__(self, *, shares: bool = False) -> None:
        """Begin without points; of `shares`, as accuracies are, none counts as wild in an average."""
        self.first: tuple[float, float] | None = None
        """The first finite point."""
        self.last: tuple[float, float] | None = None
        """The newest finite point."""
        self.marks: list[float] = []
        """x of values that were not finite, as many as are kept."""
        self.not_finite = 0
        """Count of values that were not finite."""
        self.count = 0
        """Finite points taken in."""
        self._shares = shares
        self._buckets = 0
        self._in_bucket = 0
        self._per_bucket = 1

    # The columns of the buckets; made with the first point, for they need numpy.
    @cached_property
    def _x(self) -> Floats:
        return np.empty(CAPACITY)

    @cached_property
    def _low(self) -> Floats:
        return np.empty(CAPACITY)

    @cached_property
    def _high(self) -> Floats:
        return np.empty(CAPACITY)

    @cached_property
    def _mean(self) -> Floats:
        return np.empty(CAPACITY)

    def append(self, x: float, y: float) -> None:
        """Add a point."""
        if not math.isfinite(y):
            self.not_finite += 1
            if len(self.marks) < MARKS_KEPT:
                self.marks.append(x)
            return
        if self.first is None:
            self.first = (x, y)
        self.last = (x, y)
        self.count += 1
        if self._buckets and self._in_bucket < self._per_bucket:
            newest = self._buckets - 1
            self._low[newest] = min(self._low[newest], y)
            self._high[newest] = max(self._high[newest], y)
            self._in_bucket += 1
            self._mean[newest] += (y - self._mean[newest]) / self._in_bucket
            return
        if self._buckets == CAPACITY:
            self._merge_neighbours()
        self._put(1, np.array([x]), *(np.array([y]),) * 3)
        self._in_bucket = 1

    def extend(self, x: Floats, y: Floats) -> None:
        """Take many points in, as `append` would one by one: x and y are float64 [N]."""
        finite = np.isfinite(y)
        if not finite.all():
            self.not_finite += int((~finite).sum())
            self.marks += x[~finite][: MARKS_KEPT - len(self.marks)].tolist()
            x, y = x[finite], y[finite]
        if not len(x):
            return
        self.first = self.first or (float(x[0]), float(y[0]))
        self.last = (float(x[-1]), float(y[-1]))
        self.count += len(x)
        at = 0
        while at < len(x):
            if self._buckets and self._in_bucket < self._per_bucket:
                at += self._fill(y[at : at + self._per_bucket - self._in_bucket])
                continue
            if self._buckets == CAPACITY:
                self._merge_neighbours()
                continue
            whole = min((len(x) - at) // self._per_bucket, CAPACITY - self._buckets)
            length = self._per_bucket if whole else len(x) - at
            end = at + max(whole, 1) * length
            block = y[at:end].reshape(-1, length)
            self._put(len(block), x[at:end:length], block.min(1), block.max(1), block.mean(1))
            self._in_bucket = length
            at = end

    def rewind(self, x: float) -> None:
        """Forget every point after `x`; where points were merged, up to a bucket more or less."""
        kept = int(np.searchsorted(self._x[: self._buckets], x, side="right"))
        self.marks = [mark for mark in self.marks if mark <= x]
        self.not_finite = len(self.marks)
        if kept == self._buckets:
            return
        self._buckets = kept
        self._in_bucket = self._per_bucket
        self.count = min(self.count, kept * self._per_bucket)
        self.last = (float(self._x[kept - 1]), float(self._high[kept - 1])) if kept else None
        self.first = self.first if kept else None

    def thinned(self, columns: int, x_low: float, x_high: float) -> Points:
        """The curve for so many columns between two x: the extremes of every column, and both ends.

        The nearest point on either side comes with it, so that the line reaches the edges.
        """
        window = self._window(x_low, x_high)
        x, low, high = self._x[window], self._low[window], self._high[window]
        if not len(x) or columns < 1 or self.first is None or self.last is None:
            return no_points()
        if self._per_bucket == 1 and len(x) <= 2 * columns:
            return Points(x.copy(), low.copy())
        column = np.floor((x - x_low) / max(x_high - x_low, 1e-12) * columns)
        starts = np.flatnonzero(np.diff(column, prepend=-np.inf))
        lows, highs = np.minimum.reduceat(low, starts), np.maximum.reduceat(high, starts)
        xs, ys = np.repeat(x[starts], 2), _shortest_path(lows.tolist(), highs.tolist(), self.first[1])
        before = [self.first] if window.start == 0 else []
        after = [self.last] if window.stop == self._buckets else []
        return Points(
            np.concatenate([[one[0] for one in before], xs, [one[0] for one in after]]),
            np.concatenate([[one[1] for one in before], ys, [one[1] for one in after]]),
        )

    def sampled(self) -> Points:
        """The first point of every bucket and the newest point: enough for a curve that only rises."""
        if self.last is None:
            return no_points()
        x, low = self._x[: self._buckets], self._low[: self._buckets]
        return Points(np.append(x, self.last[0]), np.append(low, self.last[1]))

    def averaged(self, width: float, columns: int, x_low: float, x_high: float) -> Points:
        """The average around every place between two x, over a triangle `width` wide at half its height.

        It lies in the middle of what it averages, so it runs neither ahead nor behind; at the ends it takes what there
        is. A wild value that is no share counts as `WILD_FACTOR` times the median around it at most.
        """
        inside = self._window(x_low, x_high)
        window = self._window(x_low - width, x_high + width)
        x, mean = self._x[window], self._mean[window]
        if inside.stop <= inside.start:
            return no_points()
        average = _boxed(x, _boxed(x, mean if self._shares else _tamed(mean), width), width)
        start = inside.start - window.start
        x, average = x[start : start + inside.stop - inside.start], average[start : start + inside.stop - inside.start]
        # Places of the axis, and not of the newest point: what is drawn stays as it is while the run goes on.
        place = np.floor((x - x_low) / max(x_high - x_low, 1e-12) * 2 * max(columns, 1))
        chosen = np.append(np.flatnonzero(np.diff(place[:-1], prepend=-np.inf)), len(x) - 1)
        return Points(x[chosen], average[chosen])

    def at(self, x: float) -> float:
        """The value at the newest point up to `x`, or the mean of those kept together there; NaN before the first."""
        place = int(np.searchsorted(self._x[: self._buckets], x, side="right")) - 1
        if place < 0:
            return math.nan
        if self.last is not None and x >= self.last[0]:
            return self.last[1]
        return float(self._mean[place])

    def spread(self, share: float, x_low: float = -math.inf, x_high: float = math.inf) -> tuple[float, float]:
        """The limits that hold all but `share` of the curve at either end between two x; (NaN, NaN) when empty."""
        window = self._window(x_low, x_high)
        if window.stop <= window.start:
            return math.nan, math.nan
        low = float(np.quantile(self._low[window], share))
        high = float(np.quantile(self._high[window], 1 - share))
        return low, high

    def _window(self, x_low: float, x_high: float) -> slice:
        """The buckets between two x, and one more on either side."""
        x = self._x[: self._buckets]
        start = max(int(np.searchsorted(x, x_low, side="left")) - 1, 0)
        return slice(start, min(int(np.searchsorted(x, x_high, side="right")) + 1, self._buckets))

    def _fill(self, y: Floats) -> int:
        """Take points into the newest bucket, which has room for all of them. Returns how many."""
        newest, count = self._buckets - 1, len(y)
        self._low[newest] = min(self._low[newest], y.min())
        self._high[newest] = max(self._high[newest], y.max())
        self._in_bucket += count
        self._mean[newest] += (y.mean() - self._mean[newest]) * count / self._in_bucket
        return count

    def _put(self, count: int, x: Floats, low: Floats, high: Floats, mean: Floats) -> None:
        end = self._buckets + count
        self._x[self._buckets : end] = x
        self._low[self._buckets : end] = low
        self._high[self._buckets : end] = high
        self._mean[self._buckets : end] = mean
        self._buckets = end

    def _merge_neighbours(self) -> None:
        half = CAPACITY // 2
        self._x[:half] = self._x[::2]
        self._low[:half] = np.minimum(self._low[::2], self._low[1::2])
        self._high[:half] = np.maximum(self._high[::2], self._high[1::2])
        self._mean[:half] = (self._mean[::2] + self._mean[1::2]) / 2
        self._buckets = half
        self._in_bucket = self._per_bucket = self._per_bucket * 2


def _tamed(y: Floats) -> Floats:
    """Values, none further from 0 than `WILD_FACTOR` times the median of those around it."""
    around = np.lib.stride_tricks.sliding_window_view(np.pad(np.abs(y), NEIGHBOURS // 2, mode="edge"), NEIGHBOURS)
    most = WILD_FACTOR * np.maximum(np.median(around, axis=1), 1e-3)
    tamed: Floats = np.clip(y, -most, most)
    return tamed


def _boxed(x: Floats, y: Floats, width: float) -> Floats:
    """The mean of all values within half a width of each."""
    first = np.searchsorted(x, x - width / 2, side="left")
    last = np.searchsorted(x, x + width / 2, side="right")
    sums = np.concatenate([[0.0], np.cumsum(y)])
    means: Floats = np.clip((sums[last] - sums[first]) / (last - first), y.min(), y.max())
    return means


def _shortest_path(lows: list[float], highs: list[float], start: float) -> list[float]:
    """Both extremes of every column, the one nearer to where the pen is first."""
    path = []
    pen = start
    for low, high in zip(lows, highs, strict=True):
        if abs(pen - low) <= abs(pen - high):
            path += [low, high]
            pen = high
        else:
            path += [high, low]
            pen = low
    return path
