"""Checks that a run can go on from its training state, and says so."""

import time
from collections.abc import Callable
from pathlib import Path

from cifar_tui import __version__
from cifar_tui.engine.checkpoints.training_state import newest_state
from cifar_tui.engine.data.dataset import DataFacts
from cifar_tui.engine.network.device import Device, inexact_because
from cifar_tui.engine.network.stepper import TrainingState
from cifar_tui.engine.training.progress import replay_progress
from cifar_tui.errors import BadInput
from cifar_tui.events import Event, Noted, RunResumed, RunStarted
from cifar_tui.files.run_files import START_NAME, journal_path
from cifar_tui.recipe import Recipe
from cifar_tui.runs.checkpoints.states import StateRecord
from cifar_tui.runs.folder import RunFolder
from cifar_tui.runs.records.journal import read_events

Emit = Callable[[Event], None]


def state_to_resume(recipe: Recipe, folder: RunFolder, emit: Emit) -> tuple[StateRecord, TrainingState] | None:
    """The run's newest whole state; None where it goes on from the weights of another run that it started with.

    Raises BadInput when there is neither.
    """
    found = newest_state(folder.path, recipe.width, lambda words: emit(Noted(words)))
    if found is None and (recipe.parent is None or not (folder.path / START_NAME).is_file()):
        raise BadInput(
            f"There is no whole training state in {folder.path} to go on from. Its checkpoints can still be evaluated."
        )
    return found


def emit_resumed(
    recipe: Recipe,
    folder: RunFolder,
    record: StateRecord | None,
    facts: DataFacts,
    device: Device,
    changes: tuple[str, ...],
    emit: Emit,
) -> None:
    """Check that what goes on is the same run, and say so; the run's records go back to the state's step with that.

    Without a state, it goes on from before its first step, and nothing trained stays that other images could spoil.
    Raises BadInput for other images, or when every step has been trained.
    """
    if record is not None and record.images != facts.checksum:
        raise BadInput(f"The images are not those that {folder.name} was trained on. Give its own back with --data.")
    steps_per_epoch = recipe.steps_per_epoch(facts.train_images)
    step = record.step if record else 0
    past = replay_progress(folder.path, step, steps_per_epoch)
    if step > recipe.epochs * steps_per_epoch or past.epochs_done >= recipe.epochs:
        raise BadInput(f"{folder.name} has trained all its {recipe.epochs} epochs. Give it more with --epochs.")
    if record is None and not _has_started(folder.path):
        emit(RunStarted(folder.name, str(folder.path), recipe, time.time(), __version__))
    because = inexact_because(record.environment, device.environment()) if record else ""
    emit(RunResumed(step, recipe, changes, because, time.time(), __version__))
    try:
        folder.write_recipe(recipe)
    except OSError as error:
        emit(Noted(f"The recipe could not be written: {error.strerror or error}."))


def _has_started(folder: Path) -> bool:
    """Whether the run's journal says that it started: killed soon enough, it does not."""
    journal = journal_path(folder)
    return journal.exists() and any(isinstance(event, RunStarted) for event in read_events(journal))
