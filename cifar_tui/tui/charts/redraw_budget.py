"""The limits on how often a chart is drawn."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RedrawBudget:
    """Limits while the run trains."""

    core_share: float = 0.0075
    """Share of one core that a chart may spend on drawing itself."""
    min_seconds: float = 1.0
    """Least time between two drawings: nobody sees more, and every drawing is sent to the terminal."""

    def seconds_after(self, drawing_seconds: float) -> float:
        """Return how long to wait after a drawing that took so long."""
        return max(self.min_seconds, drawing_seconds / self.core_share)
