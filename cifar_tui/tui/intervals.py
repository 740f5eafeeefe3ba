"""The intervals at which the screens look for news."""

from dataclasses import dataclass


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
    after_change: float = 0.3
    """From a change that a person asked for to the next look at the folder."""


DEFAULT_INTERVALS = ScreenIntervals()
