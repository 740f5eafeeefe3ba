"""The best run of a sweep, and the checkpoint of it that another run starts from."""

import contextlib
from pathlib import Path

from cifar_tui import text
from cifar_tui.dataclass import dataclass
from cifar_tui.errors import BadInput
from cifar_tui.queue.changes import QueueState
from cifar_tui.runs.checkpoints.sidecars import epoch_checkpoint
from cifar_tui.runs.find import all_runs
from cifar_tui.runs.overview import read_brief_history
from cifar_tui.runs.tags import read_tags


@dataclass(frozen=True, slots=True)
class BestRun:
    """The best of a sweep's finished runs."""

    checkpoint: Path
    """Its checkpoint: of its best epoch by validation images, where some are held out, or else of its last one."""
    why: str
    """The run, and what it was chosen by, for people."""


def members(place: Path, sweep: str) -> list[Path]:
    """Return the folders of a sweep's runs: those with its tag."""
    return [folder for folder in all_runs(place) if sweep in read_tags(folder)]


def waiting_members(state: QueueState, sweep: str) -> list[str]:
    """Return the names of a sweep's runs that have not ended in the queue."""
    return [entry.job.run for entry in state.in_order() if entry.state != "ended" and sweep in entry.job.tags]


def best_run(place: Path, sweep: str) -> BestRun:
    """Return the best finished run of a sweep.

    Where every one holds validation images out, by the accuracy on these, at its best epoch. Else by the last test
    accuracy. Raises BadInput where none has finished, or its checkpoint is gone.
    """
    finished = []
    for folder in members(place, sweep):
        with contextlib.suppress(OSError):
            history = read_brief_history(folder)
            if history.state == "finished" and history.epochs and history.best is not None:
                finished.append((folder, history.best, history.epochs[-1]))
    if not finished:
        raise BadInput(f"No run of the sweep {sweep} has finished.")
    if all(best.validation_accuracy is not None for _, best, _ in finished):
        folder, epoch, _ = max(finished, key=lambda one: one[1].validation_accuracy or 0.0)
        by = f"validation accuracy {text.percent(epoch.validation_accuracy or 0.0)}"
    else:
        folder, _, epoch = max(finished, key=lambda one: one[2].test_accuracy)
        by = f"last test accuracy {text.percent(epoch.test_accuracy)}"
    checkpoint = folder / epoch_checkpoint(epoch.epoch)
    if not checkpoint.is_file():
        raise BadInput(f"The checkpoint of {folder.name}, the best of {sweep}, is gone: {checkpoint.name}.")
    return BestRun(checkpoint, f"{folder.name}, the best of {sweep} by {by}")
