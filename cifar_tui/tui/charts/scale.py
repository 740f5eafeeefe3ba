"""Axis limits and ticks that a person can read, which do not jump with every new point."""

import math
from dataclasses import dataclass

MIN_SHOWN_STEPS = 16
"""The shortest stretch an axis of steps shows."""
FILLED_SHARE = 0.5
"""Limits are kept while the data fits them and fills at least this share."""

SAME_SHARE = 1e-8
"""Values that differ by less than this share of them count as one: ticks between them would be rounding."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The two ends of an axis and the distance of its ticks."""

    low: float
    high: float
    tick: float

    def ticks(self) -> list[float]:
        """Return the values that get a label, ascending."""
        first = math.ceil(self.low / self.tick - 1e-6)
        last = math.floor(self.high / self.tick + 1e-6)
        return [index * self.tick for index in range(first, last + 1)]


def nice_step(span: float, most: int) -> float:
    """Return the smallest of 1, 2, 2.5, 5 × a power of ten that divides the span into at most `most` parts."""
    raw = max(span / max(most, 1), 1e-12)
    power = 10.0 ** math.floor(math.log10(raw))
    return next(factor * power for factor in (1, 2, 2.5, 5, 10, 20) if factor * power >= raw * (1 - 1e-9))


def nice_limits(low: float, high: float, most_ticks: int, before: Limits | None) -> Limits:
    """Return limits on ticks around [low, high]; those before are kept while they still fit."""
    if before is not None and before.low <= low and high <= before.high:
        filled = (high - low) / (before.high - before.low)
        parts = (before.high - before.low) / before.tick
        if filled >= FILLED_SHARE and parts <= most_ticks * 2:
            return before
    if high - low < SAME_SHARE * max(abs(low), abs(high), 0.1):
        low, high = low - 0.5 * max(abs(low), 1e-3), high + 0.5 * max(abs(high), 1e-3)
    tick = nice_step(high - low, most_ticks)
    return Limits(math.floor(low / tick + 1e-9) * tick, math.ceil(high / tick - 1e-9) * tick, tick)


def step_limit(step: int, total: int) -> int:
    """Return the end of an axis of steps: the full run, or its half, quarter, … while the run is still that short."""
    limit = max(total, 1)
    while limit / 2 >= max(step, MIN_SHOWN_STEPS):
        limit = math.ceil(limit / 2)
    return limit


def log_limits(low: float, high: float, before: Limits | None) -> Limits:
    """Return limits for base-10 logarithms of values around [low, high] > 0, to half a power; see `nice_limits`."""
    low, high = math.log10(low), math.log10(high)
    fits = before is not None and before.low <= low and high <= before.high
    if before is not None and fits and (high - low) / (before.high - before.low) >= FILLED_SHARE:
        return before
    bottom, top = math.floor(low * 2 + 1e-9) / 2, math.ceil(high * 2 - 1e-9) / 2
    return Limits(bottom, max(top, bottom + 0.5), 0.5)


def log_ticks(limits: Limits, most: int) -> list[float]:
    """Return the values with a label on a logarithmic axis: 1, 2 and 5 times powers of ten, or fewer."""
    low, high = limits.low - 1e-9, limits.high + 1e-9
    powers = range(math.floor(low), math.ceil(high) + 1)
    ticks: list[float] = []
    for factors in ((1, 2, 5), (1, 3), (1,)):
        ticks = [f * 10.0**power for power in powers for f in factors if low <= math.log10(f * 10.0**power) <= high]
        if len(ticks) <= most:
            return ticks
    stride = math.ceil(len(ticks) / max(most, 1))
    return ticks[::stride]


TIME_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 28_800, 43_200, 86_400)
"""Distances of ticks on an axis of time, in seconds; above, whole days."""
MIN_SHOWN_SECONDS = 60.0
"""The shortest time an axis shows, in seconds."""


def time_step(span: float, most: int) -> float:
    """Return the smallest usual distance of ticks that divides so many seconds into at most `most` parts."""
    raw = span / max(most, 1)
    return next((float(step) for step in TIME_STEPS if step >= raw), math.ceil(raw / 86_400) * 86_400.0)


def time_limit(seconds: float) -> float:
    """Return the end of an axis of time: a minute, doubled until it holds so many seconds."""
    limit = MIN_SHOWN_SECONDS
    while limit < seconds:
        limit *= 2
    return limit
