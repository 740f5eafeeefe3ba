"""The training loop: epochs of steps, a test and a checkpoint after each, requests handled in between."""

import contextlib
import math
import time
from collections.abc import Callable

from cifar_tui import __version__, text
from cifar_tui.control import Ignore, RequestQueue
from cifar_tui.engine.checkpoints.run_context import DEFAULT_INTERVALS, Intervals, RunContext
from cifar_tui.engine.data.augment import EpochPlan, Images, plan_epoch
from cifar_tui.engine.data.load import LoadData, load
from cifar_tui.engine.network.accelerate import Accelerator
from cifar_tui.engine.network.build import check_last_batch
from cifar_tui.engine.network.device import Device, StepFence, choose_device, prepare_processor
from cifar_tui.engine.network.device_memory import explained, smaller_batches
from cifar_tui.engine.network.heartbeats import watching
from cifar_tui.engine.network.model import count_parameters
from cifar_tui.engine.network.own_network import seed_step
from cifar_tui.engine.network.ranks import Order, Verb
from cifar_tui.engine.network.roll_call import leading
from cifar_tui.engine.training.epoch_test import EpochTest, EpochTestResult
from cifar_tui.engine.training.lead import agree_on_images, lead_ranks, on_all_devices
from cifar_tui.engine.training.request_handler import RequestHandler
from cifar_tui.engine.training.resume import emit_resumed, state_to_resume
from cifar_tui.engine.training.run_parts import RunParts
from cifar_tui.errors import CifarTuiError, StopRequested
from cifar_tui.events import (
    DataReady,
    Emit,
    EpochDone,
    Noted,
    Progressed,
    Resumed,
    RunFinished,
    RunStarted,
    RunStopped,
    StepDone,
    TrainingStarted,
)
from cifar_tui.failpoints import hit
from cifar_tui.layer_events import is_measured
from cifar_tui.recipe import Recipe
from cifar_tui.runs.checkpoints.states import resumable
from cifar_tui.runs.folder import RunFolder

MAX_ROLL_BACKS = 3
"""Times that a run that nobody attends goes back to its last good state before it fails."""


def train(
    recipe: Recipe,
    folder: RunFolder,
    emit: Emit,
    requests: RequestQueue,
    changes: tuple[str, ...] | None = None,
    *,
    flush_records: Callable[[], None],
    load_data: LoadData = load,
    intervals: Intervals = DEFAULT_INTERVALS,
    from_beginning: bool = False,
) -> None:
    """Train a run from its recipe to its end, or to where a person stops it.

    With `changes`, how the recipe differs since, the run has ended before and resumes from its newest training state,
    or `from_beginning` without one. `flush_records` waits until every event is in the records. Raises CifarTuiError.
    """
    if changes is None:
        emit(RunStarted(folder.name, str(folder.path), recipe, time.time(), __version__))
    device = _device(recipe, emit)
    ranks = lead_ranks(recipe, folder.path, emit)
    with explained(device, smaller_batches(recipe.batch_size)), leading(ranks), watching(ranks, emit):
        try:
            ranks = on_all_devices(ranks, device, requests.stop_requested)
            record, state = state_to_resume(recipe, folder, emit, changes, from_beginning=from_beginning)
            data = load_data(recipe, emit, requests.stop_requested)
            context = RunContext(recipe, folder, data.facts(), device, emit, flush_records, intervals, ranks)
            agree_on_images(ranks, context.facts.checksum, emit, requests.stop_requested)
            check_last_batch(recipe, context.facts.train_images)
            if changes is not None:
                emit_resumed(context, record, changes)
            emit(Progressed(f"Preparing {len(data.train.labels) + len(data.test.labels):,} images", 0, None, "", 0.0))
            images = Images.of(data, recipe, device.torch)
            del data  # the images are held once
            parts = RunParts.assemble(context, images, state, resumed=changes is not None)
        except StopRequested:
            emit(RunStopped(0, ""))
            return
        with contextlib.closing(parts):
            TrainingLoop(parts, images, requests).run()


def _device(recipe: Recipe, emit: Emit) -> Device:
    """Choose the device, and note a GPU that cannot be used. Raises BadInput."""
    device = choose_device(recipe)
    prepare_processor(device)
    if device.unused_gpu:
        emit(Noted(device.unused_gpu))
    return device


