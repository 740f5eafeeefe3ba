"""The latest steps of a run, and how fast they and those before them are."""

import math
from collections import deque

from cifar_tui import lazy_numpy as np
from cifar_tui.events import StepDone
from cifar_tui.history.curves import StepColumns
from cifar_tui.history.series import Series

WINDOW_SECONDS = 20.0
"""Training time that images per second are taken over."""
WINDOW_STEPS = 200
"""The most steps they are taken over."""


class Throughput:
    """Images per second over the latest steps."""

    def __init__(self) -> None:
        self._recent: deque[StepDone] = deque(maxlen=WINDOW_STEPS)
        self._columns: StepColumns | None = None
        """Newer steps than the recent ones, not taken apart until they are needed."""
        self._speed: float | None = None
        """Images per second, once it was asked for since the newest step."""

    def add(self, steps: StepDone | StepColumns) -> None:
        """Add a step, or many."""
        self._speed = None
        if isinstance(steps, StepColumns):
            self._columns = steps
        else:
            self.latest_steps().append(steps)

    def clear(self) -> None:
        """Forget every step."""
        self._speed = None
        self._recent.clear()
        self._columns = None

    def latest_steps(self) -> deque[StepDone]:
        """Return the latest steps, in order."""
        if self._columns is not None:
            self._recent.extend(self._columns.last(WINDOW_STEPS))
            self._columns = None
        return self._recent

    @property
    def images_per_second(self) -> float:
        """Throughput of the latest steps; NaN before the first, and until two are known of a run that resumes."""
        if self._speed is None:
            self._speed = self._measured()
        return self._speed

    def _measured(self) -> float:
        recent = self.latest_steps()
        if len(recent) == 1 and recent[0].step == 1 and recent[0].seconds > 0:
            return recent[0].images / recent[0].seconds  # long before the second, where a step takes a minute
        if len(recent) < 2:
            return math.nan
        newest = recent[-1].seconds
        window = [step for step in recent if newest - step.seconds <= WINDOW_SECONDS]
        if len(window) < 2:
            window = list(recent)[-2:]
        seconds = newest - window[0].seconds
        return sum(step.images for step in window[1:]) / seconds if seconds > 0 else math.nan


def past_throughput(seconds: Series, images_per_step: float, interval: float, most: int) -> list[float]:
    """Return images per second in the last intervals of so many seconds of training, oldest first, at most so many.

    `seconds` is the training time at every step. An interval that is not over yet is left out.
    """
    points = seconds.sampled()
    over = points.y[-1] // interval if len(points.y) else 0.0
    count = int(min(over, most))
    if count < 1:
        return []
    ends = interval * (over - np.arange(count, -1, -1))
    steps = np.diff(np.interp(ends, np.append(0.0, points.y), np.append(0.0, points.x)))
    return [float(one) * images_per_step / interval for one in steps]
