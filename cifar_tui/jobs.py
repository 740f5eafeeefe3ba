"""The jobs a front end can start: train a run, evaluate a checkpoint of one that has ended.

The engine, and torch with it, is imported on the engine thread when a job runs, after the first frame is up.
"""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from cifar_tui.checkpoint_job import CheckpointJob
from cifar_tui.compare_beside import ComparisonBeside
from cifar_tui.compare_job import compare_checkpoints
from cifar_tui.control import DeleteCheckpoint, PinCheckpoint, Request, Requests
from cifar_tui.errors import BadInput, DataUnavailable, cannot_write
from cifar_tui.events import (
    DataMissing,
    EvaluationFailed,
    Event,
    Noted,
    Reopened,
    RunFailed,
    RunResumed,
    RunStarted,
    TrainingStarted,
)
from cifar_tui.history import Said
from cifar_tui.recipe import Recipe
from cifar_tui.runs.background import BackgroundRecorder
from cifar_tui.runs.folder import FAILURE_NAME, RUNS_FOLDER, START_NAME, RunFolder, read_recipe
from cifar_tui.runs.follow import RemoteRun
from cifar_tui.runs.journal import NAME as JOURNAL_NAME
from cifar_tui.runs.journal import read_said
from cifar_tui.runs.new_run import NewRun, branch
from cifar_tui.runs.recorder import UNRECORDED, Recorder
from cifar_tui.runs.remote.server import ControlServer
from cifar_tui.runs.states import list_states
from cifar_tui.session import Emit, Job, Link, Session
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
    ) -> None:
        """Remember what was chosen on the command line.

        That is a new run's recipe, name and folder, and the checkpoint it starts with, where the recipe has a parent;
        or the open folder of a run to go on with, and what changes in its recipe.
        """
        self._new = NewRun(recipe=recipe, name=name, folder=folder, start=start, place=place or RUNS_FOLDER)
        self._run = resumed
        self._resumed = resumed is not None
        self._changes = changes

    def train(self, data: str | None = None) -> Session:
        """Make the run's folder and start training in it, on other data where `data` names some.

        A run to go on with goes on. Raises BadInput or FolderInUse when the folder cannot be used.
        """
        if self._resumed:
            if data is not None:
                raise BadInput("A run that goes on keeps its images: start a new run for others.")
            return self._go_on(self._changes)
        self.close()
        if data is not None:
            self._new = dataclasses.replace(self._new, recipe=dataclasses.replace(self._new.recipe, data=data))
        self._run = self._new.make()
        return _started(TrainJob(self._new.recipe, self._run))

    def resume(self) -> Session:
        """Go on with the run that has ended, from its newest state. Raises BadInput when there is none."""
        if self._run is None:
            raise BadInput("There is no run yet.")
        self._new = dataclasses.replace(self._new, recipe=self._run.recipe())
        self._resumed, self._changes = True, ()
        return self._go_on(())

    def evaluate(self, checkpoint: str) -> Session:
        """Start measuring a checkpoint of the run that ended."""
        if self._run is None:
            raise BadInput("There is no run yet.")
        return _started(EvaluateJob(self._new.recipe, self._run.path, checkpoint, open_recorder(self._run)))

    def branch(self, checkpoint: str, epochs: int, learning_rate: float) -> Session:
        """Start a new run from a checkpoint of the run that ended, in a folder beside its own.

        Raises BadInput or FolderInUse, with the run that ended still at hand.
        """
        if self._run is None:
            raise BadInput("There is no run yet.")
        new = branch(self._run.path / checkpoint, epochs, learning_rate)
        run = new.make()
        self.close()
        self._new, self._run, self._resumed, self._changes = new, run, False, ()
        return _started(TrainJob(new.recipe, run))

    def compare(self, checkpoints: Sequence[Path], *, beside: bool) -> Link:
        """Start measuring checkpoints of any runs side by side. Raises BadInput."""
        return compare(checkpoints, beside=beside)

    def tend(self, request: DeleteCheckpoint | PinCheckpoint) -> Session:
        """Delete or pin a checkpoint of the run that ended."""
        if self._run is None:
            raise BadInput("There is no run yet.")
        return _started(CheckpointJob(self._run.path, request))

    def close(self) -> None:
        """Let go of the run's folder, once every job has ended."""
        if self._run is not None:
            self._run.close()
            self._run = None

    def _go_on(self, changes: tuple[str, ...]) -> Session:
        assert self._run is not None
        check_resumable(self._run.path)
        return _started(TrainJob(self._new.recipe, self._run, changes))


