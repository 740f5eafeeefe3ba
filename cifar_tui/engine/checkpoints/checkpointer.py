"""Saves weights after each epoch and on request, and the state that a run resumes from exactly."""

import math
import time
from collections.abc import Callable

from cifar_tui import text
from cifar_tui.checkpoint_events import CheckpointFailed, CheckpointSaved, StateSaved
from cifar_tui.control import DeleteCheckpoint, PinCheckpoint
from cifar_tui.engine.checkpoints.background_writer import BackgroundWriter, Refusal, WriteTask
from cifar_tui.engine.checkpoints.checkpoint import save_tensors
from cifar_tui.engine.checkpoints.pruner import Pruner
from cifar_tui.engine.checkpoints.run_context import RunContext
from cifar_tui.engine.checkpoints.training_state import newest_state, save_state
from cifar_tui.engine.network.optimizer import Tensors
from cifar_tui.engine.network.stepper import Stepper, TrainingState
from cifar_tui.events import EpochDone, Noted
from cifar_tui.files.atomic_write import write_failure
from cifar_tui.runs.checkpoints.sidecars import (
    Sidecar,
    discard_sidecars,
    epoch_checkpoint,
    list_sidecars,
    step_checkpoint,
    write_sidecar,
)
from cifar_tui.runs.checkpoints.states import state_path


