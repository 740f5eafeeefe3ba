"""The training loop: epochs of steps, a test and a checkpoint after each, requests heeded in between."""

import math
import time
from collections.abc import Callable

import torch
from torch.nn import functional

from cifar_tui import __version__
from cifar_tui.control import Requests
from cifar_tui.engine.attendant import Attendant
from cifar_tui.engine.augment import EpochPlan, ImageBank, plan_epoch
from cifar_tui.engine.data import DataSet, load
from cifar_tui.engine.device import Device, StepFence, choose_device
from cifar_tui.engine.evaluate import Verdict, evaluate
from cifar_tui.engine.judge import Judge
from cifar_tui.engine.keeper import Keeper
from cifar_tui.engine.meter import QueuedStep, StepMeter
from cifar_tui.engine.model import count_parameters, fresh_network
from cifar_tui.errors import CifarTuiError, StopAsked
from cifar_tui.events import (
    DataReady,
    EpochDone,
    Event,
    Progressed,
    RunFinished,
    RunStarted,
    RunStopped,
    StepDone,
    TrainingStarted,
)
from cifar_tui.recipe import Recipe
from cifar_tui.runs.folder import RunFolder

Emit = Callable[[Event], None]


def train(recipe: Recipe, folder: RunFolder, emit: Emit, requests: Requests) -> None:
    """Train a run from its recipe to its end, or to where a person stops it.

    Raises CifarTuiError for what a person can mend. Whatever happens is said through `emit`.
    """
    emit(RunStarted(folder.name, str(folder.path), recipe, time.time(), __version__))
    try:
        device = choose_device(recipe)
        data = load(recipe, emit, requests.stop_asked)
        training = Training(recipe, folder, data, device, emit, requests)
    except StopAsked:
        emit(RunStopped(0, ""))
        return
    try:
        training.run()
    except torch.OutOfMemoryError:
        raise CifarTuiError(
            f"The GPU ran out of memory with batches of {recipe.batch_size:,}. "
            f"Start again with --batch-size {max(1, recipe.batch_size // 2):,}."
        ) from None


