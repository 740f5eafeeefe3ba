"""Frees the room of what runs that have ended can do without. Each run's lock is held meanwhile."""

import contextlib
from pathlib import Path
from typing import Literal, get_args

from cifar_tui.errors import BadInput, FolderInUse
from cifar_tui.files.append_file import LineFile
from cifar_tui.files.run_files import journal_path
from cifar_tui.runs.checkpoints.delete import CheckpointDeleter
from cifar_tui.runs.checkpoints.retention import LEAST_KEPT
from cifar_tui.runs.checkpoints.states import discard_state, list_states
from cifar_tui.runs.disk_use import disk_use
from cifar_tui.runs.folder import RunFolder
from cifar_tui.runs.overview import read_journaled, read_overview
from cifar_tui.runs.records.journal import append_event
from cifar_tui.text import safe_text

Freed = Literal["states", "checkpoints"]
FREED: tuple[Freed, ...] = get_args(Freed)
KEEP = f"best+last:{LEAST_KEPT}"
"""Checkpoints that stay, as a recipe's `keep` says it."""


def free_space(folder: Path, what: Freed) -> int:
    """Delete a run's training states, or the checkpoints that `KEEP` does not keep. Returns the bytes that this freed.

    A crash leaves each file as it was, or to be deleted at the next start. Raises FolderInUse while the run lives, and
    BadInput: states stay until a run has finished, because it is resumed from them.
    """
    name = safe_text(folder.absolute().name, 60)
    try:
        run = RunFolder.reopen(folder)
    except FolderInUse as error:
        raise FolderInUse(f"{name} is being trained or evaluated: everything of it stays.") from error
    try:
        before = disk_use(folder).total
        _delete_states(folder, name) if what == "states" else _delete_checkpoints(folder)
        return before - disk_use(folder).total
    except OSError as error:
        raise BadInput(f"Not all could be deleted of {name}: {error.strerror or error}.") from error
    finally:
        run.close()


def _delete_states(folder: Path, name: str) -> None:
    if read_overview(folder).state != "finished":
        raise BadInput(f"{name} has not finished: its states stay, for it is resumed from them.")
    for state in reversed(list_states(folder)):
        discard_state(folder, state.step)


def _delete_checkpoints(folder: Path) -> None:
    """Delete what need not be kept; the journal is told of each."""
    journaled = read_journaled(folder)
    with contextlib.closing(LineFile(journal_path(folder))) as journal:
        for deleted in CheckpointDeleter(folder).prune(KEEP, LEAST_KEPT, journaled, frozenset()):
            append_event(journal, deleted)