class Checkpointer:
    """Saves one run's weights and state into its folder, in the background."""

    def __init__(self, context: RunContext, stepper: Stepper, pruner: Pruner) -> None:
        self._context = context
        self._stepper = stepper
        self._folder = context.folder.path
        self._emit = context.emit
        self._intervals = context.intervals
        self._pruner = pruner
        self._writer = BackgroundWriter()
        self._state_due_at = time.monotonic() + self._intervals.state_seconds
        self._state_step = -1
        """The step of the last state that was scheduled."""
        self._saved_state_step = 0
        """The step of the last state on disk."""
        self._kept = {sidecar.step for sidecar in list_sidecars(self._folder) if "_step_" not in sidecar.checkpoint}
        """Steps whose weights were scheduled as an epoch's."""
        self._unsaved: set[str] = set()
        """Checkpoints scheduled and not on disk."""

    def save_epoch(self, done: EpochDone) -> None:
        """Save what an epoch ended with, under the tutorial's name."""
        self._pruner.record(done)
        self._save(epoch_checkpoint(done.epoch), done.epoch, done.step, done)

    def save_mid_epoch(self, step: int, steps_per_epoch: int) -> str:
        """Save where the run is, unless that is saved already. Returns the file's name; empty without one."""
        epochs, steps_into = divmod(step, steps_per_epoch)
        if steps_into == 0 and (step == 0 or step in self._kept):
            return epoch_checkpoint(epochs) if step else ""
        epoch = (step - 1) // steps_per_epoch + 1
        checkpoint = step_checkpoint(epoch, step)
        return checkpoint if self._save(checkpoint, epoch, step, None) else ""

    def discard_after(self, step: int) -> None:
        """Remove the sidecars of checkpoints of undone steps: they would pass for the newest."""
        self._kept = {kept for kept in self._kept if kept <= step}
        self._pruner.undo(step)
        try:
            discard_sidecars(self._folder, step)
        except OSError as error:
            self._emit(Noted(f"Checkpoints of steps that were undone could not be deleted: {error.strerror or error}."))

    def manage_checkpoint(self, request: DeleteCheckpoint | PinCheckpoint) -> None:
        """Delete or pin a checkpoint once what was scheduled before is written."""
        self._writer.schedule(
            WriteTask(
                name=request.checkpoint,
                replaces="",
                size=0,
                write=lambda: self._pruner.manage_checkpoint(request),
                refused=lambda refusal, _again: self._emit(
                    Noted(f"{request.checkpoint} is unchanged: {self._reason(refusal)}.")
                ),
            )
        )

    @property
    def state_due(self) -> bool:
        """True once the last state is old enough, and after the first epoch, from where on a run can be resumed."""
        first = self._state_step < 0 and bool(self._kept)
        return first or time.monotonic() >= self._state_due_at

    def save_state(self, step: int) -> None:
        """Save all that is needed to resume from `step`, unless it is saved already or not finite."""
        if step in (0, self._state_step):
            return
        self._state_due_at = time.monotonic() + self._intervals.state_seconds
        if not self._stepper.finite():
            return
        self._state_step = step
        state = self._stepper.export(step)
        self._state_due_at = math.inf  # until this one is written
        self._writer.schedule(
            WriteTask(
                name=state_path(self._folder, step).name,
                replaces="state",
                size=state.size,
                write=lambda: self._write_state(state),
                refused=self._state_refused,
            )
        )

    def wait(self) -> None:
        """Wait until everything scheduled was tried once more."""
        self._writer.wait()

    def wait_until_saved(self, cancelled: Callable[[], bool]) -> str:
        """Wait for a disk that is full, for as long as a person may need to make room.

        Returns why it cannot be saved; empty once all is.
        """
        until = time.monotonic() + self._intervals.room_seconds
        while waiting := self._writer.wait():
            refusals = [task.refusal for task in waiting if task.refusal is not None]
            bug = next((one for one in refusals if one.details), None)
            if bug or cancelled() or time.monotonic() >= until:
                return self._reason(bug or refusals[0])
            time.sleep(self._intervals.room_poll_seconds)
        return ""

    def close(self) -> None:
        """Try once more what waits, and end the writer."""
        self._writer.close()

    def saved(self, checkpoint: str) -> bool:
        """Return True if a checkpoint that was scheduled is on disk."""
        return checkpoint not in self._unsaved

    def last_good_state(self) -> TrainingState:
        """Return the newest intact state; the one before the first step when there is none."""
        self._writer.wait()
        found = newest_state(self._folder, self._context.recipe, lambda note: self._emit(Noted(note)))
        self._state_step = -1
        return found[1] if found else self._stepper.fresh_state()

    def _save(self, checkpoint: str, epoch: int, step: int, done: EpochDone | None) -> bool:
        """Have the weights written and then, as the mark that they are intact, their sidecar.

        Returns True if there was anything to save.
        """
        if not self._stepper.finite():
            self._emit(
                CheckpointFailed(checkpoint, f"{checkpoint} was not saved: some of its weights are NaN or infinite.")
            )
            return False
        if done is not None:
            self._kept.add(step)
        self._unsaved.add(checkpoint)
        weights = self._stepper.weights()
        self._writer.schedule(
            WriteTask(
                name=checkpoint,
                replaces="",
                size=_size(weights),
                write=lambda: self._write_checkpoint(checkpoint, weights, epoch, step, done),
                refused=lambda refusal, again: self._checkpoint_refused(checkpoint, _size(weights), refusal, again),
            )
        )
        return True

    def _write_checkpoint(
        self, checkpoint: str, weights: Tensors, epoch: int, step: int, done: EpochDone | None
    ) -> None:
        written = save_tensors(weights, self._folder / checkpoint)
        sidecar = Sidecar(
            checkpoint=checkpoint,
            run=self._context.folder.name,
            data=self._context.facts.description,
            synthetic=self._context.facts.synthetic,
            width=self._context.recipe.width,
            epoch=epoch,
            step=step,
            train_loss=_number(done.train_loss) if done else None,
            train_accuracy=done.train_accuracy if done else None,
            test_loss=_number(done.test_loss) if done else None,
            test_accuracy=done.test_accuracy if done else None,
            size=written.size,
            sha256=written.sha256,
            saved_at=time.time(),
            ema=self._context.recipe.ema,
        )
        write_sidecar(self._folder, sidecar)
        self._unsaved.discard(checkpoint)
        saved = CheckpointSaved(checkpoint, epoch, step)
        self._emit(saved)
        self._pruner.record(saved)
        self._pruner.prune()

    def _write_state(self, state: TrainingState) -> None:
        started = time.monotonic()
        # A state must never be ahead of the records: resuming from it would leave lines out.
        self._context.flush_records()
        save_state(self._folder, state, self._context.facts.checksum, self._context.device.environment())
        self._saved_state_step = state.step
        self._emit(StateSaved(state.step))
        ended = time.monotonic()
        self._state_due_at = ended + max(self._intervals.state_seconds, (ended - started) / self._intervals.state_cost)

    def _state_refused(self, refusal: Refusal, again: float) -> None:
        self._state_due_at = time.monotonic() + again
        advice = "T" if refusal.details else "Free some space; t"
        self._emit(
            Noted(
                f"The training state could not be saved: {self._reason(refusal)}. {self._saved_so_far} {advice}raining "
                f"continues, and saving is tried again in {again:.0f} s."
            )
        )

    def _checkpoint_refused(self, checkpoint: str, size: int, refusal: Refusal, again: float) -> None:
        after = f"the checkpoint waits in memory, and saving is tried again in {again:.0f} s" if again else "without it"
        advice = "T" if refusal.details else f"Free {text.size(size)}; t"
        reason = (
            f"{checkpoint} could not be saved: {self._reason(refusal)}. {self._saved_so_far} {advice}raining "
            f"continues, {after}."
        )
        self._emit(CheckpointFailed(checkpoint, reason))

    def _reason(self, refusal: Refusal) -> str:
        """Return why something was not written; the traceback of a bug goes into the run's folder."""
        if not refusal.details:
            return refusal.reason
        file = write_failure(self._folder, refusal.details)
        return f"{refusal.reason}, a bug in cifar-tui" + (f" (details in {file})" if file else "")

    @property
    def _saved_so_far(self) -> str:
        return f"Step {self._saved_state_step:,} is saved." if self._saved_state_step else "Nothing is saved yet."


def _size(tensors: Tensors) -> int:
    """Return the bytes of the tensors alone."""
    return sum(tensor.nbytes for tensor in tensors.values())


def _number(value: float) -> float | None:
    """Return the value where JSON can hold it."""
    return value if math.isfinite(value) else None
