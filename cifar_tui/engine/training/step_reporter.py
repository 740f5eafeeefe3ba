"""Emits every step once its numbers have come from the device."""

import torch

from cifar_tui.engine.network.layer_norms import LayerNorms
from cifar_tui.engine.network.meter import StepMeter
from cifar_tui.engine.network.stepper import StepResult
from cifar_tui.engine.training.layer_watch import LayerWatch
from cifar_tui.engine.training.progress import TrainingProgress
from cifar_tui.events import Emit, Noted, StepDone
from cifar_tui.layer_events import NormsMeasured, pack


class StepReporter:
    """Reports the steps of one run, in order."""

    def __init__(self, device: torch.device, norms: LayerNorms, progress: TrainingProgress, emit: Emit) -> None:
        self._meter = StepMeter(device)
        self._norms = norms
        self._watch = LayerWatch(norms.names)
        self._progress = progress
        self._emit = emit
        self._nonfinite: StepDone | None = None

    def add(self, step: StepDone, result: StepResult) -> None:
        """Report a step that was queued on the device, as soon as its result is here."""
        self._meter.add(step, result, self._norms.pop())
        self._report(self._meter.completed())

    def flush(self) -> None:
        """Report every step so far, waiting for the device."""
        self._report(self._meter.drain())

    def pop_nonfinite(self) -> StepDone | None:
        """Return the first step since the last call whose loss was no finite number, once every step is reported."""
        if self._nonfinite is None:
            return None
        self.flush()
        step, self._nonfinite = self._nonfinite, None
        return step

    def _report(self, steps: list[StepDone]) -> None:
        norms = self._meter.pop_norms()
        for step in steps:
            self._progress.epoch_so_far.add(step)
            if not step.finite and self._nonfinite is None:
                self._nonfinite = step
            self._emit(step)
            if step.step in norms:
                self._report_norms(step.step, norms[step.step])

    def _report_norms(self, step: int, norms: list[float]) -> None:
        layers = self._norms.by_layer(norms)
        self._emit(NormsMeasured(step, pack(layers.gradients), pack(layers.weights)))
        for trouble in self._watch.judge(step, layers.gradients):
            self._emit(Noted(trouble))
