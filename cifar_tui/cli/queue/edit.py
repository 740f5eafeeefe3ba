"""`cifar-tui queue move`, `drop`, `retry`, `pause` and `resume`."""

from collections.abc import Sequence
from typing import Annotated

import typer

from cifar_tui.cli.queue.place import JobName, JobNames, Place, find_job, store_in
from cifar_tui.errors import BadInput
from cifar_tui.queue.changes import Change, Entry, QueueState, retried
from cifar_tui.queue.command import queue_command
from cifar_tui.queue.drop import stop_dropped
from cifar_tui.queue.store import runner_of
from cifar_tui.text import counted, safe_text

ENDED = "ended"
"""Names all jobs that have ended."""


def move(
    job: JobName,
    to: Annotated[str, typer.Argument(metavar="first|last|N", help="The place among those that wait, from 1.")],
    place: Place = None,
) -> None:
    """Move a waiting job to another place."""
    moved: list[str] = []

    def decide(state: QueueState) -> list[Change]:
        entry = find_job(state, job)
        if entry.state != "waiting":
            raise BadInput(f"{entry.job.run} does not wait: only a waiting job can be moved.")
        waiting = sum(1 for _ in state.in_order("waiting"))
        index = _place(to, waiting)
        moved.append(f"{entry.job.run} is now number {index + 1} of {waiting} that wait.")
        return [Change(change="move", number=entry.job.number, to=index)]

    store_in(place).change(decide)
    print(moved[-1])


def _place(typed: str, waiting: int) -> int:
    """Return the place among those that wait, from 0. Raises BadInput."""
    if typed in ("first", "last"):
        return 0 if typed == "first" else waiting - 1
    if not typed.isdecimal() or len(typed) > 9 or not int(typed):
        raise BadInput(f"A place is first, last, or a number from 1, not '{safe_text(typed, 40)}'.")
    return min(int(typed), waiting) - 1


def drop(
    jobs: Annotated[
        list[str],
        typer.Argument(metavar="JOB...", help="Numbers of jobs, names of their runs, or ended for all that did."),
    ],
    place: Place = None,
) -> None:
    """Take jobs out of the queue; one that is running saves and ends. Runs are not deleted."""
    store, dropped = store_in(place), list[Entry]()

    def decide(state: QueueState) -> list[Change]:
        dropped[:] = _named(state, jobs)
        return [Change(change="drop", number=entry.job.number) for entry in dropped]

    store.change(decide)
    for entry in dropped[:20]:
        print(f"{entry.job.run} was dropped.{stop_dropped(store, entry)}")
    for entry in dropped[20:]:
        stop_dropped(store, entry)
    if len(dropped) > 20 or not dropped:
        print(f"{counted(len(dropped), 'job')} dropped in all." if dropped else "There is nothing to drop.")


def _named(state: QueueState, typed: Sequence[str]) -> list[Entry]:
    """Return the entries that were named, each once. Raises BadInput."""
    found: dict[int, Entry] = {}
    for name in typed:
        entries = list(state.in_order("ended")) if name == ENDED else [find_job(state, name)]
        found.update((entry.job.number, entry) for entry in entries)
    return list(found.values())


def retry(jobs: JobNames, place: Place = None) -> None:
    """Have jobs that have failed or were stopped wait again; a run resumes where it was."""
    store, again = store_in(place), list[Entry]()

    def decide(state: QueueState) -> list[Change]:
        again[:] = _named(state, jobs)
        return [retried(entry) for entry in again]

    store.change(decide)
    for entry in again:
        print(f"{entry.job.run} waits again.")


def pause(place: Place = None) -> None:
    """Start nothing more until queue resume; what is running trains on."""
    store = store_in(place)
    changed = store.change(lambda state: [] if state.paused else [Change(change="pause")])
    again = queue_command(store, "resume")
    print(f"The queue {'is paused' if changed else 'was paused already'}. To go on: {again}")


def resume(place: Place = None) -> None:
    """Start waiting jobs again after queue pause."""
    store = store_in(place)
    changed = store.change(lambda state: [Change(change="resume")] if state.paused else [])
    print("The queue starts jobs again." if changed else "The queue was not paused.")
    if not runner_of(store):
        print(f"Nothing runs it now. To do that: {queue_command(store, 'run')}")
