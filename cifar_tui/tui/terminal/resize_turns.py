"""Decides when a terminal's size is drawn that changes all the time, as when an edge of its window is dragged.

Each drawing takes the complete screen, and the training hardly runs meanwhile.
"""

import asyncio
import math
import time
from collections.abc import Callable

LEAST_SECONDS, MOST_SECONDS = 1.0, 5.0
"""Between two drawings while the size changes, at least and at most."""
SHARE = 0.1
"""The share of a core that they may take, and all else on the screen, up to that."""
REST_SECONDS = 0.15
"""A size that has not changed for so long is drawn."""


class ResizeTurns:
    """Has the first of many sizes drawn, the last, and a few between."""

    def __init__(self, draw: Callable[[], None]) -> None:
        """Call `draw` in the event loop that runs now."""
        self._draw = draw
        self._loop = asyncio.get_running_loop()
        self._drawn_at = -math.inf
        self._worked = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def changed(self) -> None:
        """Have another size drawn, now or later; from any thread, or a signal's handler."""
        self._loop.call_soon_threadsafe(self._schedule)

    def _schedule(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        pause = (time.thread_time() - self._worked) / SHARE
        now, next_at = self._loop.time(), self._drawn_at + min(max(pause, LEAST_SECONDS), MOST_SECONDS)
        self._timer = self._loop.call_at(now if next_at <= now else min(now + REST_SECONDS, next_at), self._turn)

    def _turn(self) -> None:
        self._drawn_at, self._worked = self._loop.time(), time.thread_time()
        self._draw()
