"""The room that runs take on the disk, by what it is for, and how much of it could be freed.

Sizes are those of `du`: blocks that the disk has given, 512 bytes each, of files in folders below, too.
"""

import contextlib
import os
import stat
from dataclasses import field
from pathlib import Path

from cifar_tui.dataclass import dataclass
from cifar_tui.files.atomic_write import TEMPORARY_PREFIX
from cifar_tui.files.run_files import (
    CHECKPOINT_PATTERN,
    IMAGES_STEM,
    JOURNAL_NAME,
    START_NAME,
    TENSORBOARD_NAME,
)
from cifar_tui.runs.checkpoints.delete_files import DELETING_PREFIX
from cifar_tui.runs.checkpoints.pins import pins_or_none
from cifar_tui.runs.checkpoints.retention import LEAST_KEPT, Inventory, deletable
from cifar_tui.runs.checkpoints.sidecars import list_sidecars
from cifar_tui.runs.checkpoints.states import list_states
from cifar_tui.runs.delete_run import OUR_FILES
from cifar_tui.runs.overview import Overview, read_journaled

BLOCK = 512
"""Bytes of a block of `st_blocks`, whatever the disk's own blocks are (POSIX)."""
KINDS = ("weights", "states", "journal", "evaluations", "events", "leftovers", "ours", "others")
"""Purposes of a run's files, in the order of the table."""


@dataclass(slots=True)
class DiskUse:
    """Bytes that a run takes, by purpose."""

    weights: int = 0
    """Checkpoints, and the weights it started with."""
    states: int = 0
    """Training states, from which it is resumed."""
    journal: int = 0
    """The journal."""
    evaluations: int = 0
    """Stored evaluations, and the test images that they show."""
    events: int = 0
    """Event files for TensorBoard."""
    leftovers: int = 0
    """Half-written and half-deleted files."""
    ours: int = 0
    """The run's other files."""
    others: int = 0
    """Files that the run did not write."""
    checkpoints: dict[str, int] = field(default_factory=dict)
    """Bytes of each checkpoint with its evaluation, by the name of its weights."""

    @property
    def total(self) -> int:
        """All of it."""
        return sum(getattr(self, kind) for kind in KINDS)

    def add(self, other: "DiskUse") -> None:
        """Add another run's."""
        for kind in KINDS:
            setattr(self, kind, getattr(self, kind) + getattr(other, kind))


@dataclass(frozen=True, slots=True, kw_only=True)
class Freeable:
    """Bytes of a run that could go."""

    states: int = 0
    """Training states of a run that has finished."""
    checkpoints: int = 0
    """Checkpoints that are neither the best nor among the newest two nor pinned, of a run that has ended."""
    leftovers: int = 0
    """Half-written and half-deleted files of a run that has ended."""


def disk_use(folder: Path) -> DiskUse:
    """Return what a run takes. What cannot be read counts as nothing. Raises OSError for the folder itself."""
    use = DiskUse()
    with os.scandir(folder) as entries:
        for entry in entries:
            size = _allocated(entry)
            kind = _kind(entry.name)
            setattr(use, kind, getattr(use, kind) + size)
            if kind in ("weights", "evaluations"):
                weights = f"{entry.name.split('.')[0]}.pth"
                if CHECKPOINT_PATTERN.fullmatch(weights):
                    use.checkpoints[weights] = use.checkpoints.get(weights, 0) + size
    return use


def freeable(run: Overview, use: DiskUse) -> Freeable:
    """Return what could go of a run; nothing of one that lives."""
    if run.live:
        return Freeable()
    return Freeable(
        states=use.states if run.state == "finished" else 0,
        checkpoints=_superfluous(run, use),
        leftovers=use.leftovers,
    )


def interrupted_run_deletes(place: Path) -> int:
    """Return the bytes of runs in a folder whose deletion a crash has broken off."""
    total = 0
    with contextlib.suppress(OSError), os.scandir(place) as entries:
        for entry in entries:
            if entry.name.startswith(DELETING_PREFIX) and entry.is_dir(follow_symlinks=False):
                total += _allocated(entry)
    return total


def _superfluous(run: Overview, use: DiskUse) -> int:
    """Return the bytes of the checkpoints that retention would not keep; by their sizes, all are taken for intact."""
    if len(use.checkpoints) <= LEAST_KEPT:
        return 0
    folder = run.folder
    try:
        inventory = Inventory(
            checkpoints=tuple(list_sidecars(folder)),
            journaled=read_journaled(folder),
            pinned=pins_or_none(folder),
            in_use=frozenset(),
            states=tuple(state.step for state in list_states(folder)),
            intact=lambda one: one.checkpoint in use.checkpoints,
        )
    except OSError:
        return 0
    return sum(use.checkpoints.get(one.checkpoint, 0) for one in deletable(inventory, LEAST_KEPT))


def _kind(name: str) -> str:
    if name.startswith((TEMPORARY_PREFIX, DELETING_PREFIX)):
        return "leftovers"
    if name == START_NAME or CHECKPOINT_PATTERN.fullmatch(name):
        return "weights"
    if name.endswith(".verdict.json") or name.startswith(IMAGES_STEM):
        return "evaluations"
    if name == JOURNAL_NAME:
        return "journal"
    if name == TENSORBOARD_NAME:
        return "events"
    if not OUR_FILES.fullmatch(name):
        return "others"
    return "states" if name.startswith("state_") else "ours"


def _allocated(entry: "os.DirEntry[str]") -> int:
    """Return the bytes that a file, a link or all of a folder has on the disk; 0 for what cannot be read."""
    total, waiting = 0, [entry]
    while waiting:
        with contextlib.suppress(OSError):
            one = waiting.pop()
            facts = one.stat(follow_symlinks=False)
            total += facts.st_blocks * BLOCK
            if stat.S_ISDIR(facts.st_mode):
                with os.scandir(one.path) as inside:
                    waiting.extend(inside)
    return total
