"""The jobs of `cifar-tui train`: those of a new run, or of one that resumes."""

import contextlib
import math
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from cifar_tui.cli.checkpoint_path import RUN_AND_EPOCH, checkpoint_at, in_a_run
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
from cifar_tui.dataclass import dataclass
from cifar_tui.errors import BadInput
from cifar_tui.files.home_path import in_home
from cifar_tui.files.run_files import CHECKPOINT_PATTERN
from cifar_tui.jobs.local import LocalJobs, check_free, check_resumable
from cifar_tui.recipe import Recipe
from cifar_tui.runs.checkpoints.sidecars import newest_checkpoint
from cifar_tui.runs.checkpoints.states import resumable
from cifar_tui.runs.find import find_run, run_argument
from cifar_tui.runs.folder import RunFolder
from cifar_tui.runs.own_code import allow_file, allow_run, check_allowed, model_option
from cifar_tui.runs.tags import checked_tags
from cifar_tui.system.invocation import command_line
from cifar_tui.system.launcher import attempt
from cifar_tui.text import other_classes, rate, safe_text


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
    tags: Sequence[str] = (),
) -> LocalJobs:
    """Return the jobs of a new run, from fresh weights or a checkpoint's. Raises BadInput, CheckpointDamaged.

    Where a launcher starts it again, after one of its processes was lost, they are those of that run.
    """
    earlier = _run_to_start_again()
    if earlier is not None:
        return resumed_run(str(earlier), {}, set())
    folder, tags = in_home(folder) if folder is not None else None, checked_tags(tags)
    if start.checkpoint is None:
        if start.typed({}):
            raise BadInput("--normalize and --weights say how a file is read that a run starts from: add --from FILE.")
        own = own_model(model, changes)
        recipe = new_recipe(preset_name or preset_for(changes.get("device")), {**changes, **own})
        check_own_network(recipe)
        note = preset_note(recipe) if preset_name is None else ""
        return LocalJobs(recipe, name, folder, note=_notes(recipe, changes, note), tags=tags)
    weights = checkpoint_at(start.checkpoint)
    reading = reading_of(start.weights, start.normalize, max_pool=False, ours=in_a_run(weights))
    own = own_model(model, changes, weights.parent)
    reading = with_models(reading, model and [model], ("train", "--from", start.checkpoint), run=weights.parent)
    recipe, note = branched_recipe(weights, preset_name, {**changes, **own}, reading)
    check_allowed(recipe.model, weights.parent, _with_code(start.checkpoint, recipe, weights.parent))
    check_own_network(recipe)
    return LocalJobs(recipe, name, folder, start=weights, note=_notes(recipe, changes, note), tags=tags)


def _notes(recipe: Recipe, changes: Mapping[str, object], note: str) -> str:
    """Return what a new run's first line says: how its data and optimizer changed its preset, and `note`."""
    return " ".join(filter(None, (data_note(recipe, changes), note, optimizer_note(recipe, changes))))


def own_model(typed: str | None, changes: Mapping[str, object], run: Path | None = None) -> dict[str, object]:
    """Return the fields of the recipe that a function of people's own sets, which may run from now on.

    `run` is the folder of the checkpoint's run that the new one starts from. Raises BadInput.
    """
    if typed is None:
        return {}
    if "width" in changes:
        raise BadInput("--width is for the ResNet-18: your function makes its network as wide as it likes.")
    # Such a network is made for whole images.
    return {"model": allow_file(typed, run), "sizes": changes.get("sizes", "whole")}


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


def _check_no_checkpoint(run: str) -> None:
    """Raise BadInput, with what to type, for a checkpoint that was named in place of a run."""
    file = in_home(run)
    with contextlib.suppress(BadInput):  # it is not there, which is told where runs are looked for
        file = checkpoint_at(run) if RUN_AND_EPOCH.fullmatch(run) else file
    if not file.is_file() or CHECKPOINT_PATTERN.fullmatch(file.name) is None:
        return
    new = command_line(f"train --from {shlex.quote(run)}")
    if in_a_run(file):
        resume = command_line(f"train --resume {shlex.quote(run_argument(file.parent))}")
        raise BadInput(f"--resume takes a run, not a checkpoint: {resume}. A new run starts from it with: {new}")
    raise BadInput(f"{safe_text(run, 100)} alone cannot be resumed. A new run starts from it with: {new}")


def resumed_run(run: str, changes: Mapping[str, object], other_flags: set[str], tags: Sequence[str] = ()) -> LocalJobs:
    """Return the jobs of a run to resume, its recipe changed where that is possible, with more tags.

    Raises BadInput, FolderInUse.
    """
    check_changeable(changes, other_flags)
    tags = checked_tags(tags)
    _check_no_checkpoint(run)
    path = find_run(run)
    check_free(path)
    check_resumable(path)
    return reopened_run(path, changes, tags)


def reopened_run(
    path: Path, changes: Mapping[str, object], tags: tuple[str, ...], note: str = "", *, from_beginning: bool = False
) -> LocalJobs:
    """Return the jobs of a run to resume by its folder, as `resumed_run`. Raises BadInput, FolderInUse."""
    folder = RunFolder.reopen(path)
    try:
        before = folder.recipe()
        recipe = checked(changed(before, changes))
        if recipe.classes != before.classes:
            differing = other_classes(path.name, before.classes, recipe.classes)
            raise BadInput(f"{differing}: name the images it was trained on with --data.")
        schedule = _schedule_change(before, recipe, path)
        allow_run(path, before)
        check_own_network(recipe)
    except BadInput:
        folder.close()
        raise
    values = ((name.replace("_", " "), getattr(before, name), getattr(recipe, name)) for name in changes)
    texts = tuple(f"{name} {old} → {new}" for name, old, new in values if old != new)
    return LocalJobs(
        recipe, resumed=folder, changes=texts + schedule, note=note, tags=tags, from_beginning=from_beginning
    )


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
