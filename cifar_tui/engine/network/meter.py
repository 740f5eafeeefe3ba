"""Carries the numbers of every step from the device to events, without stalling the device."""

import dataclasses
import time

import torch

from cifar_tui.engine.network.stepper import StepResult
from cifar_tui.events import StepDone

READ_SECONDS = 0.1
"""Seconds between two copies of the newest steps to the host."""
SLOTS = 1_024
"""Steps that may wait on the device; more are read at once."""


class StepMeter:
    """A ring of the steps' numbers on the device, read in stretches.

    `add` never waits. `completed` starts a copy every `READ_SECONDS` and returns the steps whose copy has arrived.
    """

    def __init__(self, device: torch.device) -> None:
        """Make the ring on the device and its mirror on the host."""
        self._cuda = device.type == "cuda"
        self._norms = NormsMeter(self._cuda)
        self._ring = torch.zeros((len(StepResult._fields), SLOTS), device=device)
        self._mirror = torch.zeros(self._ring.shape, pin_memory=self._cuda)
        self._on_device: list[StepDone] = []
        self._in_flight: list[StepDone] = []
        self._arrival: torch.cuda.Event | None = None
        self._read_at = 0.0

    def add(self, step: StepDone, result: StepResult, norms: torch.Tensor | None = None) -> None:
        """Note a step whose numbers are on the device still, and its norms where they were measured."""
        if norms is not None:
            self._norms.add(step.step, norms)
        slot = len(self._on_device)
        for row, number in enumerate(result):
            self._ring[row, slot] = number
        self._on_device.append(step)

    def completed(self) -> list[StepDone]:
        """Steps whose numbers are here, in order; none more often than the reading interval."""
        if self._in_flight:
            arrived = self._arrival is None or self._arrival.query()  # type: ignore[no-untyped-call]
            return self._copy_finished() if arrived else []
        full = len(self._on_device) == SLOTS
        if self._on_device and (full or time.monotonic() >= self._read_at):
            self._start_copy()
            return self._copy_finished() if self._arrival is None or full else []
        return []

    def drain(self) -> list[StepDone]:
        """Every step added so far, waiting for the device."""
        steps = self._copy_finished() if self._in_flight else []
        if self._on_device:
            self._start_copy()
            steps += self._copy_finished()
        return steps

    def pop_norms(self) -> dict[int, list[float]]:
        """Return the norms that have arrived since the last call, by their step."""
        return self._norms.pop()

    def _start_copy(self) -> None:
        self._norms.start_copy()
        self._mirror.copy_(self._ring, non_blocking=self._cuda)
        if self._cuda:
            self._arrival = torch.cuda.Event()  # type: ignore[no-untyped-call]
            self._arrival.record()
        self._in_flight, self._on_device = self._on_device, []
        self._read_at = time.monotonic() + READ_SECONDS

    def _copy_finished(self) -> list[StepDone]:
        if self._arrival is not None:
            self._arrival.synchronize()
        self._norms.copy_finished()
        columns = self._mirror[:, : len(self._in_flight)].tolist()
        results = [dict(zip(StepResult._fields, row, strict=True)) for row in zip(*columns, strict=True)]
        steps = [
            dataclasses.replace(step, accuracy=result.pop("hits") / step.images, **result)
            for step, result in zip(self._in_flight, results, strict=True)
        ]
        self._in_flight = []
        return steps


class NormsMeter:
    """The norms of some steps on their way to the host, copied along with the steps' other numbers."""

    def __init__(self, cuda: bool) -> None:
        """Start without any; a mirror on the host is made once it is needed."""
        self._cuda = cuda
        self._mirror = torch.zeros((0, 0))
        self._on_device: list[tuple[int, torch.Tensor]] = []
        self._in_flight: list[int] = []
        self._arrived: dict[int, list[float]] = {}

    def add(self, step: int, norms: torch.Tensor) -> None:
        """Note the norms of a step, float32 [N] on the device."""
        self._on_device.append((step, norms))

    def start_copy(self) -> None:
        """Start to copy all of them."""
        if not self._on_device:
            return
        stacked = torch.stack([norms for _, norms in self._on_device])
        if len(self._mirror) < len(stacked):
            self._mirror = torch.zeros(stacked.shape, pin_memory=self._cuda)
        self._mirror[: len(stacked)].copy_(stacked, non_blocking=self._cuda)
        self._in_flight, self._on_device = [step for step, _ in self._on_device], []

    def copy_finished(self) -> None:
        """Take what was copied, now that it is here."""
        self._arrived |= zip(self._in_flight, self._mirror[: len(self._in_flight)].tolist(), strict=True)
        self._in_flight = []

    def pop(self) -> dict[int, list[float]]:
        """Return what has arrived since the last call, by step."""
        arrived, self._arrived = self._arrived, {}
        return arrived
