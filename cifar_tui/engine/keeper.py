"""Keeps what a run has reached: weights after each epoch and on request, and the state to go on exactly from."""

import math
import time
from collections.abc import Callable

from cifar_tui.engine.checkpoint import save_weights
from cifar_tui.engine.data import DataFacts
from cifar_tui.engine.state import newest_state, save_state
from cifar_tui.engine.stepper import Stepper, TrainingState
from cifar_tui.events import CheckpointFailed, CheckpointSaved, EpochDone, Event, Noted, StateSaved
from cifar_tui.recipe import Recipe
from cifar_tui.runs.folder import RunFolder
from cifar_tui.runs.sidecars import (
    Sidecar,
    discard_sidecars,
    epoch_checkpoint,
    list_sidecars,
    step_checkpoint,
    write_sidecar,
)
from cifar_tui.runs.states import Environment

STATE_SECONDS = 30.0
"""Training that a crash may cost: how often the state is saved."""
STATE_COST = 0.01
"""The share of the time that saving the state may take; a slow disk makes it rarer."""


class Keeper:
    """Saves one run's weights and state into its folder."""

    def __init__(
        self,
        stepper: Stepper,
        recipe: Recipe,
        folder: RunFolder,
        facts: DataFacts,
        environment: Environment,
        emit: Callable[[Event], None],
    ) -> None:
        """Prepare; nothing is written yet."""
        self._stepper = stepper
        self._recipe = recipe
        self._folder = folder
        self._facts = facts
        self._environment = environment
        self._emit = emit
        self._state_due_at = time.monotonic() + STATE_SECONDS
        self._state_step = -1
        self._saved = {sidecar.step for sidecar in list_sidecars(folder.path) if "_step_" not in sidecar.checkpoint}

    def save_epoch(self, done: EpochDone) -> None:
        """Save what an epoch ended with, under the tutorial's name."""
        self._save(epoch_checkpoint(done.epoch), done.epoch, done.step, done)

    def save_midway(self, step: int, steps_per_epoch: int) -> str:
        """Save where the run is, unless that is there already. Returns the file's name; empty without one."""
        epochs, steps_into = divmod(step, steps_per_epoch)
        if steps_into == 0 and (step == 0 or step in self._saved):
            return epoch_checkpoint(epochs) if step else ""
        epoch = (step - 1) // steps_per_epoch + 1
        checkpoint = step_checkpoint(epoch, step)
        return checkpoint if self._save(checkpoint, epoch, step, None) else ""

    def disown_later_than(self, step: int) -> None:
        """Take the mark of being whole from checkpoints of steps that are undone: they would pass for the newest."""
        self._saved = {saved for saved in self._saved if saved <= step}
        try:
            discard_sidecars(self._folder.path, step)
        except OSError as error:
            self._emit(Noted(f"Checkpoints of undone steps could not be removed: {error.strerror or error}."))

    @property
    def state_due(self) -> bool:
        """Whether the last state is old enough for a new one."""
        return time.monotonic() >= self._state_due_at

    def save_state(self, step: int) -> None:
        """Save all that is needed to go on from `step`, unless that is there already or no finite number."""
        if step in (0, self._state_step):
            return
        started = time.monotonic()
        try:
            if self._stepper.finite():
                save_state(self._folder.path, self._stepper.export(step), self._facts.checksum, self._environment)
                self._state_step = step
                self._emit(StateSaved(step))
        except OSError as error:
            reason = error.strerror or str(error)
            self._emit(Noted(f"The training state could not be saved: {reason}. Free some space; training goes on."))
        ended = time.monotonic()
        self._state_due_at = ended + max(STATE_SECONDS, (ended - started) / STATE_COST)

    def last_good_state(self) -> TrainingState:
        """The newest state that is whole; the one before the first step when there is none."""
        found = newest_state(self._folder.path, self._recipe.width, lambda words: self._emit(Noted(words)))
        self._state_step = -1
        return found[1] if found else self._stepper.fresh_state()

    def _save(self, checkpoint: str, epoch: int, step: int, done: EpochDone | None) -> bool:
        """Write the weights and then, as the mark that they are whole, their sidecar. Returns whether it worked."""
        if not self._stepper.finite():
            self._emit(CheckpointFailed(checkpoint, f"{checkpoint} was not saved: its weights are no finite numbers."))
            return False
        try:
            written = save_weights(self._stepper.network, self._folder.path / checkpoint)
            sidecar = Sidecar(
                checkpoint=checkpoint,
                run=self._folder.name,
                data=self._facts.description,
                synthetic=self._facts.synthetic,
                width=self._recipe.width,
                epoch=epoch,
                step=step,
                train_loss=_number(done.train_loss) if done else None,
                train_accuracy=done.train_accuracy if done else None,
                test_loss=_number(done.test_loss) if done else None,
                test_accuracy=done.test_accuracy if done else None,
                size=written.size,
                sha256=written.sha256,
                saved_at=time.time(),
            )
            write_sidecar(self._folder.path, sidecar)
            if done is not None:
                self._saved.add(step)
        except OSError as error:
            reason = f"{checkpoint} could not be saved: {error.strerror or error}. Free some space; training goes on."
            self._emit(CheckpointFailed(checkpoint, reason))
            return False
        self._emit(CheckpointSaved(checkpoint, epoch, step))
        return True


def _number(value: float) -> float | None:
    """The value where JSON can hold it."""
    return value if math.isfinite(value) else None
