"""The training loop: epochs of steps, a test and a checkpoint after each, requests heeded in between."""

import contextlib
import math
import time
from collections.abc import Callable

import torch

from cifar_tui import __version__, text
from cifar_tui.control import ChangeRate, DeleteCheckpoint, Ignore, PinCheckpoint, RequestQueue
from cifar_tui.engine.checkpoints.checkpointer import Checkpointer
from cifar_tui.engine.checkpoints.initial_weights import initial_weights
from cifar_tui.engine.checkpoints.pruner import Pruner
from cifar_tui.engine.data.augment import EpochPlan, Images, plan_epoch
from cifar_tui.engine.data.dataset import DataFacts
from cifar_tui.engine.data.load import load
from cifar_tui.engine.evaluation.evaluate_checkpoint import CheckpointEvaluator
from cifar_tui.engine.network.accelerate import Accelerator
from cifar_tui.engine.network.device import Device, StepFence, choose_device, lower_priority
from cifar_tui.engine.network.meter import StepMeter
from cifar_tui.engine.network.model import count_parameters
from cifar_tui.engine.network.stepper import Stepper, TrainingState
from cifar_tui.engine.training.clock import TrainingClock
from cifar_tui.engine.training.epoch_test import EpochTest, EpochTestResult
from cifar_tui.engine.training.progress import EpochMeans, TrainingProgress, replay_progress
from cifar_tui.engine.training.request_handler import RequestHandler
from cifar_tui.engine.training.resume import emit_resumed, state_to_resume
from cifar_tui.errors import BadInput, CifarTuiError, StopRequested
from cifar_tui.events import (
    DataReady,
    EpochDone,
    Event,
    FinishPlanned,
    Noted,
    Progressed,
    RateChanged,
    Resumed,
    RolledBack,
    RunFinished,
    RunStarted,
    RunStopped,
    StepDone,
    TrainingStarted,
)
from cifar_tui.failpoints import hit
from cifar_tui.recipe import Recipe
from cifar_tui.runs.folder import RunFolder

Emit = Callable[[Event], None]

MAX_ROLL_BACKS = 3
"""How often a run that nobody watches goes back to its last good state before it gives up."""


def train(
    recipe: Recipe,
    folder: RunFolder,
    emit: Emit,
    requests: RequestQueue,
    changes: tuple[str, ...] | None = None,
    *,
    flush_records: Callable[[], None],
) -> None:
    """Train a run from its recipe to its end, or to where a person stops it.

    With `changes`, the run has ended before and goes on from its newest training state; they say how the recipe
    differs since. Raises CifarTuiError for what a person can mend. Whatever happens is said through `emit`, which
    any thread may call; `flush_records` waits until all that was said is in the run's records.
    """
    if changes is None:
        emit(RunStarted(folder.name, str(folder.path), recipe, time.time(), __version__))
    try:
        device = choose_device(recipe)
        lower_priority(device)
        found = state_to_resume(recipe, folder, emit) if changes is not None else None
        data = load(recipe, emit, requests.stop_requested)
        facts = data.facts()
        if changes is not None:
            emit_resumed(recipe, folder, found[0] if found else None, facts, device, changes, emit)
        emit(Progressed(f"Preparing {facts.train_images + facts.test_images:,} images", 0, None, "", 0.0))
        images = Images.of(data, recipe, device.torch)
        del data  # the images are held once
        training = Training(
            recipe, folder, facts, images, device, emit, requests, flush_records, found[1] if found else None
        )
    except StopRequested:
        emit(RunStopped(0, ""))
        return
    try:
        training.run()
    except (torch.OutOfMemoryError, MemoryError):
        raise CifarTuiError(
            f"The memory of {device.name} was not enough for batches of {recipe.batch_size:,}. "
            f"Start again with --batch-size {max(1, recipe.batch_size // 2):,}."
        ) from None
    finally:
        training.close()


