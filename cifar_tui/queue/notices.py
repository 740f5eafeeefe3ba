"""Notifications of a queue for people who look elsewhere: a job that failed, a sweep that is done, a full disk."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from cifar_tui.queue.changes import QueueState
from cifar_tui.queue.job import Job

Notify = Callable[[str, Mapping[str, object]], None]
"""Takes the name of an event, and its facts; returns at once."""


def job_failed(job: Job, folder: Path, reason: str) -> tuple[str, Mapping[str, object]]:
    """Return the event of a job that has failed."""
    return "job-failed", {"run": job.run, "folder": str(folder), "sentence": f"Its job has failed: {reason}"}


def disk_full(place: Path) -> tuple[str, Mapping[str, object]]:
    """Return the event of a disk on which nothing more is started."""
    sentence = "The disk is full: the queue starts nothing more."
    return "disk-full", {"run": f"The queue of {place.name}", "folder": str(place), "sentence": sentence}


def sweeps_done(state: QueueState, job: Job, place: Path) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Yield the event of each sweep whose last job this was."""
    for tag in job.tags:
        entries = [entry for entry in state.in_order() if tag in entry.job.tags]
        if len(entries) > 1 and all(entry.state == "ended" for entry in entries):
            ends = Counter(entry.outcome for entry in entries)
            counts = ", ".join(f"{count} {outcome}" for outcome, count in ends.items())
            facts = {"sweep": tag, "folder": str(place), "sentence": f"All {len(entries)} jobs have ended: {counts}."}
            yield "sweep-done", {"run": f"The sweep {tag}", **facts}
