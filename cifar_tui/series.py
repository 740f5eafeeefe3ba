"""One curve of any length in bounded memory, thinned so that no spike and neither end is ever lost."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

CAPACITY = 4_096
"""Buckets kept; when they are full, neighbours are merged and each then holds twice as many points."""
MARKS_KEPT = 256
"""Places remembered where a value was no finite number."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Points:
    """A curve as it can be drawn, x ascending."""

    x: Floats
    """float64 [N]."""
    y: Floats
    """float64 [N], all finite."""


class Series:
    """Points (x ascending, y) in buckets of minimum and maximum. Not for more than one thread at a time."""

    def __init__(self) -> None:
        """Start empty."""
        self.first: tuple[float, float] | None = None
        """The first finite point."""
        self.last: tuple[float, float] | None = None
        """The newest finite point."""
        self.marks: list[float] = []
        """x of values that were not finite."""
        self.count = 0
        """Finite points taken in."""
        self._x = np.empty(CAPACITY)
        self._low = np.empty(CAPACITY)
        self._high = np.empty(CAPACITY)
        self._buckets = 0
        self._in_bucket = 0
        self._per_bucket = 1

    def append(self, x: float, y: float) -> None:
        """Take a point in."""
        if not math.isfinite(y):
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
            return
        if self._buckets == CAPACITY:
            self._merge_neighbours()
        self._x[self._buckets] = x
        self._low[self._buckets] = self._high[self._buckets] = y
        self._buckets += 1
        self._in_bucket = 1

    def rewind(self, x: float) -> None:
        """Forget every point after `x`; where points were merged, up to a bucket more or less."""
        kept = int(np.searchsorted(self._x[: self._buckets], x, side="right"))
        self.marks = [mark for mark in self.marks if mark <= x]
        if kept == self._buckets:
            return
        self._buckets = kept
        self._in_bucket = self._per_bucket
        self.count = min(self.count, kept * self._per_bucket)
        self.last = (float(self._x[kept - 1]), float(self._high[kept - 1])) if kept else None
        self.first = self.first if kept else None

    def thinned(self, columns: int, x_low: float, x_high: float) -> Points:
        """The curve for so many columns between two x: the extremes of every column, and both ends."""
        x, low, high = self._x[: self._buckets], self._low[: self._buckets], self._high[: self._buckets]
        if not self._buckets or columns < 1 or self.first is None or self.last is None:
            return Points(np.empty(0), np.empty(0))
        if self._per_bucket == 1 and self._buckets <= 2 * columns:
            return Points(x.copy(), low.copy())
        column = np.floor((x - x_low) / max(x_high - x_low, 1e-12) * columns)
        starts = np.flatnonzero(np.diff(column, prepend=-np.inf))
        lows, highs = np.minimum.reduceat(low, starts), np.maximum.reduceat(high, starts)
        ys = _shortest_path(lows.tolist(), highs.tolist(), self.first[1])
        return Points(
            np.concatenate([[self.first[0]], np.repeat(x[starts], 2), [self.last[0]]]),
            np.concatenate([[self.first[1]], ys, [self.last[1]]]),
        )

    def spread(self, share: float) -> tuple[float, float]:
        """The limits that hold all but `share` of the curve at either end; (NaN, NaN) when empty."""
        if not self._buckets:
            return math.nan, math.nan
        low = float(np.quantile(self._low[: self._buckets], share))
        high = float(np.quantile(self._high[: self._buckets], 1 - share))
        return low, high

    def _merge_neighbours(self) -> None:
        half = CAPACITY // 2
        self._x[:half] = self._x[::2]
        self._low[:half] = np.minimum(self._low[::2], self._low[1::2])
        self._high[:half] = np.maximum(self._high[::2], self._high[1::2])
        self._buckets = half
        self._in_bucket = self._per_bucket = self._per_bucket * 2


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