class Training:
    """One run's network, optimiser and images, and the loop over them."""

    def __init__(
        self, recipe: Recipe, folder: RunFolder, data: DataSet, device: Device, emit: Emit, requests: Requests
    ) -> None:
        """Put everything on the device."""
        self._recipe = recipe
        self._data = data
        self._device = device
        self._emit = emit
        started = time.monotonic()
        emit(Progressed(f"Preparing {len(data.train.labels) + len(data.test.labels):,} images", 0, None, "", 0.0))
        self._train = ImageBank(data.train.pixels, data.train.labels, recipe, device.torch, recipe.crop_padding)
        self._test = ImageBank(data.test.pixels, data.test.labels, recipe, device.torch, 0)
        emit(Progressed("Preparing the network", 0, None, "", time.monotonic() - started))
        self._network = fresh_network(recipe.width, recipe.seed)
        self._network.to(device.torch, memory_format=device.memory_format)  # type: ignore[call-overload]
        # Built after the weights took their layout, so that the momentum has it too.
        self._optimizer = torch.optim.SGD(
            self._network.parameters(),
            lr=recipe.learning_rate,
            momentum=recipe.momentum,
            nesterov=recipe.nesterov,
            weight_decay=recipe.weight_decay,
            fused=device.torch.type != "mps",
        )
        self._scaler = torch.amp.GradScaler(device.torch.type, enabled=device.precision == "fp16")
        self._steps_per_epoch = recipe.steps_per_epoch(self._train.count)
        self._meter = StepMeter(device.torch)
        self._fence = StepFence(device.torch)
        self._keeper = Keeper(self._network, recipe, folder, data, emit)
        self._judge = Judge(folder.path, self._test, data.classes, device, emit)
        self._attendant = Attendant(requests, emit, self._evaluate_checkpoint, self._say_all_steps)
        self._epoch_so_far = EpochMeans()
        self._started = time.monotonic()

    def run(self) -> None:
        """Train every epoch; end with RunFinished, or with RunStopped when asked."""
        self._say_what_starts()
        self._started = time.monotonic()
        test_accuracy = math.nan
        try:
            for epoch in range(1, self._recipe.epochs + 1):
                test_accuracy = self._run_epoch(epoch).test_accuracy
                self._attendant.attend()
        except StopAsked:
            self._say_all_steps()
            step = self._attendant.step
            self._emit(RunStopped(step, self._keeper.save_midway(step, self._steps_per_epoch)))
            return
        self._emit(RunFinished(self._attendant.step, test_accuracy))

    def _run_epoch(self, epoch: int) -> EpochDone:
        """One pass over the training images, the test after it, and the checkpoint."""
        plan = plan_epoch(self._recipe, self._train.count, epoch, self._device.torch)
        self._epoch_so_far = EpochMeans()
        seconds_before = self._training_seconds()
        self._network.train()
        for batch in range(self._steps_per_epoch):
            self._attendant.attend()
            self._step(plan, epoch, batch)
            for step in self._meter.ready():
                self._say(step)
        self._say_all_steps()
        train_seconds = self._training_seconds() - seconds_before
        verdict, test_seconds = self._run_test(epoch)
        done = self._epoch_done(epoch, verdict, train_seconds, test_seconds)
        self._emit(done)
        self._keeper.save_epoch(done)
        return done

    def _step(self, plan: EpochPlan, epoch: int, batch: int) -> None:
        """One optimiser update; its numbers stay on the device for the meter."""
        step = (epoch - 1) * self._steps_per_epoch + batch + 1
        rate = self._recipe.learning_rate_at(step, self._steps_per_epoch)
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        start = batch * self._recipe.batch_size
        images, labels = self._train.batch(plan, start, start + self._recipe.batch_size)
        self._optimizer.zero_grad(set_to_none=True)
        with self._device.autocast():
            logits = self._network(images)
        loss = functional.cross_entropy(logits.float(), labels)
        self._scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        self._scaler.step(self._optimizer)
        self._scaler.update()
        hits = (logits.detach().argmax(1) == labels).sum()
        self._fence.step_queued()
        self._attendant.step = step
        queued = QueuedStep(step, epoch, len(labels), rate, self._training_seconds())
        self._meter.add(queued, loss.detach(), hits)

    def _run_test(self, epoch: int) -> tuple[Verdict, float]:
        """Measure the network as it is now. A pause holds it; a stop breaks it off. Returns the seconds it took too."""
        started, away_before = time.monotonic(), self._attendant.seconds_away

        def seconds() -> float:
            return time.monotonic() - started - (self._attendant.seconds_away - away_before)

        def go_on(done: int) -> bool:
            self._emit(Progressed(f"Testing epoch {epoch}", done, self._test.count, "images", seconds()))
            self._attendant.attend()
            return True

        go_on(0)
        verdict = evaluate(self._network, self._test, self._device, go_on)
        taken = seconds()
        self._started += taken
        assert verdict is not None, "only go_on ends a test early, and it never does"
        return verdict, taken

    def _epoch_done(self, epoch: int, verdict: Verdict, train_seconds: float, test_seconds: float) -> EpochDone:
        step = epoch * self._steps_per_epoch
        return EpochDone(
            epoch=epoch,
            step=step,
            train_loss=self._epoch_so_far.loss,
            train_accuracy=self._epoch_so_far.accuracy,
            test_loss=verdict.loss,
            test_accuracy=verdict.accuracy,
            learning_rate=self._recipe.learning_rate_at(step, self._steps_per_epoch),
            train_seconds=train_seconds,
            test_seconds=test_seconds,
        )

    def _evaluate_checkpoint(self, checkpoint: str) -> None:
        self._judge.evaluate(checkpoint, self._attendant.go_on_evaluating)

    def _say_all_steps(self) -> None:
        for done in self._meter.drain():
            self._say(done)

    def _say(self, done: StepDone) -> None:
        self._epoch_so_far.add(done)
        self._emit(done)

    def _training_seconds(self) -> float:
        return time.monotonic() - self._started - self._attendant.seconds_away

    def _say_what_starts(self) -> None:
        self._emit(
            DataReady(
                self._data.description, self._data.synthetic, self._data.classes, self._train.count, self._test.count
            )
        )
        self._emit(
            TrainingStarted(
                device=self._device.name,
                gpu=self._device.gpu,
                precision=self._device.precision,
                parameters=count_parameters(self._network),
                steps_per_epoch=self._steps_per_epoch,
                total_steps=self._recipe.epochs * self._steps_per_epoch,
            )
        )


class EpochMeans:
    """Per-image means over the steps of an epoch so far."""

    def __init__(self) -> None:
        """Start with no steps."""
        self._images = 0
        self._loss_sum = 0.0
        self._hits = 0.0

    def add(self, step: StepDone) -> None:
        """Take a step in."""
        self._images += step.images
        self._loss_sum += step.loss * step.images
        self._hits += step.accuracy * step.images

    @property
    def loss(self) -> float:
        """Mean cross-entropy; NaN before the first step."""
        return self._loss_sum / self._images if self._images else math.nan

    @property
    def accuracy(self) -> float:
        """0 to 1; NaN before the first step."""
        return self._hits / self._images if self._images else math.nan
