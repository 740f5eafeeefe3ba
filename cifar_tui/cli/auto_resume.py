"""`cifar-tui train --auto-resume`: the same command starts a run, resumes it, and does nothing once it has finished."""

import contextlib
import functools
import itertools
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from cifar_tui.cli.checkpoint_path import RUN_AND_EPOCH, checkpoint_at
from cifar_tui.cli.options import RECIPE_OPTIONS
from cifar_tui.cli.train_jobs import StartFile, new_run, reopened_run
from cifar_tui.errors import AlreadyFinished, BadInput, cannot_write
from cifar_tui.files.home_path import in_home
from cifar_tui.files.run_files import MODEL_NAME, PINS_NAME, START_NAME, journal_path, recipe_path
from cifar_tui.jobs.local import LocalJobs, check_free, check_resumable
from cifar_tui.recipe import Ancestor, Recipe
from cifar_tui.report import run_summary
from cifar_tui.runs.checkpoints.sidecars import newest_checkpoint
from cifar_tui.runs.checkpoints.states import resumable
from cifar_tui.runs.checkpoints.unreadable import unreadable_states
from cifar_tui.runs.find import RUNS_FOLDER, run_argument, start_of, started_as
from cifar_tui.runs.folder import RunFolder, read_recipe
from cifar_tui.runs.overview import Overview, read_overview
from cifar_tui.runs.own_code import TYPED, allow_file
from cifar_tui.runs.parent_weights import belongs_to_run, recipe_for_child
from cifar_tui.runs.reading import parse_normalization
from cifar_tui.runs.records.csv_tables import read_history
from cifar_tui.runs.tags import checked_tags
from cifar_tui.text import counted, percent, safe_text

TRAINED_AGAIN_SECONDS = 60.0
"""A run without a training state that trained no longer starts again in its folder: twice what a crash may cost."""


def jobs_of_run(
    changes: Mapping[str, object],
    preset_name: str | None,
    start: StartFile,
    name: str | None,
    folder: Path | None,
    model: str | None,
    tags: Sequence[str] = (),
) -> LocalJobs:
    """Return the jobs of a run, whether it is there already or not.

    Raises AlreadyFinished, FolderInUse, and BadInput, as for options that would make it another run.
    """
    path = run_place(name, folder)
    new = functools.partial(new_run, changes, preset_name, start, name, folder, model, tags)
    if not recipe_path(path).is_file():
        return new()
    check_free(path)
    tags = checked_tags(tags)
    recipe = read_recipe(path)
    if _half_made(path, recipe):
        run = RunFolder.reopen(path)
        run.discard()
        run.close()
        return new()
    other = _other_flags(recipe, preset_name, start, model)
    wanted, note = _wanted(path, recipe, changes, other)
    overview = read_overview(path)
    _check_unfinished(overview, wanted)
    note = " ".join(filter(None, (note, _own_copy(path, recipe, model))))
    if resumable(path):
        return reopened_run(path, wanted, tags, note)
    if unreadable_states(path) or overview.state == "finished":
        check_resumable(path)
    if not _worth_keeping(path):
        note = f"{path.name} ended before a training state was saved, and starts again. {note}".rstrip()
        return reopened_run(path, wanted, tags, note, from_beginning=True)
    jobs, note = new(), _set_aside(path)
    jobs.note = f"{note} {jobs.note}".rstrip()
    return jobs


def run_place(name: str | None, folder: Path | None) -> Path:
    """Return the folder of the run that is meant, wherever it was renamed to. Raises BadInput where none is named."""
    if folder is not None:
        return in_home(folder)
    if name is None:
        raise BadInput("--auto-resume resumes the run of a name or a folder: add --run-name or --outf.")
    path = RUNS_FOLDER / name
    if not recipe_path(path).is_file():
        for renamed in started_as(name):
            if resumable(renamed):
                return renamed
    return path


def _worth_keeping(folder: Path) -> bool:
    """Return True for a run whose checkpoints are worth more than what any crash costs, which is to train it again."""
    if not newest_checkpoint(folder):
        return False
    return (folder / PINS_NAME).exists() or run_summary.seconds_elapsed(read_history(folder)) > TRAINED_AGAIN_SECONDS


def _half_made(folder: Path, recipe: Recipe) -> bool:
    """Return True for a run that was killed while its folder was made."""
    start_missing = recipe.parent is not None and not (folder / START_NAME).is_file()
    code_missing = recipe.model is not None and not (folder / MODEL_NAME).is_file()
    return not journal_path(folder).exists() and (start_missing or code_missing)


