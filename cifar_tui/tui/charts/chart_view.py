"""One view for all charts: axis, smoothing, the stretch in view, the cursor."""

import dataclasses
from typing import Literal, Self, get_args

from cifar_tui.dataclass import dataclass

Axis = Literal["step", "epoch", "time"]
Smoothing = Literal["off", "light", "strong"]

AXES: tuple[Axis, ...] = get_args(Axis)
SMOOTHINGS: tuple[Smoothing, ...] = get_args(Smoothing)
AVERAGED_SHARES: dict[Smoothing, float] = {"light": 0.03, "strong": 0.12}
"""Width of what an average covers, as a share of the stretch in view: a curve is as smooth at any length of the run."""
MIN_AVERAGED = 3.0
"""In steps."""
MAX_Y_ZOOM = 8
"""Times that the vertical axes can be halved."""
MIN_WINDOW = 8.0
"""The shortest stretch that can be zoomed to, in steps."""


@dataclass(frozen=True, slots=True)
class ChartView:
    """A view of the charts."""

    axis: Axis = "step"
    """The horizontal axis; time is training time, without pauses."""
    smoothing: Smoothing = "light"
    """Smoothing of the curve of every batch."""
    logarithmic: bool = False
    """True while the heights of losses and rates are their logarithms."""
    ticks: bool = False
    """True while epochs, pauses, rate changes and saved checkpoints are marked below the charts."""
    hidden: frozenset[str] = frozenset()
    """Labels of curves that are switched off."""
    window: tuple[float, float] | None = None
    """The stretch in view, in steps; None follows the run."""
    cursor: float | None = None
    """The step that is read out; None for the newest."""
    y_zoom: int = 0
    """Times that the vertical axes are halved, around the newest value or the cursor's."""

    def averaged_steps(self, steps_in_view: float) -> float:
        """Return the steps that an average covers; 0 when smoothing is off."""
        share = AVERAGED_SHARES.get(self.smoothing)
        return max(steps_in_view * share, MIN_AVERAGED) if share else 0.0

    def next_axis(self) -> Self:
        """Return the same view over the next axis."""
        return dataclasses.replace(self, axis=AXES[(AXES.index(self.axis) + 1) % len(AXES)])

    def next_smoothing(self) -> Self:
        """Return the same view, smoother; after the smoothest, unsmoothed."""
        place = (SMOOTHINGS.index(self.smoothing) + 1) % len(SMOOTHINGS)
        return dataclasses.replace(self, smoothing=SMOOTHINGS[place])

    def toggled(self, label: str) -> Self:
        """Return the same view with one curve switched on or off."""
        return dataclasses.replace(self, hidden=self.hidden ^ {label})

    def zoomed(self, factor: float, about: float, full: tuple[float, float]) -> Self:
        """Return a stretch `factor` times as long, in which a step keeps its place; the full run is followed again."""
        low, high = self.window or full
        share = min(max((about - low) / max(high - low, 1e-9), 0.0), 1.0)
        length = max((high - low) * factor, MIN_WINDOW)
        if length >= full[1] - full[0]:
            return dataclasses.replace(self, window=None)
        return self._within(about - share * length, length, full)

    def panned(self, share: float, full: tuple[float, float]) -> Self:
        """Return the stretch moved by a share of its length; unchanged while the full run is in view."""
        if self.window is None:
            return self
        low, high = self.window
        return self._within(low + share * (high - low), high - low, full)

    def followed(self) -> Self:
        """Return a view of the full run and its newest values."""
        return dataclasses.replace(self, window=None, cursor=None, y_zoom=0)

    def zoomed_in_y(self, by: int) -> Self:
        """Return the same stretch with the vertical axes halved once more, or once less."""
        return dataclasses.replace(self, y_zoom=min(max(self.y_zoom + by, 0), MAX_Y_ZOOM))

    def pointed(self, step: float | None, last: int) -> Self:
        """Return the view with the cursor on the nearest step there is; a window that does not hold it moves along."""
        if step is None or last < 1:
            return dataclasses.replace(self, cursor=None)
        cursor = float(min(max(round(step), 1), last))
        view = dataclasses.replace(self, cursor=cursor)
        if self.window is not None and not self.window[0] <= cursor <= self.window[1]:
            length = self.window[1] - self.window[0]
            return view._within(cursor - length / 2, length, (0.0, float("inf")))
        return view

    def _within(self, low: float, length: float, full: tuple[float, float]) -> Self:
        low = max(min(low, full[1] - length), full[0])
        return dataclasses.replace(self, window=(low, low + length))
