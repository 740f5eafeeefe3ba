"""Drives a CUDA device faster than one kernel at a time: whole updates recorded as a graph, compiled or not.

Three tiers, each falling back to the one before when it fails: eager, graph, compile. Elsewhere all is eager.
"""

import time
from collections.abc import Callable

import torch

from cifar_tui.engine.network.device import Device
from cifar_tui.engine.network.layer_norms import Gradients
from cifar_tui.engine.network.stepper import Stepper, StepResult
from cifar_tui.recipe import Acceleration, Recipe

WARM_UPS = 3
"""Updates made before one is recorded: libraries choose their kernels, and memory is laid out, in the first ones."""
MEASURED = 50
"""Recorded updates timed before `auto` decides whether compiling pays."""
COMPILE_SECONDS = 30.0
"""Seconds that compiling takes: 22 on an H200 with 16 cores, and a margin."""
COMPILE_GAIN = 0.23
"""The share of the time that a compiled update saves, measured on an H200: 60,000 and 78,000 images a second."""


class Accelerator:
    """Makes updates by the fastest tier that works."""

    def __init__(self, stepper: Stepper, recipe: Recipe, device: Device, total_steps: int, note: Callable[[str], None]):
        """Choose the tier; `note` gets a sentence, once each, when one does not work."""
        self._stepper = stepper
        self._note = note
        self._batch = recipe.batch_size
        self._steps_left = total_steps
        self._auto = recipe.acceleration == "auto"
        self._tier = self._possible_tier(recipe.acceleration, device)
        self._images: torch.Tensor
        self._graph: torch.cuda.CUDAGraph | None = None
        self._gradients: Gradients = []
        """Those that every replay fills: a graph has no branch, so norms are measured around it, not in it."""
        self._warm_ups = 0
        self._recorded = 0
        self._recorded_since = 0.0
        self._wants_compiling = self._tier == "compile"

    @property
    def tier(self) -> Acceleration:
        """The tier that updates are made by at present."""
        return self._tier

    def update(self, images: torch.Tensor, labels: torch.Tensor, rate: float, total: int = 0) -> StepResult:
        """One update from a batch, or this rank's share of one of `total` images; see Stepper.update."""
        self._steps_left -= 1
        if self._tier == "eager" or len(labels) != self._batch:
            # A graph has one batch size; the ragged last batch goes the plain way, through the same optimiser.
            return self._run_eager(images, labels, rate, total)
        try:
            self._consider_compiling()
            return self._run_graph(images, labels, rate)
        except RuntimeError as error:  # out of memory too: recording needs memory of its own
            self._fall_back(error)
            return self.update(images, labels, rate, total)

    def _possible_tier(self, wanted: Acceleration, device: Device) -> Acceleration:
        if device.torch.type == "cuda" and device.precision != "fp16" and not self._stepper.shared:
            return "graph" if wanted == "auto" else wanted
        if wanted in ("graph", "compile"):
            self._note(f"CUDA graphs are not used: {self._why_no_graph(device)}.")
        return "eager"

    def _why_no_graph(self, device: Device) -> str:
        if device.torch.type != "cuda":
            return f"{device.name} has no CUDA graphs"
        return "several processes sum in every step" if self._stepper.shared else "fp16 needs a loss scaler"

    def _run_eager(self, images: torch.Tensor, labels: torch.Tensor, rate: float, total: int) -> StepResult:
        compiled, self._stepper.forward = self._stepper.forward, self._stepper.network
        try:
            return self._stepper.update(images, labels, rate, total)
        finally:
            self._stepper.forward = compiled

    def _run_graph(self, images: torch.Tensor, labels: torch.Tensor, rate: float) -> StepResult:
        if self._warm_ups and images.shape != self._images.shape:
            self._forget_graph()  # the images have grown: a graph has one size
        if self._warm_ups == 0:
            self._images, self._labels = torch.empty_like(images), torch.empty_like(labels)
        self._images.copy_(images)
        self._labels.copy_(labels)
        self._stepper.set_rate(rate)
        if self._warm_ups < WARM_UPS:
            # Counted after it worked: a first update that fails is made again by the tier below.
            result = self._warm_up()
            self._warm_ups += 1
            return result
        if self._graph is None:
            with self._stepper.norms.held():
                self._capture()
        assert self._graph is not None
        weights = self._stepper.norms.weights_if_due()
        self._graph.replay()
        if weights is not None:
            self._stepper.norms.keep(weights, self._gradients)
        self._recorded += 1
        return self._result

    def _warm_up(self) -> StepResult:
        """A real update, on a stream of its own as recording wants it (torch's CUDA graphs notes)."""
        here, beside = torch.cuda.current_stream(), torch.cuda.Stream()  # type: ignore[no-untyped-call]
        beside.wait_stream(here)
        with torch.cuda.stream(beside):
            result = self._stepper.run(self._images, self._labels)
        here.wait_stream(beside)
        return result

    def _capture(self) -> None:
        """Record an update without making it. Other threads' CUDA calls, NVML's for one, do not matter to it."""
        torch.cuda.synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, capture_error_mode="thread_local"):
            self._result = self._stepper.run(self._images, self._labels)
        self._graph, self._gradients = graph, self._stepper.norms.gradients()
        self._recorded, self._recorded_since = 0, time.monotonic()

    def _forget_graph(self) -> None:
        self._graph, self._gradients, self._warm_ups = None, [], 0

    def _consider_compiling(self) -> None:
        """Compile before an update: when asked to, or once `auto` has seen that what is left to train is worth it."""
        if self._auto and self._tier == "graph" and self._recorded == MEASURED:
            seconds_left = (time.monotonic() - self._recorded_since) / MEASURED * self._steps_left
            self._wants_compiling = seconds_left * COMPILE_GAIN > COMPILE_SECONDS
            self._auto = self._wants_compiling
        if self._wants_compiling:
            self._wants_compiling = False
            self._tier = "compile"
            self._note("Compiling the network: the next step may take a minute.")
            self._compile()

    def _compile(self) -> None:
        compiled = torch.compile(self._stepper.network, dynamic=False)
        assert isinstance(compiled, torch.nn.Module)
        self._stepper.forward = compiled
        self._forget_graph()

    def _fall_back(self, error: RuntimeError) -> None:
        """Go one tier down. torch's own text may be pages long, so its first line has to do."""
        below: Acceleration = "graph" if self._tier == "compile" else "eager"
        first_line = str(error).strip().split("\n")[0][:200]
        self._note(f"Acceleration {self._tier} does not work here ({first_line}); training continues with {below}.")
        self._auto = False
        self._tier = below
        self._stepper.forward = self._stepper.network
        self._forget_graph()
