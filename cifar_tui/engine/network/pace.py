"""The pace of each of several processes: the seconds of its own part of a step, without waiting for the others."""

import time
from collections import deque
from collections.abc import Mapping
from statistics import fmean
from typing import NamedTuple

import torch

from cifar_tui.events import PaceMeasured

READINGS = 10
"""Readings, one a heartbeat, that a mean goes over at least."""
LEAST_STEPS = 5
"""Steps that a mean is over at least."""


class Reading(NamedTuple):
    """All that a process has measured so far."""

    steps: int = 0
    """Steps that were measured."""
    seconds: float = 0.0
    """Seconds that its own part of them took together."""


class Pace:
    """Measures every step on a processor. On a GPU, one at a time by events on its stream, which nobody waits for."""

    def __init__(self) -> None:
        """Measure on the processor."""
        self.reading = Reading()
        """May be read by any thread."""
        self._began = 0.0
        self._events: tuple[torch.cuda.Event, torch.cuda.Event] | None = None
        self._in_flight = False

    def prepare(self, device: torch.device) -> None:
        """Measure on this device."""
        if device.type == "cuda":
            self._events = _timing_event(), _timing_event()

    def begin(self) -> None:
        """Note that this process's part of a step begins."""
        if self._events is None:
            self._began = time.perf_counter()
            return
        first, last = self._events
        if self._in_flight and last.query():  # type: ignore[no-untyped-call]
            self._in_flight = False
            self._add(first.elapsed_time(last) / 1_000)
        if not self._in_flight:
            first.record()

    def end(self) -> None:
        """Note that this process has done its part, and waits for the others."""
        if self._events is None:
            self._add(time.perf_counter() - self._began)
        elif not self._in_flight:
            self._events[1].record()
            self._in_flight = True

    def _add(self, seconds: float) -> None:
        self.reading = Reading(self.reading.steps + 1, self.reading.seconds + seconds)


def _timing_event() -> torch.cuda.Event:
    return torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]


class PaceOfAll:
    """The paces of all processes beside each other."""

    def __init__(self) -> None:
        self._past: dict[int, deque[Reading]] = {}

    def add(self, readings: Mapping[int, Reading]) -> None:
        """Take in the newest reading of every rank."""
        for rank, reading in readings.items():
            past = self._past.setdefault(rank, deque())
            past.append(reading)
            while len(past) > READINGS and past[-1].steps - past[1].steps >= LEAST_STEPS:
                past.popleft()

    def slowest(self) -> PaceMeasured | None:
        """Return the slowest rank, and by how much; None while one has not measured enough of late."""
        steps = {rank: past[-1].steps - past[0].steps for rank, past in self._past.items()}
        if len(steps) < 2 or min(steps.values()) < LEAST_STEPS:
            return None
        means = {rank: (past[-1].seconds - past[0].seconds) / steps[rank] for rank, past in self._past.items()}
        slowest = max(means, key=means.__getitem__)
        others = fmean(mean for rank, mean in means.items() if rank != slowest)
        return PaceMeasured(slowest, means[slowest] / others - 1) if others > 0 else None
