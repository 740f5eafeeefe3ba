"""The folder of runs whose queue a command is about, and jobs as they are typed."""

import difflib
from pathlib import Path
from typing import Annotated

import typer

from cifar_tui.errors import BadInput
from cifar_tui.files.home_path import in_home
from cifar_tui.queue.changes import Entry, QueueState
from cifar_tui.queue.store import QueueStore
from cifar_tui.text import safe_text

RUNS_FOLDER = Path("runs")
IN_HELP = "The folder of runs that the queue belongs to, and its runs go into. [dim]\\[default: runs][/dim]"
Place = Annotated[Path | None, typer.Option("--in", metavar="DIR", help=IN_HELP)]
JOB_HELP = "The job's number, or the name of its run."
JobName = Annotated[str, typer.Argument(metavar="JOB", help=JOB_HELP)]
JobNames = Annotated[list[str], typer.Argument(metavar="JOB...", help=JOB_HELP)]


def store_in(place: Path | None) -> QueueStore:
    """Return the queue of a folder of runs."""
    return QueueStore(in_home(place) if place is not None else RUNS_FOLDER)


def find_job(state: QueueState, typed: str) -> Entry:
    """Return the job that a person names. Raises BadInput, with names that are alike."""
    entry = state.entries.get(int(typed)) if typed.isdecimal() and len(typed) < 10 else None
    entry = entry or state.by_run(typed)
    if entry is not None:
        return entry
    alike = difflib.get_close_matches(typed, state.numbers, 3) if len(state.numbers) < 1_000 else []
    hint = f" Alike: {', '.join(safe_text(name, 60) for name in alike)}." if alike else ""
    raise BadInput(f"There is no job '{safe_text(typed, 60)}' in the queue.{hint} queue list shows those there are.")
