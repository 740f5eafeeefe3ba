"""Takes a run's records back to a step, so that going on from there leaves no line twice and none out."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from cifar_tui.events import (
    CheckpointSaved,
    EpochDone,
    Event,
    Paused,
    Resumed,
    RunStopped,
    StateSaved,
    StepDone,
)
from cifar_tui.runs import journal, tutorial_logs
from cifar_tui.runs.durable import write_durably

UNDONE = (StepDone, EpochDone, Paused, Resumed, CheckpointSaved, StateSaved, RunStopped)
"""What is undone when it was said of a later step. What a person chose, and what went wrong, stands."""


def stands(event: Event, step: int) -> bool:
    """Whether what was said is still true of a run that has gone back to `step`."""
    return not (isinstance(event, UNDONE) and event.step > step)


def rewind_records(folder: Path, step: int) -> None:
    """Make the journal and the tutorial's files end with `step`. Raises OSError, with every file whole."""
    path = folder / journal.NAME

    def copy(file: BinaryIO) -> None:
        for line in _standing_lines(path, step):
            file.write(line)

    write_durably(path, copy)
    tutorial_logs.write_again(folder, journal.read_events(path))


def _standing_lines(path: Path, step: int) -> Iterator[bytes]:
    """Each line that stays, as it is; torn ones, which a crash can leave, do not."""
    with path.open("rb") as file:
        for line in file:
            try:
                _, event = journal.from_line(line)
            except ValueError:
                continue
            if stands(event, step):
                yield line
