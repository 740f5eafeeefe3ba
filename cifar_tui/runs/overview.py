"""Overviews of runs: state, progress and accuracy at a glance, without reading every step."""

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from cifar_tui.events import StepDone
from cifar_tui.files.run_files import journal_path
from cifar_tui.history.run_history import RunHistory, State
from cifar_tui.recipe import Recipe
from cifar_tui.runs.checkpoints.listing import folder_size
from cifar_tui.runs.checkpoints.retention import JournaledCheckpoints
from cifar_tui.runs.folder import read_recipe
from cifar_tui.runs.lock import is_being_trained
from cifar_tui.runs.records.journal import from_line

BLOCK_BYTES = 1_000_000
OTHER_THAN_STEPS = re.compile(rb'^\{"at":[^,]{1,40},"event":"(?!StepDone")[^\n]*$', re.MULTILINE)
"""Matches the lines of a journal that are few, in a block of complete lines."""


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
    """As a screen would show it, or that it ended without a word."""
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


def read_overview(folder: Path) -> Overview:
    """Look at a run's folder. Raises BadInput when its recipe cannot be read."""
    recipe = read_recipe(folder)
    live = is_being_trained(folder)
    history = RunHistory()
    with contextlib.suppress(OSError), (journal_path(folder)).open("rb") as journal:
        for line in _few_lines(journal):
            with contextlib.suppress(ValueError):
                history.apply(from_line(line)[1])
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
        size=folder_size(folder),
    )


def read_journaled(folder: Path) -> JournaledCheckpoints:
    """Return the checkpoints by a run's journal. Raises OSError when it cannot be read."""
    journaled = JournaledCheckpoints()
    with (journal_path(folder)).open("rb") as journal:
        for line in _few_lines(journal):
            with contextlib.suppress(ValueError):
                journaled.record(from_line(line)[1])
    return journaled


def _few_lines(journal: BinaryIO) -> Iterator[bytes]:
    """Every line but those of steps, and then the last of these, which changes no state any more."""
    rest = last_step = b""
    while block := journal.read(BLOCK_BYTES):
        complete, _, rest = (rest + block).rpartition(b"\n")
        for match in OTHER_THAN_STEPS.finditer(complete):
            yield match.group()
        last_step = _last_step(complete) or last_step
    if last_step:
        yield last_step


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
