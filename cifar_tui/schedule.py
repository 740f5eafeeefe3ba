"""Schedules of the rate and of the images' size, pure functions of the step: a resumed run continues exactly."""

import math
from fractions import Fraction
from typing import Literal

Schedule = Literal["constant", "triangle", "cosine", "drops"]
Sizes = Literal["whole", "growing", "growing-late"]

WARM_UP_SHARE = 0.2
"""Share of the steps on the way up, of a triangle and before a cosine."""
TRIANGLE_START = 0.2
"""A triangle's first rate as a share of its peak (0.04 of 0.2)."""
DROP_POINTS = (0.3, 0.6, 0.8)
"""Shares of the epochs after which `drops` lowers the rate (60, 120 and 160 of 200)."""
DROP_FACTOR = 0.2
"""Factor of each drop."""
GROWTH = {"growing": (Fraction(1, 4), Fraction(2, 3)), "growing-late": (Fraction(3, 5), Fraction(9, 10))}
"""Shares of the epochs after which images of half the side, and those of three quarters of it, are over."""


def scheduled_rate(schedule: Schedule, peak: float, step: int, steps_per_epoch: int, epochs: int) -> float:
    """Return the rate of a step, counted from 1, of a schedule whose highest rate is `peak`.

    A cosine goes down as SGDR's one cycle does (Loshchilov & Hutter 2017), after the way up of a triangle.
    """
    if schedule == "constant":
        return peak
    if schedule == "drops":
        epoch = (step - 1) // steps_per_epoch
        drops = sum(epoch >= round(point * epochs) for point in DROP_POINTS)
        return peak * DROP_FACTOR**drops
    done = (step - 1) / (epochs * steps_per_epoch)
    if done < WARM_UP_SHARE:
        return peak * (TRIANGLE_START + (1 - TRIANGLE_START) * done / WARM_UP_SHARE)
    left = (1 - done) / (1 - WARM_UP_SHARE)
    return peak * (left if schedule == "triangle" else (1 - math.cos(math.pi * left)) / 2)


def size_stages(sizes: Sizes, whole: int, epochs: int) -> tuple[tuple[int, int], ...]:
    """Return the last epoch and the images' side in pixels of each stage of a run; `whole` is the side of the data."""
    if sizes == "whole":
        return ((epochs, whole),)
    half, three_quarters = (math.floor(epochs * share) for share in GROWTH[sizes])
    return (half, whole // 2), (three_quarters, whole * 3 // 4), (epochs, whole)
