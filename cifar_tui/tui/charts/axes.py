"""The axes of a chart: places of steps along it, heights of values, and labels."""

import math
from collections.abc import Callable

from cifar_tui import lazy_numpy as np
from cifar_tui import text
from cifar_tui.dataclass import dataclass
from cifar_tui.history.run_history import RunHistory
from cifar_tui.history.series import Floats
from cifar_tui.report.ticks import nice_step, ticks_between
from cifar_tui.tui.charts.chart_view import Axis, ChartView
from cifar_tui.tui.charts.scale import Limits, axis_end, log_ticks, step_limit, time_limit, time_step

COLUMNS_PER_TICK = 8
MIN_TICKS = 4
MIN_GUTTER = 6
"""Cells left of a chart, at least: as most labels need no more, charts below each other have one horizontal axis."""


def full_range(history: RunHistory) -> tuple[float, float]:
    """Return the steps that a chart shows while it follows the run."""
    total = history.training.total_steps if history.training else history.step
    return 0.0, float(step_limit(history.step, total, live=history.live))


@dataclass(frozen=True, slots=True)
class XAxis:
    """The horizontal axis."""

    kind: Axis
    steps: tuple[float, float]
    """The first and the last step in view."""
    low: float
    """Its left end, in steps, epochs or seconds."""
    high: float
    """Its right end."""
    steps_per_epoch: int
    times: tuple[Floats, Floats]
    """Some steps and the training time at each, in seconds."""

    @classmethod
    def of(cls, history: RunHistory, view: ChartView, reach: float = 0.0) -> "XAxis":
        """Return the axis for a view; while the run is followed, at least as far as `reach`, in its own unit."""
        steps_per_epoch = history.training.steps_per_epoch if history.training else 0
        kind: Axis = "step" if view.axis == "epoch" and not steps_per_epoch else view.axis
        steps = view.window or _followed(history, kind, steps_per_epoch, reach)
        times = history.curves.seconds.sampled() if kind == "time" else None
        axis = cls(kind, steps, *steps, steps_per_epoch, (times.x, times.y) if times else (np.empty(0), np.empty(0)))
        if kind == "step":
            return axis
        ends = axis.places(np.array(steps))
        low, high = float(ends[0]), float(ends[1])
        if kind == "time" and view.window is None:
            last = float(times.y[-1]) if times and len(times.y) else 0.0
            low, high = 0.0, max(time_limit(last, live=history.live), reach)
            steps = (0.0, history.step * high / max(last or high, 1e-9))
        return cls(kind, steps, low, max(high, low + 1e-9), steps_per_epoch, axis.times)

    def places(self, steps: Floats) -> Floats:
        """Return the places of steps, in the axis's unit."""
        if self.kind == "epoch":
            return steps / self.steps_per_epoch
        if self.kind == "time":
            known, seconds = self.times
            if not len(known) or known[-1] <= 0:
                return steps * 0.0
            pace = seconds[-1] / known[-1]
            inside = np.interp(steps, known, seconds, left=0.0)
            return np.where(steps > known[-1], seconds[-1] + (steps - known[-1]) * pace, inside)
        return steps

    def column(self, step: float, columns: int) -> int:
        """Return the column of a step; outside of 0 to columns - 1 when it is out of view."""
        place = float(self.places(np.array([step]))[0])
        share = (place - self.low) / (self.high - self.low)
        if share == 1.0:
            return columns - 1
        return math.floor(share * columns)

    def step_at(self, share: float) -> float:
        """Return the step at a share of 0 to 1 of the axis, counted from its left end."""
        return self.step_of(self.low + share * (self.high - self.low))

    def step_of(self, place: float) -> float:
        """Return the step at a place in the axis's unit."""
        if self.kind == "epoch":
            return place * self.steps_per_epoch
        if self.kind == "time":
            known, seconds = self.times
            return float(np.interp(place, seconds, known)) if len(known) else 0.0
        return place

    def labels(self, columns: int) -> str:
        """Return round numbers as one line, each in the middle above or below its place, as far as that is in view."""
        max_ticks = max(MIN_TICKS, columns // COLUMNS_PER_TICK)
        if self.kind == "time":
            tick = time_step(self.high - self.low, max_ticks)
        else:
            tick = nice_step(self.high - self.low, max_ticks)
            tick = max(tick, 1.0) if self.kind == "step" else tick
            tick = 5.0 if tick == 2.5 else tick  # there is no half step
        line = [" "] * columns
        free = 0
        for place in ticks_between(self.low, self.high, tick):
            label = self._tick_label(place)
            middle = columns * (place - self.low) / (self.high - self.low)
            start = min(max(round(middle - len(label) / 2), 0), columns - len(label))
            if start < free:
                continue
            line[start : start + len(label)] = label
            free = start + len(label) + 1
        return "".join(line)[:columns]

    def _tick_label(self, place: float) -> str:
        if self.kind == "time":
            return text.clock(place)
        return text.short_count(place)


def _followed(history: RunHistory, kind: Axis, steps_per_epoch: int, reach: float) -> tuple[float, float]:
    """Steps of a run that is followed, and as many more as others reach; an axis of time is extended in seconds."""
    low, high = full_range(history)
    if kind == "epoch" and history.live and high > history.step:
        total = high if history.training is None else history.training.total_steps
        high = min(axis_end(max(history.step / steps_per_epoch, 1e-3)) * steps_per_epoch, max(total, high))
    further = {"step": reach, "epoch": reach * steps_per_epoch, "time": 0.0}[kind]
    return low, max(high, further)


@dataclass(frozen=True, slots=True)
class YAxis:
    """The vertical axis."""

    limits: Limits
    """Its ends, as logarithms where it is logarithmic."""
    logarithmic: bool

    def heights(self, values: Floats) -> Floats:
        """Return the heights of values; one that has no logarithm lies below everything."""
        if not self.logarithmic:
            return values
        heights: Floats = np.log10(np.maximum(values, 10.0 ** (self.limits.low - 1)))
        return heights

    def labels(self, lines: int, max_ticks: int, format_tick: Callable[[float], str]) -> tuple[list[str], int]:
        """Return a label for every row, as wide as the widest needs, and that width."""
        ticks = log_ticks(self.limits, max_ticks) if self.logarithmic else self.limits.ticks()
        labelled = [(float(self.heights(np.array([tick]))[0]), format_tick(tick)) for tick in ticks]
        gutter = max(MIN_GUTTER, max((len(label) for _, label in labelled), default=0) + 1)
        labels = [" " * gutter] * lines
        for height, label in labelled:
            share = (height - self.limits.low) / (self.limits.high - self.limits.low)
            labels[round((1 - share) * (lines - 1))] = f"{label:>{gutter - 1}} "
        return labels, gutter
