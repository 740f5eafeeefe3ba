"""The runs that jobs of a queue still need, for who is about to delete them."""

import contextlib
from collections.abc import Sequence
from pathlib import Path

from cifar_tui.errors import BadInput
from cifar_tui.queue.changes import Entry
from cifar_tui.queue.store import QueueStore
from cifar_tui.runs.tags import read_tags
from cifar_tui.text import safe_text


def needs_of_jobs(folders: Sequence[Path]) -> dict[Path, list[str]]:
    """Return why jobs of the queues beside these runs need them, each as part of a sentence about the run."""
    found: dict[Path, list[str]] = {folder: [] for folder in folders}
    for place in {folder.absolute().parent for folder in folders}:
        with contextlib.suppress(BadInput, OSError):  # a queue that cannot be read is told by its own commands
            waiting = [entry for entry in QueueStore(place).read().in_order() if entry.state != "ended"]
            for folder in folders if waiting else ():
                if folder.absolute().parent == place:
                    found[folder] = [why for entry in waiting if (why := _need(entry, folder.absolute()))]
    return found


def _need(entry: Entry, folder: Path) -> str:
    job = entry.job
    name = f"job {job.number} of the queue"
    if job.run == folder.name:
        return f"{name} trains it"
    if job.sweep and job.sweep in read_tags(folder):
        return f"{name} starts from the best of {safe_text(job.sweep, 60)}"
    if job.start and not job.sweep and folder in _starts(job.start):
        return f"{name} starts from it"
    return ""


def _starts(start: str) -> tuple[Path, Path]:
    """Return what may be the run of a job's start: a run or one of its epochs as `/runs/one:7`, or a checkpoint."""
    run, colon, epoch = start.rpartition(":")
    path = Path(run if colon and epoch.isdecimal() else start).absolute()
    return path, path.parent