class RollBackRequested(Exception):
    """Training goes back to the last good state."""


class TrainingLoop:
    """The loop over the epochs and steps of one run."""

    def __init__(self, parts: RunParts, images: Images, requests: RequestQueue) -> None:
        self._parts = parts
        self._context, self._plan, self._progress = parts.context, parts.plan, parts.progress
        self._clock, self._steps, self._checkpointer = parts.clock, parts.steps, parts.checkpointer
        self._emit = parts.context.emit
        self._requests = requests
        self._train = images.train
        self._ranks = parts.context.ranks
        self._request_handler = RequestHandler(requests, parts)
        device = self._context.device
        steps_left = self._plan.total_steps - self._progress.step
        self._accelerator = Accelerator(
            parts.stepper, self._context.recipe, device, steps_left, lambda note: self._emit(Noted(note))
        )
        self._fence = StepFence(device.torch)
        hold = self._request_handler.handle_requests
        self._epoch_test = EpochTest(images, device, self._emit, self._clock.now, hold, self._ranks)
        self._roll_backs = 0

    def run(self) -> None:
        """Train every epoch that is left; end with RunFinished, or with RunStopped when that was requested."""
        self._emit_started()
        self._share_weights()
        self._clock.start(self._progress.seconds)
        try:
            while self._progress.epochs_done < self._plan.last_epoch:
                try:
                    self._run_epoch(self._progress.epochs_done + 1)
                except RollBackRequested:
                    self._roll_back()
                self._request_handler.handle_requests()
        except StopRequested as stop:
            self._stop(str(stop))
            return
        if self._plan.ends_early:
            self._stop()
        else:
            self._finish()

    def _run_epoch(self, epoch: int) -> None:
        """One pass over the training images from where the run is, the test after it, and the checkpoint."""
        plan = plan_epoch(self._context.recipe, self._train.count, epoch, self._context.device.torch)
        first = self._progress.step - (epoch - 1) * self._plan.steps_per_epoch
        if first == 0:
            self._plan.note_size(epoch)
        at_once = self._ranks.steps_at_once
        for start in range(first, self._plan.steps_per_epoch, at_once):
            self._request_handler.handle_requests()
            if self._checkpointer.state_due:
                self._steps.flush()
                self._handle_nonfinite_loss()
                self._checkpointer.save_state(self._progress.step)
            batches = range(start, min(start + at_once, self._plan.steps_per_epoch))
            rates = [self._plan.learning_rate_at((epoch - 1) * self._plan.steps_per_epoch + one + 1) for one in batches]
            self._ranks.order(Order(Verb.STEPS, epoch, start, tuple(rates)))
            for batch, rate in zip(batches, rates, strict=True):
                self._step(plan, epoch, batch, rate)
            self._handle_nonfinite_loss()
        self._steps.flush()
        self._handle_nonfinite_loss()
        with self._clock.stopped():
            result = self._epoch_test.run(self._parts.stepper.tested, epoch)
        done = self._epoch_done(epoch, result)
        self._emit(done)
        self._progress.finish_epoch(done, self._clock.seconds())
        self._checkpointer.save_epoch(done)
        if self._checkpointer.state_due:
            self._checkpointer.save_state(done.step)

    def _step(self, plan: EpochPlan, epoch: int, batch: int, rate: float) -> None:
        """One optimizer update; its numbers stay on the device until the reporter reads them."""
        step = (epoch - 1) * self._plan.steps_per_epoch + batch + 1
        start = batch * self._context.recipe.batch_size
        stop = min(start + self._context.recipe.batch_size, self._train.count)
        images, labels = self._train.batch(plan, self._ranks.share(start, stop))
        self._parts.stepper.norms.due = is_measured(step)
        seed_step(self._context.recipe.model, self._context.recipe.seed, step)
        result = self._accelerator.update(images, labels, rate, stop - start)
        self._fence.step_queued()
        self._progress.step = step
        queued = StepDone(step, epoch, math.nan, math.nan, stop - start, rate, self._clock.seconds())
        self._steps.add(queued, result)
        hit("stepped", self._context.folder.name)

    def _epoch_done(self, epoch: int, result: EpochTestResult) -> EpochDone:
        step = epoch * self._plan.steps_per_epoch
        return EpochDone(
            epoch=epoch,
            step=step,
            train_loss=self._progress.epoch_so_far.loss,
            train_accuracy=self._progress.epoch_so_far.accuracy,
            test_loss=result.test.loss,
            test_accuracy=result.test.accuracy,
            validation_accuracy=result.held_out.accuracy if result.held_out else None,
            learning_rate=self._plan.learning_rate_at(step),
            train_seconds=self._clock.seconds() - self._progress.epoch_began_at,
            test_seconds=result.seconds,
        )

    def _handle_nonfinite_loss(self) -> None:
        """Once a loss was no finite number: go back or train on, as a person decides; go back where nobody is there.

        Raises RollBackRequested, StopRequested, and CifarTuiError when going back has not helped.
        """
        step = self._steps.pop_nonfinite()
        if step is None:
            return
        answer = self._request_handler.wait_for_decision(step.step, step.loss)
        if isinstance(answer, Ignore):
            self._parts.stepper.restore_bn_stats(self._checkpointer.last_good_state())
            self._share_weights()
            self._emit(Resumed(self._progress.step))
            return
        if answer is None and self._roll_backs == MAX_ROLL_BACKS:
            raise CifarTuiError(
                f"The loss was {text.loss(step.loss)} at step {step.step:,}, though training was rolled back "
                f"{MAX_ROLL_BACKS} times, each time to half the learning rate. Start again with a lower --lr."
            )
        self._roll_backs += 1
        raise RollBackRequested

    def _roll_back(self) -> None:
        """Take network, records and step back to the last good state, and halve the rate from there on."""
        state = self._checkpointer.last_good_state()
        self._parts.stepper.restore(state)
        self._share_weights()
        self._checkpointer.discard_after(state.step)
        self._plan.roll_back(self._progress.step, state.step)
        self._context.flush_records()
        self._progress.replay(self._context.folder.path, state.step, self._plan.steps_per_epoch)

    def _share_weights(self) -> None:
        """Have all ranks go on from what this one has."""
        if self._ranks.several:
            self._ranks.order(Order(Verb.COPY))
            self._ranks.copy_from_leader(self._parts.stepper.shared_tensors())

    def _stop(self, by_signal: str = "") -> None:
        self._steps.flush()
        step = self._progress.step
        checkpoint = self._checkpointer.save_mid_epoch(step, self._plan.steps_per_epoch)
        self._checkpointer.save_state(step)
        self._checkpointer.wait()
        self._emit(RunStopped(step, checkpoint if self._checkpointer.saved(checkpoint) else "", by_signal))

    def _finish(self) -> None:
        """Emit that the run has finished, once all of it is on disk. Raises CifarTuiError when it cannot be saved."""
        step = self._progress.step
        self._checkpointer.save_state(step)
        if in_the_way := self._checkpointer.wait_until_saved(self._requests.stop_requested):
            name = self._context.folder.name
            way = f"Once there is room, resume with --resume {name}." if resumable(self._context.folder.path) else ""
            raise CifarTuiError(
                f"All {text.counted(step, 'step')} are trained, but the last could not be saved: "
                f"{in_the_way}. {way or 'Nothing was saved before: start anew where there is room.'}"
            )
        with contextlib.suppress(StopRequested):  # it is stopping anyway
            self._request_handler.handle_requests()  # what was requested while the last was saved
        self._emit(RunFinished(step, self._progress.test_accuracy))

    def _emit_started(self) -> None:
        facts, device = self._context.facts, self._context.device
        counts = facts.train_images, facts.test_images
        self._emit(DataReady(facts.description, facts.synthetic, facts.classes, *counts, facts.test_checksum))
        self._emit(
            TrainingStarted(
                device=f"{self._ranks.count} × {device.name}" if self._ranks.several else device.name,
                gpu=self._ranks.gpus(device.gpu),
                precision=device.precision,
                parameters=count_parameters(self._parts.stepper.network),
                steps_per_epoch=self._plan.steps_per_epoch,
                total_steps=self._plan.total_steps,
                processes=self._ranks.count,
                layers=self._parts.stepper.norms.names,
            )
        )
        if decay := self._context.recipe.ema:
            note = f"Tests and checkpoints are of a moving average of the weights (decay {decay:g}); training goes on "
            self._emit(Noted(f"{note}with the plain weights, which its training state keeps."))
