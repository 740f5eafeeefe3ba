"""`cifar-tui queue add`: checks a run or a sweep as `train` does, shows it with its time, and adds it."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from cifar_tui import text
from cifar_tui.cli.completion import complete_run
from cifar_tui.cli.options import (
    Normalize,
    PresetName,
    RunName,
    RunTags,
    TrainedModel,
    WeightsName,
    recipe_options,
)
from cifar_tui.cli.queue.place import Place, store_in
from cifar_tui.cli.several import Gpus, Processes
from cifar_tui.cli.terminal import confirmed
from cifar_tui.option import RUN
from cifar_tui.queue.command import queue_command
from cifar_tui.queue.store import QueueStore, runner_of

if TYPE_CHECKING:
    from cifar_tui.cli.queue.drafts import Draft
    from cifar_tui.queue.job import Job

QUEUE = "Queue"
MOST_SHOWN = 30
"""Runs of a sweep that are shown, one a line."""

START_HELP = (
    "Start from a checkpoint: RUN:EPOCH, a run for its newest one when it starts, also of one that waits, a file, or "
    "best:SWEEP for the best run of a sweep, once all of it has ended."
)
Start = Annotated[
    str | None,
    typer.Option("--from", metavar="CHECKPOINT", help=START_HELP, rich_help_panel=RUN, autocompletion=complete_run),
]
SWEEP_HELP = (
    "The tag of these runs, by which results and best:SWEEP know them. Of several, without it: preset and time."
)
Sweep = Annotated[str | None, typer.Option("--sweep", metavar="NAME", help=SWEEP_HELP, rich_help_panel=QUEUE)]
AFTER_HELP = "Start only after this run, or job, has ended; repeat it for more."
After = Annotated[
    list[str] | None,
    typer.Option("--after", metavar="RUN", help=AFTER_HELP, rich_help_panel=QUEUE, autocompletion=complete_run),
]
First = Annotated[
    bool, typer.Option("--first", help="Put it before all jobs that wait, instead of last.", rich_help_panel=QUEUE)
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Add several runs without asking.", rich_help_panel=QUEUE)]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the runs and add none.", rich_help_panel=QUEUE)]


@recipe_options(swept=True)
def add(
    *,
    preset_name: PresetName = None,
    changes: dict[str, str],
    model: TrainedModel = None,
    start: Start = None,
    normalize: Normalize = None,
    weights: WeightsName = "",
    gpus: Gpus = None,
    processes: Processes = None,
    run_name: RunName = None,
    tags: RunTags = None,
    sweep: Sweep = None,
    after: After = None,
    first: First = False,
    place: Place = None,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    """Add a run to the queue, or a sweep: with --lr 0.1,0.2 --seed 0..4, one of each combination."""
    # Loads what checking a run needs.
    from cifar_tui.cli.queue.drafts import Choices, drafts_of, put

    store, tagged, waited_for = store_in(place), tuple(tags or ()), tuple(after or ())
    choices = Choices(
        changes, preset_name, start, weights, normalize, model, gpus, processes, run_name, tagged, sweep, waited_for
    )
    drafts = drafts_of(store, choices)
    if len(drafts) > 1 or dry_run:
        print("\n".join(_shown(drafts)))
    if dry_run:
        return
    if len(drafts) > 1 and not yes and not _confirmed(len(drafts)):
        print("Nothing was added.")
        raise typer.Exit(1)
    _report(store, put(store, drafts, choices, first=first))


def _shown(drafts: Sequence["Draft"]) -> list[str]:
    """Return the runs as a table, their number, and their whole time."""
    from cifar_tui.cli.queue.table import aligned

    rows = [("", "run", "time", "options")]
    rows += [
        (str(index + 1), draft.job.run, _time(draft.job.seconds), draft.shown)
        for index, draft in enumerate(drafts[:MOST_SHOWN])
    ]
    lines = aligned(rows)
    if len(drafts) > MOST_SHOWN:
        lines.append(f"… and {len(drafts) - MOST_SHOWN:,} more")
    return [*lines, "", f"{text.counted(len(drafts), 'run')}, {_whole_time([one.job.seconds for one in drafts])}"]


def _time(seconds: float) -> str:
    return text.rough_duration(seconds).strip() if math.isfinite(seconds) else "unknown"


def _whole_time(times: Sequence[float]) -> str:
    """Return the time of all runs one after the other, as far as it is known."""
    known = [seconds for seconds in times if math.isfinite(seconds)]
    if not known:
        return "whole time unknown: no run of this kind has ended an epoch here"
    whole = f"about {_time(sum(known))}{' one after the other' if len(times) > 1 else ''}"
    unknown = len(times) - len(known)
    return f"{whole}, and {text.counted(unknown, 'run')} of unknown time" if unknown else whole


def _confirmed(count: int) -> bool:
    """Ask a person. Raises BadInput where there is nobody to ask."""
    otherwise = f"These are {count:,} runs: --yes adds them without asking, --dry-run only shows them."
    try:
        return confirmed(f"Add these {count:,} runs?", otherwise)
    except KeyboardInterrupt:
        print()
        return False


def _report(store: QueueStore, jobs: Sequence["Job"]) -> None:
    if len(jobs) == 1:
        print(f"{jobs[0].run} is job {jobs[0].number} of the queue.")
    else:
        print(f"Added {len(jobs):,} jobs, {jobs[0].number} to {jobs[-1].number}: {', '.join(jobs[0].tags[-1:])}")
    if not runner_of(store):
        print(f"To train what waits: {queue_command(store, 'run')}")
