"""Turns at drawing: all charts of a screen are drawn at one moment, and rest together."""

import contextlib
import time
from collections.abc import Iterator

from cifar_tui.tui.intervals import DEFAULT_BUDGET, RedrawBudget


class RedrawTurns:
    """Holds charts to their budget. What counts is the processor time of drawing, however busy the machine is."""

    def __init__(self, budget: RedrawBudget = DEFAULT_BUDGET) -> None:
        self.open = True
        """True while charts may be drawn."""
        self._budget = budget
        self._cost = 0.0
        self._next_at = 0.0

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """Let every chart be drawn meanwhile, if they have rested enough."""
        self.open = time.monotonic() >= self._next_at
        self._cost = 0.0
        yield
        if self._cost:
            self._next_at = time.monotonic() + self._budget.seconds_after(self._cost)

    @contextlib.contextmanager
    def drawing(self) -> Iterator[None]:
        """Count what is drawn meanwhile."""
        began = time.thread_time()
        yield
        self._cost += time.thread_time() - began