class AttachedJobs:
    """A run that was started elsewhere: read about while it lives, and once it has ended, gone on with and measured."""

    def __init__(self, folder: Path) -> None:
        """Attach to the run in `folder`; nothing in it is held or written."""
        self._folder = folder
        self._local: LocalJobs | None = None

    def train(self, data: str | None = None) -> Link:
        """Follow what the run says; once there is one here, train that."""
        return RemoteRun(self._folder) if self._local is None else self._local.train(data)

    def resume(self) -> Link:
        """Go on with it here. Raises FolderInUse while it lives elsewhere, BadInput without a training state."""
        if self._local is not None:
            return self._local.resume()
        check_resumable(self._folder)
        run = RunFolder.reopen(self._folder)
        self._local = LocalJobs(run.recipe(), resumed=run)
        return self._local.train()

    def evaluate(self, checkpoint: str) -> Link:
        """Start measuring one of its checkpoints; the verdict joins the records where the run is ours by now."""
        if self._local is not None:
            return self._local.evaluate(checkpoint)
        return evaluate_checkpoint(read_recipe(self._folder), self._folder, checkpoint)

    def branch(self, checkpoint: str, epochs: int, learning_rate: float) -> Link:
        """Start a new run from one of its checkpoints, here. Raises BadInput or FolderInUse."""
        if self._local is not None:
            return self._local.branch(checkpoint, epochs, learning_rate)
        new = branch(self._folder / checkpoint, epochs, learning_rate)
        local = LocalJobs(new.recipe, place=new.place, start=new.start)
        link = local.train()
        self._local = local
        return link

    def compare(self, checkpoints: Sequence[Path], *, beside: bool) -> Link:
        """Start measuring checkpoints of any runs side by side. Raises BadInput."""
        return compare(checkpoints, beside=beside)

    def tend(self, request: DeleteCheckpoint | PinCheckpoint) -> Link:
        """Delete or pin one of its checkpoints. Raises FolderInUse while it lives elsewhere."""
        if self._local is not None:
            return self._local.tend(request)
        run = RunFolder.reopen(self._folder)
        return _started(CheckpointJob(run.path, request, run.close))

    def close(self) -> None:
        """Let go of the run, where it is held."""
        if self._local is not None:
            self._local.close()


def compare(checkpoints: Sequence[Path], *, beside: bool) -> Link:
    """Start comparing checkpoints of runs with the first of them: `beside` a run that trains, which goes first.

    Raises BadInput.
    """
    if not beside:
        return compare_checkpoints(checkpoints)
    try:
        return ComparisonBeside(checkpoints)
    except OSError as error:
        raise BadInput(f"The comparison could not be started: {error.strerror or error}.") from error


def open_recorder(folder: RunFolder) -> Recorder:
    """The records of a run, to be added to. Raises BadInput when they cannot be written."""
    try:
        return Recorder(folder)
    except OSError as error:
        raise cannot_write(folder.path, error) from error


def check_resumable(folder: Path) -> None:
    """Raises BadInput when the run's folder holds no training state to go on from."""
    try:
        states = list_states(folder)
    except OSError as error:
        raise BadInput(f"Cannot read {safe_text(str(folder), 200)}: {error.strerror or error}.") from error
    if not states and not (folder / START_NAME).is_file():
        raise BadInput(
            f"There is no training state in {safe_text(str(folder), 200)} to go on from: the run ended before the "
            "first was saved. Its checkpoints can still be evaluated."
        )


def _started(job: Job) -> Session:
    session = Session(job)
    session.start()
    return session


