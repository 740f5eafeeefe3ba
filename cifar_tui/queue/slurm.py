"""Hands the jobs of a queue to SLURM, by `sbatch`: from then on SLURM starts them, and starts them again."""

import re
import shlex
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from cifar_tui.errors import BadInput, CifarTuiError
from cifar_tui.queue.changes import Change, QueueState
from cifar_tui.queue.job import Job
from cifar_tui.queue.progress import run_progress
from cifar_tui.queue.readiness import waits_for
from cifar_tui.queue.store import QueueStore
from cifar_tui.text import counted, safe_text

SBATCH_SECONDS = 120.0
JOB_ID = re.compile(r"^(\d+)(?:;\S*)?$", re.MULTILINE | re.ASCII)
"""The number in the answer of `sbatch --parsable`, and its cluster."""


def hand_over(
    store: QueueStore,
    sbatch: str,
    options: Sequence[str],
    command: Callable[[Job], list[str]],
    say: Callable[[str], None],
    refusal: Callable[[Job], str],
) -> int:
    """Hand every waiting job to SLURM that waits for nothing but jobs that SLURM has, too. Returns the exit code.

    `command` is the one that trains a job's run, `refusal` says why one may not be started; empty where it may.
    Raises CifarTuiError where sbatch refuses one; those before it are handed over then.
    """
    record_ends(store)
    handed, left = 0, []
    for entry in list(store.read().in_order("waiting")):
        job, state = entry.job, store.read()
        if why := refusal(job):
            say(why)
            left.append(job.run)
            continue
        dependencies = _dependencies(job, state, store.place)
        if dependencies is None:
            left.append(job.run)
            continue
        identity = _submit(job.run, [sbatch, *_options(store, job, dependencies), *options], command(job))
        store.change(
            lambda _state, n=job.number, i=identity: [Change(change="handed", number=n, text=i, at=time.time())]  # type: ignore[misc]
        )
        say(f"{job.run} was handed to SLURM as job {identity}.")
        handed += 1
    if left:
        say(f"{counted(len(left), 'job')} left in the queue: call this again once what they wait for has ended.")
    if not handed and not left:
        say("No job waits.")
    return 0


def record_ends(store: QueueStore) -> None:
    """Write down which of the runs that SLURM has were trained to their end."""
    for entry in list(store.read().in_order("started")):
        if entry.slurm:
            seen = run_progress(store.folder_of(entry.job.run))
            if seen.state in ("finished", "failed", "stopped"):
                ended = Change(
                    change="end", number=entry.job.number, outcome=seen.state, text=seen.text, at=time.time()
                )
                store.change(lambda _state, ended=ended: [ended])  # type: ignore[misc]


def _dependencies(job: Job, state: QueueState, place: Path) -> list[str] | None:
    """Return the numbers in SLURM of the jobs that one waits for; None where not all of them are there."""
    entries = [state.by_run(run) for run in waits_for(job, state, place)]
    numbers = [entry.slurm for entry in entries if entry is not None and entry.slurm]
    # The best of a sweep is known, and with it the checkpoint to start from, once all of it has ended.
    return None if len(numbers) < len(entries) or (job.sweep and numbers) else numbers


def _options(store: QueueStore, job: Job, dependencies: Sequence[str]) -> list[str]:
    """Return options for sbatch.

    One job of a name at a time: a job that is handed over twice, because a runner was killed before it knew the number,
    waits for the first, finds the run finished, and ends.
    """
    after = "".join(f",afterany:{one}" for one in dependencies)
    output = store.folder / f"slurm-{job.run}.txt"
    return ["--parsable", f"--job-name={job.run}", f"--dependency=singleton{after}", f"--output={output}"]


def _submit(run: str, words: list[str], command: Sequence[str]) -> str:
    """Raises CifarTuiError."""
    try:
        done = subprocess.run(
            [*words, f"--wrap=exec {shlex.join(command)}"],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=SBATCH_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BadInput(f"sbatch could not be run: {safe_text(str(error), 200)}.") from error
    number = JOB_ID.search(done.stdout)
    if done.returncode or number is None:
        why = safe_text(" ".join((done.stderr or done.stdout).split()), 300)
        raise CifarTuiError(f"sbatch has refused {safe_text(run, 60)}: {why}")
    return number[1]
