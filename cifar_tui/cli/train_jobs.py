"""The jobs of `cifar-tui train`: those of a new run, or of one that resumes."""

import math
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cifar_tui.cli.checkpoint_path import checkpoint_at, in_a_run
from cifar_tui.cli.default_preset import preset_for, preset_note
from cifar_tui.cli.options import reading_of, with_models
from cifar_tui.cli.recipe_options import (
    branched_recipe,
    changed,
    check_changeable,
    checked,
    data_note,
    new_recipe,
    optimizer_note,
)
from cifar_tui.errors import BadInput
from cifar_tui.files.home_path import in_home
from cifar_tui.jobs.local import LocalJobs, check_free, check_resumable
from cifar_tui.recipe import Recipe
from cifar_tui.runs.checkpoints.sidecars import newest_checkpoint
from cifar_tui.runs.checkpoints.states import resumable
from cifar_tui.runs.find import find_run
from cifar_tui.runs.folder import RunFolder
from cifar_tui.runs.own_code import allow_file, allow_run, check_allowed, model_option
from cifar_tui.system.launcher import attempt
from cifar_tui.text import rate, safe_text


@dataclass(frozen=True, slots=True)
class StartFile:
    """The checkpoint that a run starts from, as it was typed, and how it is read where it belongs to no run."""

    checkpoint: str | None = None
    """Its name; None for fresh weights."""
    weights: str = ""
    """Name of one of several sets of weights in it."""
    normalize: str | None = None
    """Normalization of the images."""

    def typed(self, others: Mapping[str, object]) -> set[str]:
        """Return the flags that were typed, of these and of others by their values."""
        flags = {"--from": self.checkpoint, "--weights": self.weights, "--normalize": self.normalize, **others}
        return {flag for flag, value in flags.items() if value}


def new_run(
    changes: Mapping[str, object],
    preset_name: str | None,
    start: StartFile,
    name: str | None,
    folder: Path | None,
    model: str | None = None,
) -> LocalJobs:
    """Return the jobs of a new run, from fresh weights or a checkpoint's. Raises BadInput, CheckpointDamaged.

    Where a launcher starts it again, after one of its processes was lost, they are those of that run.
    """
    earlier = _run_to_start_again()
    if earlier is not None:
        return resumed_run(str(earlier), {}, set())
    folder = in_home(folder) if folder is not None else None
    if start.checkpoint is None:
        if start.typed({}):
            raise BadInput("--normalize and --weights say how a file is read that a run starts from: add --from FILE.")
        own = own_model(model, changes)
        recipe = new_recipe(preset_name or preset_for(changes.get("device")), {**changes, **own})
        check_own_network(recipe)
        note = preset_note(recipe) if preset_name is None else ""
        return LocalJobs(recipe, name, folder, note=_notes(recipe, changes, note))
    weights = checkpoint_at(start.checkpoint)
    reading = reading_of(start.weights, start.normalize, max_pool=False, ours=in_a_run(weights))
    own = own_model(model, changes)
    recipe, note = branched_recipe(weights, preset_name, {**changes, **own}, with_models(reading, model and [model]))
    check_allowed(recipe.model, weights.parent, _with_code(start.checkpoint, recipe, weights.parent))
    check_own_network(recipe)
    return LocalJobs(recipe, name, folder, start=weights, note=_notes(recipe, changes, note))


def _notes(recipe: Recipe, changes: Mapping[str, object], note: str) -> str:
    """Return what a new run's first line says: how its data and optimizer changed its preset, and `note`."""
    return " ".join(filter(None, (data_note(recipe, changes), note, optimizer_note(recipe, changes))))


def own_model(typed: str | None, changes: Mapping[str, object]) -> dict[str, object]:
    """Return the fields of the recipe that a function of people's own sets, which may run from now on.

    Raises BadInput.
    """
    if typed is None:
        return {}
    if "width" in changes:
        raise BadInput("--width is for the ResNet-18: your function makes its network as wide as it likes.")
    # Such a network is made for whole images.
    return {"model": allow_file(typed), "sizes": changes.get("sizes", "whole")}


def check_own_network(recipe: Recipe) -> None:
    """Make and try a network of people's own, so that what is wrong with it is told before anything starts."""
    if recipe.model is not None:
        # Loads torch.
        from cifar_tui.engine.network.build import check_network

        check_network(recipe)


def _with_code(checkpoint: str, recipe: Recipe, folder: Path) -> str:
    """Return the arguments that start from a checkpoint with its run's code."""
    return f"train --from {shlex.quote(checkpoint)} {model_option(recipe.model, folder)}" if recipe.model else ""


def _run_to_start_again() -> Path | None:
    """Return the run that a launcher starts again; one of which nothing was saved makes room for a new one."""
    if not attempt():
        return None
    # Loads torch.
    from cifar_tui.engine.network.ranks import run_of_earlier_attempt

    folder = run_of_earlier_attempt()
    if folder is None or not folder.is_dir():
        return None
    if resumable(folder):
        return folder
    if not newest_checkpoint(folder):
        run = RunFolder.reopen(folder)
        run.discard()
        run.close()
    return None


def resumed_run(run: str, changes: Mapping[str, object], other_flags: set[str]) -> LocalJobs:
    """Return the jobs of a run to resume, its recipe changed where that is possible. Raises BadInput, FolderInUse."""
    check_changeable(changes, other_flags)
    path = find_run(run)
    check_free(path)
    check_resumable(path)
    return reopened_run(path, changes)


def reopened_run(
    path: Path, changes: Mapping[str, object], note: str = "", *, from_beginning: bool = False
) -> LocalJobs:
    """Return the jobs of a run to resume by its folder, as `resumed_run`. Raises BadInput, FolderInUse."""
    folder = RunFolder.reopen(path)
    try:
        before = folder.recipe()
        recipe = checked(changed(before, changes))
        if recipe.classes != before.classes:
            raise BadInput(
                f"{path.name} tells {before.classes:,} classes apart, and these images have {recipe.classes:,}: "
                "name the images it was trained on with --data."
            )
        schedule = _schedule_change(before, recipe, path)
        allow_run(path, before)
        check_own_network(recipe)
    except BadInput:
        folder.close()
        raise
    values = ((name.replace("_", " "), getattr(before, name), getattr(recipe, name)) for name in changes)
    texts = tuple(f"{name} {old} → {new}" for name, old, new in values if old != new)
    return LocalJobs(recipe, resumed=folder, changes=texts + schedule, note=note, from_beginning=from_beginning)


def _schedule_change(before: Recipe, recipe: Recipe, folder: Path) -> tuple[str, ...]:
    """Return what another number of epochs does to the rate of the next step. Raises BadInput for too few of them."""
    if recipe.epochs == before.epochs:
        return ()
    from cifar_tui.runs.overview import read_overview

    done = read_overview(folder)
    if not done.step:
        return ()
    steps = done.total_steps // before.epochs
    if recipe.epochs * steps < done.step:
        raise BadInput(
            f"{safe_text(done.name, 60)} is in epoch {done.epoch} already: --epochs must be at least {done.epoch}."
        )
    now, then = (one.learning_rate_at(done.step + 1, steps) for one in (before, recipe))
    if recipe.epochs * steps == done.step or math.isclose(now, then):
        return ()
    last = before.learning_rate_at(done.step, steps)
    return (f"the schedule now spans {recipe.epochs} epochs: the rate goes from {rate(last)} to {rate(then)}",)
