"""Overviews of runs: state, progress and accuracy at a glance, without reading every step."""

import contextlib
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Literal

from cifar_tui.dataclass import dataclass
from cifar_tui.events import Event, NoteAdded, StepDone
from cifar_tui.files.run_files import journal_path
from cifar_tui.history.run_history import RunHistory, State, seconds_left_at
from cifar_tui.recipe import Recipe
from cifar_tui.runs.checkpoints.listing import sizes_by_suffix
from cifar_tui.runs.checkpoints.retention import JournaledCheckpoints
from cifar_tui.runs.folder import read_recipe
from cifar_tui.runs.lock import is_being_trained
from cifar_tui.runs.records.journal import from_line
from cifar_tui.runs.records.step_lines import NO_STEP_OR_NORMS, other_lines
from cifar_tui.runs.run_note import read_note
from cifar_tui.runs.tags import read_tags

OVER = ("stopped", "finished", "failed", "killed", "no data")
"""States of runs that train no more."""
BLOCK_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Overview:
    """One run at a glance."""

    name: str
    """Its folder's name, by which commands find it."""
    folder: Path
    """Its folder."""
    recipe: Recipe
    """Every choice, as it is now."""
    live: bool
    """True while a process holds it."""
    state: State | Literal["killed"]
    """As a screen would show it, or that its process ended without saving."""
    epoch: int
    """The epoch under way, or the last one; 0 before the first step."""
    step: int
    """The last step done."""
    total_steps: int
    """Steps in the whole run; 0 until that is known."""
    last_accuracy: float | None
    """Of the newest epoch on the test images, 0 to 1."""
    best_accuracy: float | None
    """Of the best epoch, by what the run chooses it by."""
    best_epoch: int
    """The number of that epoch; 0 without one."""
    started_at: float
    """Wall clock, seconds since 1970; 0 when it is not known."""
    size: int
    """Bytes on disk."""
    seconds_left: float = math.nan
    """An estimate for the rest of a live run; NaN where there is none."""
    note: str = ""
    """The note that a person has put on it, or else one that they wrote while it trained; empty without."""
    tags: tuple[str, ...] = ()
    """The tags that a person has put on it."""
    weights_size: int = 0
    """Bytes of its checkpoints."""
    states_size: int = 0
    """Bytes of its training states."""
    last_validation: float | None = None
    """Of the newest epoch on the training images held out, 0 to 1; None where none are."""
    best_validation: float | None = None
    """Of the best epoch on them."""
    seconds: float = 0.0
    """Time that its epochs took, their tests included, without pauses."""

    @property
    def trains(self) -> bool:
        """True while it lives and has not ended; one that has may still be evaluated."""
        return self.live and self.state not in OVER

    @property
    def progress(self) -> str:
        """The epoch of all epochs, and the share of the steps, as `2/26 7 %`."""
        share = f" {100 * self.step // self.total_steps} %" if self.total_steps else ""
        return f"{self.epoch}/{self.recipe.epochs}{share}"


