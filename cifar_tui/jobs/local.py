"""The jobs a front end can start: train a run, evaluate a checkpoint of one that has ended.

The engine, and torch with it, is imported on the engine thread when a job runs, after the first frame is up; so is all
that only some jobs need.
"""

import contextlib
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cifar_tui.control import DeleteCheckpoint, PinCheckpoint
from cifar_tui.errors import BadInput, FolderInUse
from cifar_tui.jobs.session import RunConnection, Session, start_session
from cifar_tui.recipe import Recipe
from cifar_tui.runs.checkpoints.states import resumable
from cifar_tui.runs.checkpoints.unreadable import unreadable_states
from cifar_tui.runs.find import RUNS_FOLDER, run_argument
from cifar_tui.runs.folder import RunFolder
from cifar_tui.runs.lock import is_being_trained, why_unknown
from cifar_tui.runs.new_run import NewRun, branch
from cifar_tui.runs.tags import change_tags
from cifar_tui.system.invocation import command_line
from cifar_tui.text import safe_text


class LocalJobs:
    """Starts jobs on threads of this process."""

    def __init__(
        self,
        recipe: Recipe,
        name: str | None = None,
        folder: Path | None = None,
        resumed: RunFolder | None = None,
        changes: tuple[str, ...] = (),
        start: Path | None = None,
        place: Path | None = None,
        note: str = "",
        tags: tuple[str, ...] = (),
        from_beginning: bool = False,
        **options: Any,
    ) -> None:
        """Remember what was chosen on the command line.

        That is a new run's recipe, name and folder, and the checkpoint it starts with, where the recipe has a parent;
        or the open folder of a run to resume, and what changes in its recipe: `from_beginning` for one that ended
        before its first training state. `note`, where there is one, comes before all events. `tags` are put on it, or
        added to those of a run that is resumed. `options` are those of `TrainJob`.
        """
        self._options = options
        self._new = NewRun(recipe=recipe, name=name, folder=folder, start=start, place=place or RUNS_FOLDER, tags=tags)
        self._run = resumed
        self.resumed = resumed is not None
        self.changes = changes
        self.note = note
        self._from_beginning = from_beginning

    @property
    def folder(self) -> Path:
        """The run's folder, absolute: of one that is still to be made, as it would be now. Raises BadInput."""
        return (self._run.path if self._run is not None else self._new.plan_folder()[1]).absolute()

    @property
    def recipe(self) -> Recipe:
        """The run's recipe."""
        return self._new.recipe

    @property
    def current(self) -> "LocalJobs":
        """These jobs."""
        return self

    def train(self, data: str | None = None) -> Session:
        """Make the run's folder and start training in it, on other data where `data` names some.

        A run to resume is resumed. Raises BadInput or FolderInUse when the folder cannot be used.
        """
        if self.resumed:
            if data is not None:
                raise BadInput("A resumed run keeps its images: start a new run to use others.")
            change_tags(self._held.path, add=self._new.tags)
            return self._resume(self.changes, self.note, from_beginning=self._from_beginning)
        new = self._new
        if data is not None:
            from cifar_tui.engine.data.source import with_data_of

            new = dataclasses.replace(new, recipe=with_data_of(new.recipe, data))
        return self._start(new, note=self.note)

    def train_preset(self, preset: str) -> Session:
        """Start a new run with another preset, on the images and from the weights of the one that ended.

        Raises BadInput or FolderInUse, with the run that ended still at hand.
        """
        return self._start(self._new.with_preset(preset))

    def resume(self) -> Session:
        """Resume the run that has ended, from its newest state. Raises BadInput when there is none."""
        self._new = dataclasses.replace(self._new, recipe=self._held.recipe())
        self.resumed, self.changes = True, ()
        return self._resume(())

    def evaluate(self, checkpoint: str) -> Session:
        """Start measuring a checkpoint of the run that ended."""
        from cifar_tui.jobs.evaluate import EvaluateJob
        from cifar_tui.jobs.train import open_recorder

        return start_session(EvaluateJob(self._new.recipe, self._held.path, checkpoint, open_recorder(self._held)))

    def branch(self, checkpoint: str, epochs: int, learning_rate: float) -> Session:
        """Start a new run from a checkpoint of the run that ended, in a folder beside its own.

        Raises BadInput or FolderInUse, with the run that ended still at hand.
        """
        return self._start(branch(self._held.path / checkpoint, epochs, learning_rate))

    def compare(self, checkpoints: Sequence[Path], *, beside: bool) -> RunConnection:
        """Start measuring checkpoints of any runs side by side. Raises BadInput."""
        return compare(checkpoints, beside=beside)

    def manage_checkpoint(self, request: DeleteCheckpoint | PinCheckpoint) -> Session:
        """Delete or pin a checkpoint of the run that ended."""
        from cifar_tui.jobs.checkpoint import CheckpointJob

        return start_session(CheckpointJob(self._held.path, request))

    def close(self) -> None:
        """Let go of the run's folder, once every job has ended."""
        if self._run is not None:
            self._run.close()
            self._run = None

    @property
    def _held(self) -> RunFolder:
        if self._run is None:
            raise BadInput("There is no run yet.")
        return self._run

    def _start(self, new: NewRun, note: str = "") -> Session:
        from cifar_tui.jobs.train import TrainJob

        run = new.make()
        try:
            job = TrainJob(new.recipe, run, note=note, **self._options)
        except BadInput:
            run.discard()
            run.close()
            raise
        self.close()
        self._new, self._run, self.resumed, self.changes = new, run, False, ()
        return start_session(job)

    def _resume(self, changes: tuple[str, ...], note: str = "", *, from_beginning: bool = False) -> Session:
        from cifar_tui.jobs.train import TrainJob

        if not from_beginning:
            check_resumable(self._held.path)
        job = TrainJob(self._new.recipe, self._held, changes, note, **self._options, from_beginning=from_beginning)
        return start_session(job)


def compare(checkpoints: Sequence[Path], *, beside: bool) -> RunConnection:
    """Start comparing checkpoints of runs with the first of them: `beside` a run that trains, which goes first.

    Raises BadInput.
    """
    from cifar_tui.jobs.compare import compare_checkpoints
    from cifar_tui.jobs.compare_process import CompareProcess

    if not beside:
        return compare_checkpoints(checkpoints)
    try:
        return CompareProcess(checkpoints)
    except OSError as error:
        raise BadInput(f"The comparison could not be started: {error.strerror or error}.") from error


def check_resumable(folder: Path) -> None:
    """Raise BadInput when the run's folder holds no training state to resume from."""
    try:
        possible = resumable(folder)
    except OSError as error:
        raise BadInput(f"Cannot read {safe_text(str(folder), 200)}: {error.strerror or error}.") from error
    if not possible:
        why = unreadable_states(folder) or _why_no_state(folder)
        raise BadInput(
            f"{run_argument(folder)} cannot be resumed. {why} "
            "A new run can start from one of its checkpoints, where there are any."
        )


def _why_no_state(folder: Path) -> str:
    from cifar_tui.runs.overview import read_overview

    with contextlib.suppress(BadInput, OSError):
        if read_overview(folder).state == "finished":
            return "It has finished, and its training states were deleted."
    return "It ended before its training state was saved."


def check_free(folder: Path) -> None:
    """Raise FolderInUse while a process trains the run, with the way to see it."""
    if is_being_trained(folder):
        name = run_argument(folder)
        if why := why_unknown(folder):
            raise FolderInUse(f"{name} cannot be taken over: {why}.")
        raise FolderInUse(f"{name} is training already. To see it: {command_line(f'attach {name}')}")
