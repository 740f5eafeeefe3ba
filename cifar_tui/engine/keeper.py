"""Keeps a run's weights: one checkpoint after each epoch, and one on the way out in mid-epoch."""

import math
import time
from collections.abc import Callable

from torch import nn

from cifar_tui.engine.checkpoint import save_weights
from cifar_tui.engine.data import DataSet
from cifar_tui.events import CheckpointFailed, CheckpointSaved, EpochDone, Event
from cifar_tui.recipe import Recipe
from cifar_tui.runs.folder import RunFolder
from cifar_tui.runs.sidecars import Sidecar, epoch_checkpoint, step_checkpoint, write_sidecar


class Keeper:
    """Saves one network's weights into its run's folder."""

    def __init__(
        self, network: nn.Module, recipe: Recipe, folder: RunFolder, data: DataSet, emit: Callable[[Event], None]
    ) -> None:
        """Prepare; nothing is written yet."""
        self._network = network
        self._recipe = recipe
        self._folder = folder
        self._data = data
        self._emit = emit

    def save_epoch(self, done: EpochDone) -> None:
        """Save what an epoch ended with, under the tutorial's name."""
        self._save(epoch_checkpoint(done.epoch), done.epoch, done.step, done)

    def save_midway(self, step: int, steps_per_epoch: int) -> str:
        """Save where a stop found the run, unless that is there already. Returns the file's name; empty without one."""
        epochs, steps_into = divmod(step, steps_per_epoch)
        if steps_into == 0 and (step == 0 or (self._folder.path / epoch_checkpoint(epochs)).exists()):
            return epoch_checkpoint(epochs) if step else ""
        epoch = (step - 1) // steps_per_epoch + 1
        checkpoint = step_checkpoint(epoch, step)
        return checkpoint if self._save(checkpoint, epoch, step, None) else ""

    def _save(self, checkpoint: str, epoch: int, step: int, done: EpochDone | None) -> bool:
        """Write the weights and then, as the mark that they are whole, their sidecar. Returns whether it worked."""
        try:
            written = save_weights(self._network, self._folder.path / checkpoint)
            sidecar = Sidecar(
                checkpoint=checkpoint,
                run=self._folder.name,
                data=self._data.description,
                synthetic=self._data.synthetic,
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
        except OSError as error:
            reason = f"{checkpoint} could not be saved: {error.strerror or error}. Free some space; training goes on."
            self._emit(CheckpointFailed(checkpoint, reason))
            return False
        self._emit(CheckpointSaved(checkpoint, epoch, step))
        return True


def _number(value: float) -> float | None:
    """The value where JSON can hold it."""
    return value if math.isfinite(value) else None