class RollBackRequested(Exception):
    """Training goes back to the last good state."""


class Training:
    """One run's network, optimiser and images, and the loop over them."""

    def __init__(
        self,
        recipe: Recipe,
        folder: RunFolder,
        facts: DataFacts,
        images: Images,
        device: Device,
        emit: Emit,
        requests: RequestQueue,
        flush_records: Callable[[], None],
        state: TrainingState | None = None,
    ) -> None:
        """Put the network on the device, as it was after the state's last step where there is one."""
        self._recipe = recipe
        self._folder = folder
        self._facts = facts
        self._device = device
        self._emit = emit
        self._requests = requests
        self._flush_records = flush_records
        self._train = images.train
        emit(Progressed("Preparing the network", 0, None, "", 0.0))
        self._steps_per_epoch = recipe.steps_per_epoch(self._train.count)
        self._stepper = Stepper(recipe, device, initial_weights(recipe, folder.path))
        self._progress = TrainingProgress()
        if state is None and recipe.parent is not None:
            state = self._stepper.fresh_state()
        if state is not None:
            self._stepper.restore(state)
            self._progress = self._progress_at(state.step)
        steps_left = recipe.epochs * self._steps_per_epoch - self._progress.step
        self._accelerator = Accelerator(self._stepper, recipe, device, steps_left, lambda words: emit(Noted(words)))
        self._meter = StepMeter(device.torch)
        self._fence = StepFence(device.torch)
        # Asked from the saver's thread, and only once there is an attendant.
        pruner = Pruner(folder.path, recipe, self._progress.journaled, lambda: self._request_handler.in_use(), emit)
        self._checkpointer = Checkpointer(
            self._stepper, recipe, folder, facts, device.environment(), emit, flush_records, pruner
        )
        self._evaluator = CheckpointEvaluator(folder.path, images.test, facts, device, emit)
        self._clock = TrainingClock()
        self._request_handler = RequestHandler(requests, emit, self, self._clock.now)
        self._request_handler.step = self._progress.step
        self._epoch_test = EpochTest(images.test, images.held_out, device, self._request_handler, emit, self._clock.now)
        self._last_epoch = recipe.epochs
        self._finish_planned = False
        self._nonfinite_step: StepDone | None = None
        self._roll_backs = 0
        self._started = self._clock.now()

    def run(self) -> None:
        """Train every epoch that is left; end with RunFinished, or with RunStopped when asked."""
        self._emit_started()
        self._started = self._clock.now() - self._progress.seconds
        try:
            while self._progress.epochs_done < self._last_epoch:
                try:
                    self._run_epoch(self._progress.epochs_done + 1)
                except RollBackRequested:
                    self._roll_back()
                self._request_handler.handle_requests()
        except StopRequested:
            self._stop()
            return
        if self._last_epoch < self._recipe.epochs:
            self._stop()
        else:
            self._finish()

    def close(self) -> None:
        """End what goes on in the background."""
        self._checkpointer.close()
        self._clock.close()

    def flush_records(self) -> None:
        """Say every step done so far."""
        for done in self._meter.drain():
            self._emit_step(done)

    def evaluate_checkpoint(self, checkpoint: str) -> None:
        """Measure a checkpoint of this run."""
        self._evaluator.evaluate(checkpoint, self._request_handler.keep_evaluating)

    def change_rate(self, request: ChangeRate) -> None:
        """Train with another learning rate from the next step on; an impossible one is refused with a note."""
        step = self._request_handler.step + 1
        if step > self._recipe.epochs * self._steps_per_epoch:
            self._emit(Noted("The learning rate stays as it is: every step has been trained."))
            return
        now = self._recipe.learning_rate_at(step, self._steps_per_epoch)
        rate = now * request.rate if request.relative else request.rate
        try:
            self._change_recipe(self._recipe.with_rate(rate, step, self._steps_per_epoch))
        except BadInput as error:
            self._emit(Noted(str(error)))
            return
        self._emit(RateChanged(step, rate, self._recipe.rate_changes))

    def plan_finish(self) -> None:
        """Stop at the end of this epoch, or call that off."""
        under_way = min(self._progress.epochs_done + 1, self._recipe.epochs)
        self._finish_planned = not self._finish_planned
        self._last_epoch = under_way if self._finish_planned else self._recipe.epochs
        self._emit(FinishPlanned(under_way if self._finish_planned else 0))

    def save_now(self) -> None:
        """Save weights and state as they are."""
        self.flush_records()
        self._checkpointer.save_mid_epoch(self._request_handler.step, self._steps_per_epoch)
        self._checkpointer.save_state(self._request_handler.step)

    def manage_checkpoint(self, request: DeleteCheckpoint | PinCheckpoint) -> None:
        """Delete or pin a checkpoint, once what was handed over before is saved."""
        self._checkpointer.manage_checkpoint(request)

    def _stop(self) -> None:
        self.flush_records()
        step = self._request_handler.step
        checkpoint = self._checkpointer.save_mid_epoch(step, self._steps_per_epoch)
        self._checkpointer.save_state(step)
        self._checkpointer.wait()
        self._emit(RunStopped(step, checkpoint if self._checkpointer.saved(checkpoint) else ""))

    def _finish(self) -> None:
        """Say that the run has come to its end, once all of it is on disk. Raises CifarTuiError when it cannot be."""
        self._checkpointer.save_state(self._request_handler.step)
        if not self._checkpointer.wait_for_room(self._requests.stop_requested):
            raise CifarTuiError(
                f"All {text.counted(self._request_handler.step, 'step')} are trained, but the last could not be saved: "
                f"free some space, and go on with --resume {self._folder.name}."
            )
        with contextlib.suppress(StopRequested):  # it is stopping anyway
            self._request_handler.handle_requests()  # what was asked while the last was saved
        self._emit(RunFinished(self._request_handler.step, self._progress.test_accuracy))

    def _run_epoch(self, epoch: int) -> None:
        """One pass over the training images from where the run is, the test after it, and the checkpoint."""
        plan = plan_epoch(self._recipe, self._train.count, epoch, self._device.torch)
        first = self._progress.step - (epoch - 1) * self._steps_per_epoch
        for batch in range(first, self._steps_per_epoch):
            self._request_handler.handle_requests()
            if self._checkpointer.state_due:
                self.flush_records()
                self._handle_nonfinite_loss()
                self._checkpointer.save_state(self._request_handler.step)
            self._step(plan, epoch, batch)
            for step in self._meter.completed():
                self._emit_step(step)
            self._handle_nonfinite_loss()
        self.flush_records()
        self._handle_nonfinite_loss()
        train_seconds = self._training_seconds() - self._progress.epoch_began_at
        result = self._epoch_test.run(self._stepper.network, epoch)
        self._started += result.seconds
        done = self._epoch_done(epoch, result, train_seconds)
        self._emit(done)
        self._progress.epochs_done = epoch
        self._progress.test_accuracy = done.test_accuracy
        self._progress.epoch_so_far, self._progress.epoch_began_at = EpochMeans(), self._training_seconds()
        self._checkpointer.save_epoch(done)
        if self._checkpointer.state_due:
            self._checkpointer.save_state(done.step)

    def _step(self, plan: EpochPlan, epoch: int, batch: int) -> None:
        """One optimiser update; its numbers stay on the device for the meter."""
        step = (epoch - 1) * self._steps_per_epoch + batch + 1
        rate = self._recipe.learning_rate_at(step, self._steps_per_epoch)
        start = batch * self._recipe.batch_size
        images, labels = self._train.batch(plan, start, start + self._recipe.batch_size)
        loss, hits = self._accelerator.update(images, labels, rate)
        self._fence.step_queued()
        self._progress.step = self._request_handler.step = step
        queued = StepDone(step, epoch, math.nan, math.nan, len(labels), rate, self._training_seconds())
        self._meter.add(queued, loss, hits)
        hit("stepped", self._folder.name)

    def _epoch_done(self, epoch: int, result: EpochTestResult, train_seconds: float) -> EpochDone:
        step = epoch * self._steps_per_epoch
        return EpochDone(
            epoch=epoch,
            step=step,
            train_loss=self._progress.epoch_so_far.loss,
            train_accuracy=self._progress.epoch_so_far.accuracy,
            test_loss=result.test.loss,
            test_accuracy=result.test.accuracy,
            validation_accuracy=result.held_out.accuracy if result.held_out else None,
            learning_rate=self._recipe.learning_rate_at(step, self._steps_per_epoch),
            train_seconds=train_seconds,
            test_seconds=result.seconds,
        )

    def _handle_nonfinite_loss(self) -> None:
        """Once a loss was no number: go back or go on, as a person says; go back where nobody is there.

        Raises RollBackRequested, StopRequested, and CifarTuiError when going back has not helped.
        """
        if self._nonfinite_step is None:
            return
        self.flush_records()
        broken, self._nonfinite_step = self._nonfinite_step, None
        answer = self._request_handler.wait_for_decision(broken.step, broken.loss)
        if isinstance(answer, Ignore):
            self._stepper.restore_bn_stats(self._checkpointer.last_good_state())
            self._emit(Resumed(self._request_handler.step))
            return
        if answer is None and self._roll_backs == MAX_ROLL_BACKS:
            raise CifarTuiError(
                f"The loss was {broken.loss} at step {broken.step:,}, though training went back {MAX_ROLL_BACKS} "
                "times, each time with half the learning rate. Start again with a lower --lr."
            )
        self._roll_backs += 1
        raise RollBackRequested

    def _roll_back(self) -> None:
        """Take network, records and step back to the last good state, and halve the rate from there on."""
        from_step = self._progress.step
        state = self._checkpointer.last_good_state()
        self._stepper.restore(state)
        # A person may have lowered the rate since: half of what it was before would be more than what broke.
        rates = [self._recipe.learning_rate_at(step, self._steps_per_epoch) for step in (state.step + 1, from_step)]
        rate = min(rates) / 2
        self._change_recipe(self._recipe.with_rate(rate, state.step + 1, self._steps_per_epoch))
        self._checkpointer.discard_after(state.step)
        self._emit(RolledBack(from_step, state.step, rate, self._recipe.rate_changes))
        self._progress = self._progress_at(state.step)
        self._request_handler.step = state.step

    def _progress_at(self, step: int) -> TrainingProgress:
        self._flush_records()
        return replay_progress(self._folder.path, step, self._steps_per_epoch)

    def _change_recipe(self, recipe: Recipe) -> None:
        self._recipe = recipe
        try:
            self._folder.write_recipe(recipe)
        except OSError as error:
            self._emit(Noted(f"The recipe could not be written: {error.strerror or error}."))

    def _emit_step(self, done: StepDone) -> None:
        self._progress.epoch_so_far.add(done)
        if not done.finite and self._nonfinite_step is None:
            self._nonfinite_step = done
        self._emit(done)

    def _training_seconds(self) -> float:
        return self._clock.now() - self._started - self._request_handler.seconds_away

    def _emit_started(self) -> None:
        facts = self._facts
        counts = facts.train_images, facts.test_images
        self._emit(DataReady(facts.description, facts.synthetic, facts.classes, *counts, facts.test_checksum))
        self._emit(
            TrainingStarted(
                device=self._device.name,
                gpu=self._device.gpu,
                precision=self._device.precision,
                parameters=count_parameters(self._stepper.network),
                steps_per_epoch=self._steps_per_epoch,
                total_steps=self._recipe.epochs * self._steps_per_epoch,
            )
        )