class OverviewReader:
    """Reads a run's overview, and at every other time of its journal only what is new. Used by one thread."""

    def __init__(self, folder: Path) -> None:
        """Look at the run in a folder; nothing is read yet."""
        self._folder = folder
        self._history = RunHistory()
        self._inode = 0
        self._position = 0

    def read(self) -> Overview:
        """Look at the run's folder as it is now. Raises BadInput when its recipe cannot be read, OSError."""
        folder = self._folder
        recipe, live = read_recipe(folder), is_being_trained(folder)
        sizes = sizes_by_suffix(folder)
        with contextlib.suppress(FileNotFoundError), (journal_path(folder)).open("rb") as journal:
            self._read_on(journal)
        history = self._history
        last = history.epochs[-1] if history.epochs else None
        return Overview(
            name=folder.absolute().name,
            folder=folder,
            recipe=recipe,
            live=live,
            state=history.state if live or not history.live else "killed",
            epoch=history.epoch or (last.epoch if last else 0),
            step=max(history.step, last.step if last else 0),
            total_steps=history.training.total_steps if history.training else 0,
            last_accuracy=last.test_accuracy if last else None,
            best_accuracy=history.best.test_accuracy if history.best else None,
            best_epoch=history.best.epoch if history.best else 0,
            started_at=history.started.started_at if history.started is not None else 0.0,
            size=sum(sizes.values()),
            seconds_left=_seconds_left(history) if live and history.live else math.nan,
            note=read_note(folder) or _newest_note(history),
            tags=read_tags(folder),
            weights_size=sizes.get("pth", 0),
            states_size=sizes.get("pt", 0),
            last_validation=last.validation_accuracy if last else None,
            best_validation=history.best.validation_accuracy if history.best else None,
            seconds=sum(one.train_seconds + one.test_seconds for one in history.epochs),
        )

    def _read_on(self, journal: BinaryIO) -> None:
        inode = os.fstat(journal.fileno()).st_ino
        if inode != self._inode or journal.seek(0, os.SEEK_END) < self._position:
            self._history, self._inode, self._position = RunHistory(), inode, 0
        journal.seek(self._position)
        for event in _few_events(journal):
            self._history.apply(event)
        self._position = journal.tell()


def read_overview(folder: Path) -> Overview:
    """Look at a run's folder. Raises BadInput when its recipe cannot be read, OSError."""
    return OverviewReader(folder).read()


def _newest_note(history: RunHistory) -> str:
    return next((one.text for one in reversed(history.notes) if isinstance(one, NoteAdded)), "")


def _seconds_left(history: RunHistory) -> float:
    """Return an estimate for the rest of the run by its last epoch, or by its steps so far; NaN without any."""
    training, last = history.training, history.last_step
    if training is None or history.data is None or last is None:
        return math.nan
    epoch, steps, seconds = 1, last.step, last.seconds
    if history.epochs:
        done = history.epochs[-1]
        epoch, steps, seconds = done.epoch, training.steps_per_epoch, done.train_seconds
    images = steps * history.data.train_images / training.steps_per_epoch
    return seconds_left_at(history, images / seconds, epoch) if seconds > 0 else math.nan


def read_brief_history(folder: Path) -> RunHistory:
    """Return a run's history without its steps, but for the last one. Raises OSError when it cannot be read."""
    history = RunHistory()
    with (journal_path(folder)).open("rb") as journal:
        for event in _few_events(journal):
            history.apply(event)
    return history


def read_journaled(folder: Path) -> JournaledCheckpoints:
    """Return the checkpoints by a run's journal. Raises OSError when it cannot be read."""
    journaled = JournaledCheckpoints()
    with (journal_path(folder)).open("rb") as journal:
        for event in _few_events(journal):
            journaled.record(event)
    return journaled


def _few_events(journal: BinaryIO) -> Iterator[Event]:
    """Yield the events of the few lines; one that is torn, or another version's, is passed over."""
    for line in _few_lines(journal):
        with contextlib.suppress(ValueError):
            yield from_line(line)[1]


def _few_lines(journal: BinaryIO) -> Iterator[bytes]:
    """Every line but those of steps, and then the last of these, which changes no state any more.

    The file is left after its last complete line.
    """
    rest = last_step = b""
    while block := journal.read(BLOCK_BYTES):
        complete, _, rest = (rest + block).rpartition(b"\n")
        for start, end in other_lines(complete, NO_STEP_OR_NORMS):
            yield complete[start:end]
        last_step = _last_step(complete) or last_step
    if last_step:
        yield last_step
    journal.seek(-len(rest), os.SEEK_CUR)


def _last_step(block: bytes) -> bytes:
    """Return the last step's line in a block of complete lines; empty without one."""
    at = block.rfind(b'"event":"StepDone"')
    if at < 0:
        return b""
    end = block.find(b"\n", at)
    line = block[block.rfind(b"\n", 0, at) + 1 : end if end >= 0 else len(block)]
    try:
        return line if isinstance(from_line(line)[1], StepDone) else b""
    except ValueError:
        return b""
