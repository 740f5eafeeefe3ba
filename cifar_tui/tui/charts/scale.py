"""Axis limits and ticks that a person can read, which do not jump with every new point."""

import math
from collections.abc import Sequence

from cifar_tui.dataclass import dataclass
from cifar_tui.report.ticks import ticks_between

FILLED_SHARE = 0.6
"""Limits are kept while the data fits them and fills at least this share."""
ROOM_SHARE = 0.1
"""Of its own height, added to data that has outgrown its limits: new limits draw the whole chart again."""
SAME_SHARE = 1e-8
"""Values that differ by less than this share of them count as one: ticks between them would be rounding."""
TICK_FACTORS = (1.0, 2.0, 2.5, 5.0)
"""Ticks lie at multiples of these, times a power of ten."""
LOG_GRAIN = 20
"""Parts of a power of ten to which the ends of a logarithmic axis are rounded."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The two ends of an axis and the distance of its ticks."""

    low: float
    """The value of the lowest row."""
    high: float
    """The value of the highest row."""
    tick: float

    def ticks(self) -> list[float]:
        """Return the values that get a label, ascending."""
        return ticks_between(self.low, self.high, self.tick)

    def with_room(self, low: float, high: float) -> tuple[float, float]:
        """Return [low, high] with some room at the end at which it has outgrown these limits: it may grow on."""
        room = ROOM_SHARE * (high - low)
        return (low - room if low < self.low else low), (high + room if high > self.high else high)

    def serve(self, low: float, high: float) -> bool:
        """Return True while they hold [low, high] and are not much too wide for it."""
        return self.low <= low and high <= self.high and high - low >= FILLED_SHARE * (self.high - self.low)


def fitted_limits(low: float, high: float, rows: int) -> Limits:
    """Return the narrowest limits around [low, high] whose ticks are round, and so many whole rows apart as all others.

    A tick every `rows_per_tick` rows makes one row worth a share of the tick; of all such values of a row the least
    that holds the data, with two ticks at least, is taken.
    """
    if high - low < SAME_SHARE * max(abs(low), abs(high), 0.1):
        low, high = low - 0.5 * max(abs(low), 1e-3), high + 0.5 * max(abs(high), 1e-3)
    least = (high - low) / (rows - 1)
    power = 10.0 ** math.floor(math.log10(least))
    ticks = [factor * scale * power for scale in (1, 10, 100) for factor in TICK_FACTORS]
    placed = (_placed(low, high, rows, tick, apart) for apart in _rows_per_tick(rows) for tick in ticks)
    fitting = (one for one in placed if one is not None)
    return min(
        fitting, key=lambda one: (len(one.ticks()) < 2, one.high - one.low), default=Limits(low, high, high - low)
    )


def _placed(low: float, high: float, rows: int, tick: float, rows_per_tick: int) -> Limits | None:
    """Limits of which every row is worth a share of the tick, with the data in the middle; None if it does not fit."""
    row, parts = tick / rows_per_tick, rows - 1
    first, last = math.floor(low / row + 1e-9), math.ceil(high / row - 1e-9)
    spare = parts - (last - first)
    bottom = first - spare // 2
    return Limits(bottom * row, (bottom + parts) * row, tick) if spare >= 0 else None


def _rows_per_tick(rows: int) -> range:
    return range(2, 4) if rows < 10 else range(3, 6) if rows < 24 else range(4, 8)


def within(limits: Limits, floor: float | None, ceiling: float | None, rows: int) -> Limits:
    """Return limits moved by whole rows, so that no row lies below the floor, or above the ceiling, needlessly."""
    row = (limits.high - limits.low) / (rows - 1)
    moved = 0.0
    if ceiling is not None and limits.high > ceiling:
        moved = -math.ceil((limits.high - ceiling) / row - 1e-9) * row
    if floor is not None and limits.low + moved < floor:
        moved += math.ceil((floor - limits.low - moved) / row - 1e-9) * row
    return Limits(limits.low + moved, limits.high + moved, limits.tick)


def log_limits(low: float, high: float, before: Limits | None) -> Limits:
    """Return limits for base-10 logarithms of values around [low, high] > 0; those before while they serve."""
    low, high = math.log10(low), math.log10(high)
    if before is not None and before.serve(low, high):
        return before
    bottom, top = math.floor(low * LOG_GRAIN + 1e-9), math.ceil(high * LOG_GRAIN - 1e-9)
    return Limits(bottom / LOG_GRAIN, max(top, bottom + 2) / LOG_GRAIN, 1.0)


def log_ticks(limits: Limits, most: int) -> list[float]:
    """Return the values with a label on a logarithmic axis: round ones, as many as fit."""
    low, high = limits.low - 1e-9, limits.high + 1e-9
    powers = range(math.floor(low), math.ceil(high) + 1)
    ticks: list[float] = []
    for factors in ((1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8), (1, 1.5, 2, 3, 5, 7), (1, 2, 5), (1, 3), (1,)):
        ticks = [f * 10.0**power for power in powers for f in factors if low <= math.log10(f * 10.0**power) <= high]
        if len(ticks) <= most:
            return ticks
    stride = math.ceil(len(ticks) / max(most, 1))
    return ticks[::stride]


STEP_ENDS = (1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 6, 8)
"""Ends of an axis of steps or epochs, times a power of ten: a little beyond where the run is."""
MIN_SHOWN_STEPS = 20
"""The shortest stretch an axis of steps shows."""
NEARLY_SHARE = 0.8
"""The share of the full run from which on an axis shows the full run."""


def axis_end(reached: float, ends: Sequence[float] = STEP_ENDS, base: float = 10.0) -> float:
    """Return the first of the ends, times a power of the base, that is not below what was reached (above 0)."""
    power = base ** math.floor(math.log(reached, base) + 1e-9)
    return next(end * power for end in (*ends, ends[0] * base, ends[1] * base) if end * power >= reached * (1 - 1e-9))


def step_limit(step: int, total: int, *, live: bool = True) -> int:
    """Return the end of an axis of steps: where a run has ended, or is going; early in a run, a little beyond it."""
    if not live or step >= NEARLY_SHARE * total:
        return max(total if live else step, 1)
    return min(math.ceil(axis_end(max(step, MIN_SHOWN_STEPS))), max(total, 1))


TIME_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 28_800, 43_200, 86_400)
"""Distances of ticks on an axis of time, in seconds; above, whole days."""
MIN_SHOWN_SECONDS = 60.0
"""The shortest time an axis shows, in seconds."""
TIME_ENDS = (1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50)
"""Ends of an axis of time, in seconds, minutes or hours."""


def time_step(span: float, most: int) -> float:
    """Return the smallest usual distance of ticks that divides so many seconds into at most `most` parts."""
    raw = span / max(most, 1)
    return next((float(step) for step in TIME_STEPS if step >= raw), math.ceil(raw / 86_400) * 86_400.0)


def time_limit(seconds: float, *, live: bool = True) -> float:
    """Return the end of an axis of time: where a run has ended, or a little beyond where it is."""
    if not live:
        return max(seconds, 1.0)
    seconds = max(seconds, MIN_SHOWN_SECONDS)
    return axis_end(seconds, TIME_ENDS, 60.0) if seconds < 36_000 else axis_end(seconds / 3_600) * 3_600
