"""Means over seeds with their intervals, and differences between two of them, by Student's t distribution."""

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Literal

from cifar_tui.dataclass import dataclass

CONFIDENCE = 0.95
"""Share of such intervals that hold the true value."""
PRECISION = 1e-13
NO_SPREAD = 1e-12
"""A smaller standard error is rounding."""
Method = Literal["paired", "Welch", "one seed", "no spread"]
"""The test that an interval is from, or the reason that there is none."""


@dataclass(frozen=True, slots=True)
class Difference:
    """The difference between two means."""

    mean: float
    """The first less the second."""
    half_width: float | None
    """The interval's reach to either side of it; None without an interval."""
    method: Method
    """The test, or the reason that there is no interval."""


def deviation(values: Sequence[float]) -> float | None:
    """Return the sample's standard deviation (n - 1); None for fewer than two values."""
    return statistics.stdev(values) if len(values) > 1 else None


def half_width(values: Sequence[float]) -> float | None:
    """Return the reach of the mean's interval to either side; None for fewer than two values."""
    spread = deviation(values)
    return None if spread is None else t_quantile(len(values) - 1) * spread / math.sqrt(len(values))


def difference(ours: Mapping[int, float], theirs: Mapping[int, float]) -> Difference:
    """Return the difference of the means of two settings, each with one value for each seed; neither is empty.

    Runs of one seed share initial weights, the order of the images and what is held out, so that they are not
    independent: where both have the same seeds, two or more, the interval is that of the mean of their differences
    (paired t). Otherwise it is Welch's, which assumes no equal variances (Welch 1947, Biometrika 34:28).
    """
    means = statistics.fmean(ours.values()), statistics.fmean(theirs.values())
    mean = means[0] - means[1]
    if min(len(ours), len(theirs)) < 2:
        return Difference(mean, None, "one seed")
    if ours.keys() == theirs.keys():
        reach = half_width([ours[seed] - theirs[seed] for seed in ours]) or 0.0
        return Difference(mean, reach, "paired") if reach > NO_SPREAD else Difference(mean, None, "no spread")
    errors = [statistics.variance(one.values()) / len(one) for one in (ours, theirs)]
    if sum(errors) <= NO_SPREAD**2:
        return Difference(mean, None, "no spread")
    parts = sum(error**2 / (len(one) - 1) for error, one in zip(errors, (ours, theirs), strict=True))
    return Difference(mean, t_quantile(sum(errors) ** 2 / parts) * math.sqrt(sum(errors)), "Welch")


def t_quantile(freedom: float, confidence: float = CONFIDENCE) -> float:
    """Return the t that so large a share of Student's distribution lies within, on both sides of 0.

    `freedom`: degrees of freedom, 1 or more, not necessarily whole. Found by bisection.
    """
    low, high = 0.0, 1.0
    while _outside(high, freedom) > 1 - confidence:
        low, high = high, 2 * high
    while high - low > PRECISION * high:
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if _outside(middle, freedom) > 1 - confidence else (low, middle)
    return (low + high) / 2


def _outside(t: float, freedom: float) -> float:
    """Return the probability of a value further from 0 than t: I_x(f / 2, 1 / 2) of f degrees, x = f / (f + t²)."""
    share = freedom / (freedom + t * t)
    a, b = freedom / 2, 0.5
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(share) + b * math.log1p(-share)
        if share < 1
        else -math.inf
    )
    if share < (a + 1) / (a + b + 2):
        return front * _fraction(share, a, b) / a
    return 1 - front * _fraction(1 - share, b, a) / b


def _fraction(x: float, a: float, b: float) -> float:
    """Return the continued fraction of the incomplete beta function, by Lentz's method (DLMF 8.17.22)."""
    tiny = 1e-300
    ratio = 1 / (1 - (a + b) * x / (a + 1) or tiny)
    below, above, value = ratio, 1.0, ratio
    for m in range(1, 10_000):
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            below = 1 / (1 + term * below or tiny)
            above = 1 + term / above or tiny
            value *= below * above
        if abs(below * above - 1) < PRECISION:
            break
    return value
