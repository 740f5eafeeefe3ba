"""Round numbers for axes."""

import math

FINE_FACTORS = (1.0, 2.0, 2.5, 5.0)
COARSE_FACTORS = (1.0, 2.0, 5.0)


def nice_step(span: float, most: int, factors: tuple[float, ...] = FINE_FACTORS) -> float:
    """Return the smallest of the factors × a power of ten that divides the span into at most `most` parts."""
    raw = max(span / max(most, 1), 1e-13)
    power = 10.0 ** math.floor(math.log10(raw))
    return next(factor * power for factor in (*factors, 10, 20) if factor * power >= raw * (1 - 1e-9))


def ticks_between(low: float, high: float, step: float) -> list[float]:
    """Return the multiples of a step from one number to another, both of them included up to rounding."""
    first, last = math.ceil(low / step - 1e-6), math.floor(high / step + 1e-6)
    return [number * step for number in range(first, last + 1)]
