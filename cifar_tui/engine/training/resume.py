"""Checks that a run can resume from its training state, and emits so."""

import time
from pathlib import Path

from cifar_tui import __version__
from cifar_tui.engine.checkpoints.run_context import RunContext
from cifar_tui.engine.checkpoints.training_state import newest_state
from cifar_tui.engine.network.device import inexact_because
from cifar_tui.engine.network.stepper import TrainingState
from cifar_tui.engine.training.progress import TrainingProgress
from cifar_tui.errors import BadInput
from cifar_tui.events import Emit, Noted, RunResumed, RunStarted
from cifar_tui.files.run_files import START_NAME, journal_path
from cifar_tui.recipe import Recipe
from cifar_tui.runs.checkpoints.states import StateRecord
from cifar_tui.runs.folder import RunFolder
from cifar_tui.runs.records.journal import read_events


def state_to_resume(
    recipe: Recipe, folder: RunFolder, emit: Emit, changes: tuple[str, ...] | None, *, from_beginning: bool
) -> tuple[StateRecord, TrainingState] | tuple[None, None]:
    """Return the newest intact state of a run with `changes`, which has ended before; none for a new one.

    Nor is there one where it resumes from the parent's weights that it started with.

    Raises BadInput when there is neither, unless it may resume `from_beginning`.
    """
    if changes is None:
        return None, None
    found = newest_state(folder.path, recipe, lambda note: emit(Noted(note)))
    if found is None and not from_beginning and (recipe.parent is None or not (folder.path / START_NAME).is_file()):
        raise BadInput(
            f"{folder.name} cannot be resumed: {folder.path} has no intact training state. Its checkpoints can still "
            "be evaluated, and a new run can start from one: --from."
        )
    return found or (None, None)


def emit_resumed(context: RunContext, record: StateRecord | None, changes: tuple[str, ...]) -> None:
    """Check that what resumes is the same run, and emit so; the run's records go back to the state's step with that.

    Without a state, it resumes from before its first step, and nothing trained stays that other images could spoil.
    Raises BadInput for other images, or when every step has been trained.
    """
    recipe, folder, facts, emit = context.recipe, context.folder, context.facts, context.emit
    if record is not None and record.images != facts.checksum:
        raise BadInput(f"These are not the images that {folder.name} was trained on. Name the right ones with --data.")
    steps_per_epoch = recipe.steps_per_epoch(facts.train_images)
    step = record.step if record else 0
    progress = TrainingProgress()
    progress.replay(folder.path, step, steps_per_epoch)
    if step > recipe.epochs * steps_per_epoch or progress.epochs_done >= recipe.epochs:
        raise BadInput(f"{folder.name} has trained all of its {recipe.epochs} epochs. To train more, raise --epochs.")
    if record is None and not _has_started(folder.path):
        emit(RunStarted(folder.name, str(folder.path), recipe, time.time(), __version__))
    because = inexact_because(record.environment, context.device.environment()) if record else ""
    emit(RunResumed(step, recipe, changes, because, time.time(), __version__))
    try:
        folder.write_recipe(recipe)
    except OSError as error:
        emit(Noted(f"The recipe could not be saved: {error.strerror or error}."))


def _has_started(folder: Path) -> bool:
    """Return True if the run's journal has its start: killed soon enough, it does not."""
    journal = journal_path(folder)
    return journal.exists() and any(isinstance(event, RunStarted) for event in read_events(journal))
