"""Folders of runs as an engine leaves them, without training anything."""

import dataclasses
from collections.abc import Iterable
from pathlib import Path

from cifar_tui.events import Event, RunFinished, RunStopped
from cifar_tui.files.append_file import LineFile
from cifar_tui.files.run_files import journal_path
from cifar_tui.presets import preset
from cifar_tui.recipe import Recipe
from cifar_tui.runs.folder import RunFolder
from cifar_tui.runs.records.journal import append_event
from tests import scripted


def write_events(folder: Path, events: Iterable[Event]) -> None:
    """Append events to a run's journal."""
    journal = LineFile(journal_path(folder))
    for event in events:
        append_event(journal, event)
    journal.close()


def put_live_run(place: Path, name: str, events: Iterable[Event], recipe: Recipe | None = None) -> RunFolder:
    """A run that is held, as by its trainer, until the folder is closed."""
    recipe = recipe or preset("quick")
    folder = RunFolder.create(place / name, name, recipe)
    write_events(folder.path, [scripted.started(folder.path, recipe, name), *events])
    return folder


def put_run(place: Path, name: str, events: Iterable[Event], recipe: Recipe | None = None) -> Path:
    """A run that nobody holds."""
    folder = put_live_run(place, name, events, recipe)
    folder.close()
    return folder.path


def put_finished_run(place: Path, name: str, epochs: int = 2, recipe: Recipe | None = None) -> Path:
    """A run that has finished after so many epochs, with a checkpoint of each."""
    events = [*scripted.opening()[1:], *scripted.epochs(epochs)]
    end = RunFinished(epochs * scripted.STEPS_PER_EPOCH, scripted.epoch(epochs).test_accuracy)
    folder = put_run(place, name, [*events, end], recipe)
    for number in range(1, epochs + 1):
        scripted.put_checkpoint(folder, number)
    return folder


def put_result(
    place: Path, name: str, accuracy: float, recipe: Recipe, *, finished: bool = True, validation: float | None = None
) -> Path:
    """A run of two epochs that came to a test accuracy, a point less before its last epoch; or that was killed then."""
    events: list[Event] = []
    for number in (1, 2):
        done = scripted.epoch(number, accuracy - 0.01 * (2 - number))
        events += [
            scripted.step(number * scripted.STEPS_PER_EPOCH),
            dataclasses.replace(done, validation_accuracy=validation),
        ]
    end = [RunFinished(2 * scripted.STEPS_PER_EPOCH, accuracy)] if finished else []
    return put_run(place, name, [*scripted.opening(epochs=2)[1:], *events, *end], recipe)


def put_stopped_run(place: Path, name: str, epochs: int = 1) -> Path:
    """A run that was stopped after so many epochs."""
    step = epochs * scripted.STEPS_PER_EPOCH
    return put_run(place, name, [*scripted.opening()[1:], *scripted.epochs(epochs), RunStopped(step, "")])
