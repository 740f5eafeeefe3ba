"""The jobs a front end can start: train a run, evaluate a checkpoint of one that has ended.

The engine, and torch with it, is imported on the engine thread when a job runs, after the first frame is up.
"""

import dataclasses
import time
from pathlib import Path

from cifar_tui.control import Requests
from cifar_tui.errors import BadInput, DataUnavailable
from cifar_tui.events import DataMissing, EvaluationFailed, Event, RunFailed, TrainingStarted
from cifar_tui.recipe import Recipe
from cifar_tui.runs.folder import FAILURE_NAME, RUNS_FOLDER, RunFolder, run_name
from cifar_tui.runs.recorder import Recorder
from cifar_tui.session import Emit, Session


class LocalJobs:
    """Starts jobs on threads of this process."""

    def __init__(self, recipe: Recipe, name: str | None, folder: Path | None) -> None:
        """Remember what was chosen on the command line: the recipe, the run's name, its folder."""
        self._recipe = recipe
        self._chosen_name = name
        self._chosen_folder = folder
        self._run: RunFolder | None = None

    def train(self, data: str | None = None) -> Session:
        """Make the run's folder and start training in it, on other data where `data` names some.

        Raises BadInput or FolderInUse when the folder cannot be used.
        """
        self.close()
        if data is not None:
            self._recipe = dataclasses.replace(self._recipe, data=data)
        name = run_name(self._recipe, self._chosen_name, time.localtime())
        path = self._chosen_folder if self._chosen_folder is not None else RUNS_FOLDER / name
        self._run = RunFolder.create(path, name, self._recipe)
        session = Session(TrainJob(self._recipe, self._run))
        session.start()
        return session

    def evaluate(self, checkpoint: str) -> Session:
        """Start measuring a checkpoint of the run that ended."""
        if self._run is None:
            raise BadInput("There is no run yet.")
        session = Session(EvaluateJob(self._recipe, self._run, checkpoint))
        session.start()
        return session

    def close(self) -> None:
        """Let go of the run's folder, once every job has ended."""
        if self._run is not None:
            self._run.close()
            self._run = None


class TrainJob:
    """Trains one run in its folder and writes everything down."""

    def __init__(self, recipe: Recipe, folder: RunFolder) -> None:
        """Open the run's records. Raises OSError."""
        self._recipe = recipe
        self._folder = folder
        self._recorder = Recorder(folder)
        self._worth_keeping = False

    def run(self, emit: Emit, requests: Requests) -> None:
        """Train; data that cannot be had ends the run as an event, and its folder goes again."""
        from cifar_tui.engine.train import train

        try:
            train(self._recipe, self._folder, emit, requests)
        except DataUnavailable as error:
            emit(DataMissing(str(error)))

    def record(self, event: Event) -> str | None:
        """Write an event into the run's records."""
        if isinstance(event, TrainingStarted):
            self._worth_keeping = True
        return self._recorder.record(event)

    def failed(self, reason: str, exit_code: int) -> Event:
        """The run failed."""
        return RunFailed(reason, "", exit_code)

    def failed_unexpectedly(self, reason: str, details: str) -> Event:
        """The run failed; the details are put beside its other records."""
        self._worth_keeping = True
        return RunFailed(reason, _keep_details(self._folder, details), 1)

    def close(self) -> None:
        """Close the records; a folder in which no training started is removed."""
        self._recorder.close()
        if not self._worth_keeping:
            self._folder.discard()


class EvaluateJob:
    """Measures one checkpoint of a run that has ended."""

    def __init__(self, recipe: Recipe, folder: RunFolder, checkpoint: str) -> None:
        """Open the run's records to add the verdict. Raises OSError."""
        self._recipe = recipe
        self._folder = folder
        self._checkpoint = checkpoint
        self._recorder = Recorder(folder)

    def run(self, emit: Emit, requests: Requests) -> None:
        """Load the data again and measure."""
        from cifar_tui.engine.judge import evaluate_alone

        evaluate_alone(self._recipe, self._folder.path, self._checkpoint, emit, requests)

    def record(self, event: Event) -> str | None:
        """Write an event into the run's records."""
        return self._recorder.record(event)

    def failed(self, reason: str, _exit_code: int) -> Event:
        """The evaluation failed; the run is what it was."""
        return EvaluationFailed(self._checkpoint, reason, damaged=False)

    def failed_unexpectedly(self, reason: str, details: str) -> Event:
        """The evaluation failed; the details are put beside the run's other records."""
        file = _keep_details(self._folder, details)
        return EvaluationFailed(self._checkpoint, f"{reason} (details in {file})" if file else reason, damaged=False)

    def close(self) -> None:
        """Close the records."""
        self._recorder.close()


def _keep_details(folder: RunFolder, details: str) -> str:
    """Write a traceback into the run's folder. Returns the file; empty when even that is refused."""
    file = folder.path / FAILURE_NAME
    try:
        file.write_text(details, encoding="utf-8")
    except OSError:
        return ""
    return str(file)
