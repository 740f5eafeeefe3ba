"""Axis limits and ticks a person can read, which do not jump with every new point."""

import math
from dataclasses import dataclass

FEWEST_SHOWN_STEPS = 16
"""The shortest stretch an axis of steps shows."""
FILLED_SHARE = 0.5
"""Limits are kept while the data fits them and fills at least this share."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The two ends of an axis and the distance of its ticks."""

    low: float
    high: float
    tick: float

    def ticks(self) -> list[float]:
        """The values that get a label, ascending."""
        first = math.ceil(self.low / self.tick - 1e-9)
        last = math.floor(self.high / self.tick + 1e-9)
        return [index * self.tick for index in range(first, last + 1)]


def nice_step(span: float, most: int) -> float:
    """The smallest of 1, 2, 2.5, 5 × a power of ten that divides the span into at most `most` parts."""
    raw = max(span / max(most, 1), 1e-12)
    power = 10.0 ** math.floor(math.log10(raw))
    return next(factor * power for factor in (1, 2, 2.5, 5, 10, 20) if factor * power >= raw * (1 - 1e-9))


def nice_limits(low: float, high: float, most_ticks: int, before: Limits | None) -> Limits:
    """Limits on ticks around [low, high]; those before are kept while they still serve."""
    if before is not None and before.low <= low and high <= before.high:
        filled = (high - low) / (before.high - before.low)
        parts = (before.high - before.low) / before.tick
        if filled >= FILLED_SHARE and parts <= most_ticks * 2:
            return before
    if high - low < 1e-9:
        low, high = low - 0.5 * max(abs(low), 1e-3), high + 0.5 * max(abs(high), 1e-3)
    tick = nice_step(high - low, most_ticks)
    return Limits(math.floor(low / tick + 1e-9) * tick, math.ceil(high / tick - 1e-9) * tick, tick)


def step_limit(step: int, total: int) -> int:
    """Where an axis of steps ends: the whole run, or its half, quarter, … while the run is that short yet."""
    limit = max(total, 1)
    while limit / 2 >= max(step, FEWEST_SHOWN_STEPS):
        limit = math.ceil(limit / 2)
    return limit
