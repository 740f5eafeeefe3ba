"""The intervals at which the screens look for news and draw it, and the clock they go by."""

import time
from collections.abc import Callable

from cifar_tui.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class RedrawBudget:
    """Limits on how often the charts are drawn while the run trains."""

    core_share: float = 0.03
    """Share of one core that all charts together may spend on drawing."""
    min_seconds: float = 1.0
    """Least time between two drawings: nobody sees more, and every drawing is sent to the terminal."""
    max_seconds: float = 1.7
    """Longest time between two drawings, whatever they cost: a chart that stands still looks broken."""

    def seconds_after(self, drawing_seconds: float) -> float:
        """Return how long to wait after drawings that took so much processor time."""
        return min(max(self.min_seconds, drawing_seconds / self.core_share), self.max_seconds)


DEFAULT_BUDGET = RedrawBudget()


@dataclass(frozen=True, slots=True)
class ScreenIntervals:
    """Intervals in seconds; tests use shorter ones."""

    poll: float = 0.25
    """Between two polls of the events."""
    first_poll: float = 0.04
    """Between two polls until the first events arrive, so that nobody looks at an empty screen for longer."""
    interrupts: float = 10.0
    """The longest between two Ctrl-C that count together."""
    other_runs: float = 2.0
    """Between two looks at the journal of another run that still trains."""
    folder: float = 2.0
    """Between two looks at the folder that the checkpoint browser shows."""
    runs: float = 1.0
    """Between two looks at the folder of runs, while all of them are in view."""
    redraw: RedrawBudget = DEFAULT_BUDGET
    """Between two drawings of the charts."""
    clock: float = 1.0
    """Between two ticks of the clocks in the header."""
    note: float = 10.0
    """The time for which a note is shown."""
    after_change: float = 0.3
    """From a change that a person asked for to the next look at the folder."""
    load_screens: float = 1.5
    """From the first frame until the screens that keys open are loaded, so that no key waits for that."""
    now: Callable[[], float] = time.time
    """The clock: seconds since 1970."""


def reading_seconds(message: str) -> float:
    """Return the time for which a message lies over the screen."""
    return max(3.0, len(message) / 15)


DEFAULT_INTERVALS = ScreenIntervals()