def _wanted(
    folder: Path, recipe: Recipe, changes: Mapping[str, object], other_flags: set[str]
) -> tuple[dict[str, object], str]:
    """Return what was typed and changes the recipe, and a sentence on what was changed since by other means.

    A value that the run has started with is no change. Raises BadInput for those that make another run.
    """
    started = start_of(folder)
    first = started.recipe if started is not None else recipe
    differing = {name: value for name, value in changes.items() if value != getattr(recipe, name)}
    wanted = {name: value for name, value in differing.items() if value != getattr(first, name)}
    fixed = {RECIPE_OPTIONS[name].flag for name in wanted if not RECIPE_OPTIONS[name].changeable} | other_flags
    if fixed:
        raise BadInput(
            f"{run_argument(folder)} was started with other options: {', '.join(sorted(fixed))} cannot change in a run "
            "that is resumed. Type what it was started with, or choose another name."
        )
    kept = [f"{RECIPE_OPTIONS[name].flag} {getattr(recipe, name)}" for name in differing if name not in wanted]
    return wanted, f"As it was changed since this run started: {', '.join(kept)}." if kept else ""


def _other_flags(recipe: Recipe, preset_name: str | None, start: StartFile, model: str | None) -> set[str]:
    """Return the flags, other than those of fields, that would make another run. Raises BadInput."""
    parent = recipe.parent
    normalization = parse_normalization(start.normalize) if start.normalize is not None else None
    differs = {
        "--preset": preset_name not in (None, recipe.preset),
        "--from": start.checkpoint is not None and not (parent and _is_parent(start.checkpoint, parent)),
        "--weights": bool(start.weights) and (parent is None or parent.weights != start.weights),
        "--normalize": normalization not in (None, (recipe.mean, recipe.std)),
        "--model": model is not None and not _is_model(model, recipe),
    }
    return {flag for flag, one in differs.items() if one}


def _is_parent(typed: str, parent: Ancestor) -> bool:
    """Return True if a run has started from the checkpoint that was typed, as far as can still be known.

    A run that was named for its newest checkpoint may have a newer one now, and any may be deleted.
    """
    named = RUN_AND_EPOCH.fullmatch(typed)
    try:
        weights = checkpoint_at(typed)
        now = recipe_for_child(weights).parent if belongs_to_run(weights) else None
    except BadInput:
        now = None
    if now is not None:
        newest = named is None and Path(typed).name != now.checkpoint
        return now.sha256 == parent.sha256 or (newest and now.run == parent.run)
    if named is not None:
        return (Path(named[1]).name, int(named[2])) == (parent.run, parent.epoch)
    return Path(typed).name in (parent.run, parent.checkpoint)


def _is_model(typed: str, recipe: Recipe) -> bool:
    """Return True if a run has the function that was typed; its code may have changed since."""
    match = TYPED.fullmatch(typed)
    own = recipe.model
    return match is not None and own is not None and (Path(match[1]).name, match[2]) == (own.file, own.function)


def _own_copy(folder: Path, recipe: Recipe, model: str | None) -> str:
    """Return a sentence where the code of a run's network was changed, or is gone, since it started."""
    if model is None:
        return ""
    with contextlib.suppress(BadInput):  # the file is gone, or is no function's any more
        if allow_file(model) == recipe.model:
            return ""
    file = safe_text(str(folder / MODEL_NAME), 300)
    return f"{safe_text(model, 100)} is not what this run started with: it goes on with its own copy, {file}."


def _check_unfinished(overview: Overview, wanted: Mapping[str, object]) -> None:
    """Raise AlreadyFinished for a run that has trained all of its epochs, unless another number is wanted."""
    if overview.state != "finished" or "epochs" in wanted:
        return
    accuracy = f": test accuracy {percent(overview.last_accuracy)}" if overview.last_accuracy is not None else ""
    after = counted(overview.recipe.epochs, "epoch")
    name = safe_text(overview.name, 100)
    raise AlreadyFinished(f"{name} has finished its {after}{accuracy}. There is nothing left to train.")


def _set_aside(path: Path) -> str:
    """Rename a run that has checkpoints and cannot be resumed. Returns a sentence. Raises BadInput, FolderInUse."""
    run = RunFolder.reopen(path)
    try:
        names = (path.with_name(f"{path.name}-before-{number}") for number in itertools.count(1))
        aside = next(name for name in names if not os.path.lexists(name))
        path.rename(aside)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        run.close()
    return f"{path.name} has checkpoints but no training state: it is now {aside.name}, and the run starts again."