class TrainJob:
    """Trains one run in its folder and writes everything down."""

    def __init__(self, recipe: Recipe, folder: RunFolder, changes: tuple[str, ...] | None = None) -> None:
        """Open the run's records; `changes` is what differs in the recipe of a run that goes on. Raises BadInput."""
        self._recipe = recipe
        self._folder = folder
        self._records = BackgroundRecorder(open_recorder(folder), self._note)
        self._server: ControlServer | None = None
        self._say: Callable[[Event], None] | None = None
        self._changes = changes
        self._under_way = changes is None
        self._worth_keeping = changes is not None

    def past(self) -> Iterator[Said]:
        """What the run said before it ended, and that it is to go on."""
        if self._changes is None:
            return
        with contextlib.suppress(FileNotFoundError), (self._folder.path / JOURNAL_NAME).open("rb") as journal:
            yield from read_said(journal)
        yield Reopened(str(self._folder.path))

    def open(self, ask: Callable[[Request], None], say: Callable[[Event], None]) -> None:
        """Let screens and commands elsewhere reach the run; where that cannot be, it trains all the same."""
        self._say = say
        try:
            self._server = ControlServer(self._folder.path, ask)
        except OSError as error:
            self._note(f"This run cannot be attached to: {error.strerror or error}.")

    def run(self, emit: Emit, requests: Requests) -> None:
        """Train; data that cannot be had ends the run as an event, and its folder goes again."""
        from cifar_tui.engine.training.train import train

        try:
            train(self._recipe, self._folder, emit, requests, self._changes, settle=self._records.settle)
        except DataUnavailable as error:
            emit(DataMissing(str(error)))

    def record(self, event: Event) -> None:
        """Have an event written into the run's records; until a run that is to go on does, they stay as they are."""
        if isinstance(event, TrainingStarted):
            self._worth_keeping = True
        if isinstance(event, RunStarted | RunResumed):
            self._under_way = True
        if isinstance(event, UNRECORDED):
            self._tell(event)
        elif self._under_way:
            self._records.record(event)

    def failed(self, reason: str, exit_code: int) -> Event:
        """The run failed."""
        return RunFailed(reason, "", exit_code)

    def failed_unexpectedly(self, reason: str, details: str) -> Event:
        """The run failed; the details are put beside its other records."""
        self._worth_keeping = True
        return RunFailed(reason, _keep_details(self._folder.path, details), 1)

    def close(self) -> None:
        """Close the records and the socket; a folder in which no training started is removed."""
        self._records.close()
        if self._server is not None:
            self._server.close()
        if not self._worth_keeping:
            self._folder.discard()

    def _note(self, words: str) -> None:
        """Tell everybody who watches, now, what the records do not hold."""
        if self._say is not None:
            self._say(Noted(words))
        self._tell(Noted(words))

    def _tell(self, event: Event) -> None:
        if self._server is not None:
            self._server.tell(event)


class EvaluateJob:
    """Measures one checkpoint of a run that is not training here."""

    def __init__(
        self,
        recipe: Recipe,
        folder: Path,
        checkpoint: str,
        recorder: Recorder | None = None,
        *,
        tta: bool = False,
        stranger: bool = False,
        keep: bool = True,
    ) -> None:
        """Measure `checkpoint` in `folder`; with a recorder the verdict joins the run's records.

        A `stranger` is of no run of ours: how its colours are normalised follows from the file. The verdict is kept
        beside the checkpoint where `keep` says so.
        """
        self._recipe = recipe
        self._folder = folder
        self._checkpoint = checkpoint
        self._recorder = recorder
        self._tta = tta
        self._stranger = stranger
        self._keep = keep

    def past(self) -> tuple[Event, ...]:
        """Nothing: whoever asks has the run's history."""
        return ()

    def run(self, emit: Emit, requests: Requests) -> None:
        """Load the data again and measure."""
        from cifar_tui.engine.evaluation.evaluate_checkpoint import evaluate_alone

        choices = {"tta": self._tta, "stranger": self._stranger, "keep": self._keep}
        evaluate_alone(self._recipe, self._folder, self._checkpoint, emit, requests, **choices)

    def open(self, _ask: Callable[[Request], None], _say: Callable[[Event], None]) -> None:
        """Nobody else asks."""

    def record(self, event: Event) -> None:
        """Write an event into the run's records, where there are some."""
        if self._recorder:
            self._recorder.record(event)

    def failed(self, reason: str, _exit_code: int) -> Event:
        """The evaluation failed; the run is what it was."""
        return EvaluationFailed(safe_text(self._checkpoint), reason, damaged=False)

    def failed_unexpectedly(self, reason: str, details: str) -> Event:
        """The evaluation failed; the details are put beside the run's records, where it has some here."""
        file = _keep_details(self._folder, details) if self._recorder else ""
        reason = f"{reason} (details in {file})" if file else reason
        return EvaluationFailed(safe_text(self._checkpoint), reason, damaged=False)

    def close(self) -> None:
        """Close the records."""
        if self._recorder:
            self._recorder.close()


def evaluate_checkpoint(
    recipe: Recipe, folder: Path, checkpoint: str, *, tta: bool = False, stranger: bool = False, keep: bool = True
) -> Session:
    """Start measuring a checkpoint of any run, which may be training elsewhere, or of none.

    Nothing but the verdict is kept.
    """
    return _started(EvaluateJob(recipe, folder, checkpoint, tta=tta, stranger=stranger, keep=keep))


def _keep_details(folder: Path, details: str) -> str:
    """Write a traceback into the run's folder. Returns the file; empty when even that is refused."""
    file = folder / FAILURE_NAME
    try:
        file.write_text(details, encoding="utf-8")
    except OSError:
        return ""
    return str(file)
