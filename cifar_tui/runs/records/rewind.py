"""Takes a run's records back to a step, so that training on from there leaves no line twice and none out."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from cifar_tui.checkpoint_events import CheckpointSaved
from cifar_tui.events import EpochDone, Event
from cifar_tui.files.atomic_write import write_atomically
from cifar_tui.files.run_files import journal_path
from cifar_tui.runs.checkpoints.sidecars import epoch_checkpoint
from cifar_tui.runs.records import journal, tutorial_logs


def stands(event: Event, step: int, *, epoch_saved: bool) -> bool:
    """Return True if an event still holds for a run that has gone back to `step`.

    An epoch that ended there stands only where its weights were saved: otherwise it is tested, and saved, again.
    """
    if isinstance(event, EpochDone) and event.step == step and not epoch_saved:
        return False
    return not (event.undone_by_rewind and getattr(event, "step", 0) > step)


def epoch_saved_at(events: Iterable[Event], step: int) -> bool:
    """Return True if the weights of an epoch that ended with `step` were saved."""
    return any(
        isinstance(event, CheckpointSaved) and event.step == step and event.checkpoint == epoch_checkpoint(event.epoch)
        for event in events
    )


def rewind_records(folder: Path, step: int) -> bool:
    """Make the journal and the tutorial's files end with `step`. Raises OSError, with every file intact.

    Returns True if the epoch that ended there no longer stands, and is tested again.
    """
    path = journal_path(folder)
    epoch_saved = epoch_saved_at(journal.read_events(path), step)
    tested_again = False

    def copy(file: BinaryIO) -> None:
        nonlocal tested_again
        for event, line in _events_with_lines(path):
            if stands(event, step, epoch_saved=epoch_saved):
                file.write(line)
            else:
                tested_again |= isinstance(event, EpochDone) and event.step == step

    write_atomically(path, copy)
    tutorial_logs.write_again(folder, journal.read_events(path))
    return tested_again


def _events_with_lines(path: Path) -> Iterator[tuple[Event, bytes]]:
    """Yield each event with its line as it is; torn ones, which a crash can leave, are passed over."""
    with path.open("rb") as file:
        for line in file:
            try:
                _, event = journal.from_line(line)
            except ValueError:
                continue
            yield event, line
