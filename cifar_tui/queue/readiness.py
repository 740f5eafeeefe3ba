"""The runs that have to end before a job can be started."""

from pathlib import Path

from cifar_tui.queue.best import waiting_members
from cifar_tui.queue.changes import QueueState
from cifar_tui.queue.job import Job
from cifar_tui.queue.progress import run_progress
from cifar_tui.runs.lock import is_being_trained


def waits_for(job: Job, state: QueueState, place: Path) -> list[str]:
    """Return the names of the runs that a job waits for; none where it can be started.

    A run that has failed, or whose job was dropped, keeps nobody waiting.
    """
    waiting_for = [run for run in job.after if _under_way(run, state, place)]
    if job.sweep:
        waiting_for += [run for run in waiting_members(state, job.sweep) if run != job.run]
    return list(dict.fromkeys(waiting_for))


def _under_way(run: str, state: QueueState, place: Path) -> bool:
    entry = state.by_run(run)
    if entry is not None and entry.slurm:
        return run_progress(place / run).state in ("absent", "running", "interrupted")
    if entry is not None:
        return entry.state != "ended"
    return is_being_trained(place / run)
