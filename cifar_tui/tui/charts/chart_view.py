"""How a person looks at the charts: which axis, how smooth, which stretch, where the cursor is. One view for all."""

import dataclasses
from dataclasses import dataclass
from typing import Literal, Self, get_args

Axis = Literal["step", "epoch", "time"]
Smoothing = Literal["off", "light", "strong"]

AXES: tuple[Axis, ...] = get_args(Axis)
SMOOTHINGS: tuple[Smoothing, ...] = get_args(Smoothing)
HALF_LIFE_SHARES: dict[Smoothing, float] = {"light": 0.005, "strong": 0.03}
"""How far back a smoothed curve looks, as a share of the run's steps."""
MIN_HALF_LIFE = 2.0
"""In steps."""
MIN_WINDOW = 8.0
"""The shortest stretch that can be zoomed to, in steps."""


@dataclass(frozen=True, slots=True)
class ChartView:
    """A way to look at the charts."""

    axis: Axis = "step"
    """What lies along the charts; time is training time, without pauses."""
    smoothing: Smoothing = "light"
    """How the curve of every batch is smoothed."""
    logarithmic: bool = False
    """Whether the heights of losses and rates are their logarithms."""
    ticks: bool = False
    """Whether epochs, pauses, rate changes and saved checkpoints are marked below the charts."""
    hidden: frozenset[str] = frozenset()
    """Labels of curves that are switched off."""
    window: tuple[float, float] | None = None
    """The stretch in view, in steps; None follows the run."""
    cursor: float | None = None
    """The step that is read out; None for the newest."""

    def half_life(self, total_steps: int) -> float:
        """The smoothing's half-life in steps; 0 when it is off."""
        share = HALF_LIFE_SHARES.get(self.smoothing)
        return max(total_steps * share, MIN_HALF_LIFE) if share else 0.0

    def next_axis(self) -> Self:
        """The same over the next axis."""
        return dataclasses.replace(self, axis=AXES[(AXES.index(self.axis) + 1) % len(AXES)])

    def next_smoothing(self) -> Self:
        """The same, smoother; after the smoothest, not at all."""
        place = (SMOOTHINGS.index(self.smoothing) + 1) % len(SMOOTHINGS)
        return dataclasses.replace(self, smoothing=SMOOTHINGS[place])

    def toggled(self, label: str) -> Self:
        """The same with one curve switched on or off."""
        return dataclasses.replace(self, hidden=self.hidden ^ {label})

    def zoomed(self, factor: float, about: float, whole: tuple[float, float]) -> Self:
        """A stretch `factor` times as long around a step that stays in its place; the whole is followed again."""
        low, high = self.window or whole
        share = min(max((about - low) / max(high - low, 1e-9), 0.0), 1.0)
        length = max((high - low) * factor, MIN_WINDOW)
        if length >= whole[1] - whole[0]:
            return dataclasses.replace(self, window=None)
        return self._within(about - share * length, length, whole)

    def panned(self, share: float, whole: tuple[float, float]) -> Self:
        """The stretch moved by a share of its length; nothing to move when all is in view."""
        if self.window is None:
            return self
        low, high = self.window
        return self._within(low + share * (high - low), high - low, whole)

    def followed(self) -> Self:
        """The whole run again, and its newest values."""
        return dataclasses.replace(self, window=None, cursor=None)

    def pointed(self, step: float | None, last: int) -> Self:
        """The cursor on the nearest step there is; a window that does not hold it moves along."""
        if step is None or last < 1:
            return dataclasses.replace(self, cursor=None)
        cursor = float(min(max(round(step), 1), last))
        view = dataclasses.replace(self, cursor=cursor)
        if self.window is not None and not self.window[0] <= cursor <= self.window[1]:
            length = self.window[1] - self.window[0]
            return view._within(cursor - length / 2, length, (0.0, float("inf")))
        return view

    def _within(self, low: float, length: float, whole: tuple[float, float]) -> Self:
        low = max(min(low, whole[1] - length), whole[0])
        return dataclasses.replace(self, window=(low, low + length))
