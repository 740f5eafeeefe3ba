"""`cifar-tui queue list`: the jobs in their order, as a table or as JSON."""

import math
import sys
from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import orjson
import typer

from cifar_tui import text
from cifar_tui.cli.queue.place import Place, store_in
from cifar_tui.cli.terminal import terminal_columns
from cifar_tui.queue.changes import Entry, QueueState
from cifar_tui.queue.command import queue_command
from cifar_tui.queue.job import differing
from cifar_tui.queue.store import QueueStore, runner_of

HEAD = ("", "run", "state", "", "time", "options")
IN_SLURM = "in SLURM"
LIVE = ("running", "waiting", "interrupted", IN_SLURM)
"""States of jobs that have not ended."""


def list_jobs(
    place: Place = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON for each job.")] = False,
) -> None:
    """List the jobs in their order, with the state of each."""
    store = store_in(place)
    state = store.read()
    jobs = [ListedJob(entry, *state_of(store, state, entry)) for entry in state.in_order()]
    if as_json:
        for job in jobs:
            sys.stdout.write(orjson.dumps(_record(store, job)).decode() + "\n")
        return
    first = differing(job.entry.job for job in jobs)
    rows = [HEAD, *(_cells(job, first) for job in jobs)]
    print("\n".join([*head_lines(store, state, jobs), *(aligned(rows) if jobs else [])]))


class ListedJob(NamedTuple):
    """A job as it is listed."""

    entry: Entry
    """The job, and how far the queue knows it to be."""
    state: str
    """Its state in a word, by its run's folder too."""
    about: str
    """The rest of what is to be said of it."""


def head_lines(store: QueueStore, state: QueueState, jobs: Sequence[ListedJob]) -> list[str]:
    """Return how many jobs there are in each state, who runs them, and what to do next."""
    if not jobs:
        return [f"The queue of {store.place} is empty. To add a run: {queue_command(store, 'add')}"]
    count = Counter(job.state if job.state in LIVE else "ended" for job in jobs)
    running = sum(count[name] for name in LIVE if name != "waiting")
    lines = [f"{running} running, {count['waiting']} waiting, {count['ended']} ended"]
    runner = runner_of(store)
    if state.paused:
        why = f" ({text.safe_text(state.pause_reason)})" if state.pause_reason else ""
        lines[0] += f"; paused{why}: {queue_command(store, 'resume')}"
    if runner:
        lines.append(f"Run by {runner}; its log is {store.log}")
    elif count["waiting"]:
        lines.append(f"Nothing runs the queue now. To do that: {queue_command(store, 'run')}")
    if state.unreadable:
        lines.append(f"{text.counted(state.unreadable, 'line')} of its journal cannot be read by this version.")
    return [*lines, ""]


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows with their columns below each other, cut at the width of the terminal, where there is one."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    line = "  ".join(f"{{:{'<' if index else '>'}{width}}}" for index, width in enumerate(widths))
    lines = [line.format(*row).rstrip() for row in rows]
    room = terminal_columns()
    return [line if len(line) <= room else f"{line[: int(room) - 1]}…" for line in lines]


def _cells(listed: ListedJob, first: Collection[str]) -> tuple[str, ...]:
    """Return a job's row; the options in `first`, in which the jobs differ, stand where a terminal still has room."""
    entry, job = listed.entry, listed.entry.job
    time = text.rough_duration(job.seconds).strip() if entry.state == "waiting" and math.isfinite(job.seconds) else ""
    extra = "".join(
        [f" from {_start_name(job.start)}" if job.start else "", f" [{', '.join(job.tags)}]" if job.tags else ""]
    )
    return (
        str(job.number),
        text.safe_text(job.run, 100),
        listed.state,
        text.shortened(text.safe_text(listed.about, 500), 60),
        time,
        text.safe_text(f"{job.changes(first)}{extra}", 400),
    )


def _start_name(start: str) -> str:
    return start if start.startswith("best:") else Path(start).name


def state_of(store: QueueStore, state: QueueState, entry: Entry) -> tuple[str, str]:
    """Return a job's state in a word, and what is to be said of it."""
    if entry.state == "ended":
        return entry.outcome, entry.reason
    if entry.state == "started":
        # Loads what reading a run needs; few runs are under way.
        from cifar_tui.queue.progress import run_progress

        seen = run_progress(store.folder_of(entry.job.run))
        if seen.state == "running" or not entry.slurm:
            return "running" if seen.state in ("running", "absent") else seen.state, seen.text
        return (IN_SLURM, f"job {entry.slurm}") if seen.state == "absent" else (seen.state, seen.text)
    job = entry.job
    runs = []
    if job.after or job.sweep:
        from cifar_tui.queue.readiness import waits_for

        runs = waits_for(job, state, store.place)
    if not runs:
        return "waiting", "to resume" if entry.losses or entry.device else ""
    more = f" and {len(runs) - 2} more" if len(runs) > 2 else ""
    return "waiting", f"for {', '.join(runs[:2])}{more}"


def _record(store: QueueStore, listed: ListedJob) -> dict[str, object]:
    entry, job = listed.entry, listed.entry.job
    return {
        "number": job.number,
        "run": job.run,
        "state": listed.state,
        "text": listed.about,
        "preset": job.preset,
        "options": job.options,
        "from": job.start,
        "tags": job.tags,
        "after": job.after,
        "device": entry.device,
        "slurm": entry.slurm,
        "killed": entry.losses,
        "seconds": job.seconds,
        "added_at": job.added_at,
        "started_at": entry.started_at,
        "ended_at": entry.ended_at,
        "folder": str(store.folder_of(job.run)),
    }
