"""The jobs of `cifar-tui train`: those of a new run, or of one that resumes."""

from collections.abc import Mapping
from pathlib import Path

from cifar_tui.cli.checkpoint_path import checkpoint_at
from cifar_tui.cli.default_preset import preset_for, preset_note
from cifar_tui.cli.recipe_options import branched_recipe, changed, check_changeable, checked, new_recipe
from cifar_tui.errors import BadInput
from cifar_tui.jobs.local import LocalJobs, check_free, check_resumable
from cifar_tui.runs.find import find_run
from cifar_tui.runs.folder import RunFolder


def new_run(
    changes: Mapping[str, object], preset_name: str | None, start: str | None, name: str | None, folder: Path | None
) -> LocalJobs:
    """Return the jobs of a new run, from fresh weights or a checkpoint's. Raises BadInput, CheckpointDamaged."""
    if start is None:
        recipe = new_recipe(preset_name or preset_for(changes.get("device")), changes)
        return LocalJobs(recipe, name, folder, note=preset_note(recipe) if preset_name is None else "")
    weights = checkpoint_at(start)
    recipe, note = branched_recipe(weights, preset_name, changes)
    return LocalJobs(recipe, name, folder, start=weights, note=note)


def resumed_run(run: str, changes: Mapping[str, object], other_flags: set[str]) -> LocalJobs:
    """Return the jobs of a run to resume, its recipe changed where that is possible. Raises BadInput, FolderInUse."""
    check_changeable(changes, other_flags)
    path = find_run(run)
    check_free(path)
    check_resumable(path)
    folder = RunFolder.reopen(path)
    try:
        before = folder.recipe()
        recipe = checked(changed(before, changes))
    except BadInput:
        folder.close()
        raise
    values = ((name.replace("_", " "), getattr(before, name), getattr(recipe, name)) for name in changes)
    texts = tuple(f"{name} {old} → {new}" for name, old, new in values if old != new)
    return LocalJobs(recipe, resumed=folder, changes=texts)
