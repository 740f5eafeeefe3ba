"""`cifar-tui train`."""

import dataclasses
import sys
from collections.abc import Mapping, Set
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import typer

from cifar_tui.cli.checkpoint_path import checkpoint_at, preset_here
from cifar_tui.cli.detached import asked_to_report, start_detached, train_detached
from cifar_tui.cli.front_ends import terminal_fit_for_a_screen, train_on_console, train_on_screen
from cifar_tui.cli.options import (
    ALERTS,
    DEFAULT_PRESET,
    MARKERS,
    AccelerationName,
    AlertKind,
    BatchSize,
    CropPadding,
    Cutout,
    Data,
    DataDir,
    Detach,
    Device,
    Epochs,
    FlipName,
    Headless,
    Keep,
    LabelSmoothing,
    LearningRate,
    Marker,
    NoMouse,
    PrecisionName,
    PresetName,
    ResumedRun,
    RunFolderPath,
    RunName,
    Seed,
    StartCheckpoint,
    TestImages,
    ThemeName,
    TrainImages,
    ValidationImages,
    WeightDecay,
    Width,
    absolute,
    one_of,
)
from cifar_tui.errors import BadInput
from cifar_tui.recipe import Acceleration, DeviceChoice, Flip, Precision, Recipe
from cifar_tui.system.foreground import train_behind_a_parent

if TYPE_CHECKING:
    from cifar_tui.jobs.local import LocalJobs

CHANGEABLE = ("epochs", "learning_rate", "precision", "device", "acceleration", "data", "data_dir", "keep")
"""What may differ when a run goes on; anything else would make it another run."""

OPTION_NAMES = {"learning_rate": "--lr"}
"""Options that are not called like the recipe's field."""


def train(
    preset_name: PresetName = None,
    epochs: Epochs = None,
    batch_size: BatchSize = None,
    lr: LearningRate = None,
    weight_decay: WeightDecay = None,
    label_smoothing: LabelSmoothing = None,
    seed: Seed = None,
    crop_padding: CropPadding = None,
    flip: FlipName = None,
    cutout: Cutout = None,
    precision: PrecisionName = None,
    width: Width = None,
    device: Device = None,
    acceleration: AccelerationName = None,
    data: Data = None,
    data_dir: DataDir = None,
    train_images: TrainImages = None,
    test_images: TestImages = None,
    validation_images: ValidationImages = None,
    keep: Keep = None,
    resume: ResumedRun = None,
    start: StartCheckpoint = None,
    run_name: RunName = None,
    outf: RunFolderPath = None,
    headless: Headless = False,
    detach: Detach = False,
    theme: ThemeName = None,
    marker: Marker = "braille",
    no_mouse: NoMouse = False,
    alert: AlertKind = "none",
) -> None:
    """Train a run, on a live screen or, without a terminal, as plain lines."""
    report_to = asked_to_report()
    on_screen = report_to is None and not (headless or detach) and terminal_fit_for_a_screen()
    # Before anything that has threads is loaded.
    let_go = train_behind_a_parent() if on_screen else None
    choices = {
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": lr,
        "weight_decay": weight_decay,
        "label_smoothing": label_smoothing,
        "seed": seed,
        "crop_padding": crop_padding,
        "flip": one_of("--flip", flip, get_args(Flip)),
        "cutout": cutout,
        "precision": one_of("--precision", precision, get_args(Precision)),
        "width": width,
        "device": one_of("--device", device, get_args(DeviceChoice)),
        "acceleration": one_of("--acceleration", acceleration, get_args(Acceleration)),
        "data": absolute(data),
        "data_dir": str(Path(data_dir).absolute()) if data_dir else None,
        "train_images": train_images,
        "test_images": test_images,
        "validation_images": validation_images,
        "keep": keep,
    }
    chosen = {name: value for name, value in choices.items() if value is not None}
    one_of("--marker", marker, MARKERS)
    one_of("--alert", alert, ALERTS)
    from cifar_tui.jobs.local import LocalJobs

    if resume is None and start is None:
        jobs = LocalJobs(_recipe(preset_name or DEFAULT_PRESET, chosen), run_name, outf)
    elif resume is None:
        weights = checkpoint_at(start or "")
        jobs = LocalJobs(_branched(weights, preset_name, chosen), run_name, outf, start=weights)
    else:
        elsewhere = {"from": start, "preset": preset_name, "run_name": run_name, "outf": outf}
        jobs = _resumed(resume, chosen, {name for name, value in elsewhere.items() if value is not None})
    if report_to is not None:
        raise typer.Exit(train_detached(jobs, report_to))
    if detach:
        jobs.close()
        raise typer.Exit(start_detached(sys.argv[1:]))
    if let_go is None:
        raise typer.Exit(train_on_console(jobs, resumed=resume is not None))
    raise typer.Exit(train_on_screen(jobs, let_go, theme=theme, marker=marker, mouse=not no_mouse, alert=alert))


def _recipe(preset_name: str, chosen: Mapping[str, object]) -> Recipe:
    """The preset with a person's choices in it, checked as far as possible before anything starts."""
    from cifar_tui.engine.data.load import check_source

    # Each value has its option's type, which is the field's; the checker cannot follow the names.
    recipe = dataclasses.replace(preset_here(preset_name), **chosen).check()  # type: ignore[arg-type]
    check_source(recipe)
    return recipe


def _branched(weights: Path, preset_name: str | None, chosen: Mapping[str, object]) -> Recipe:
    """The recipe of a run that starts with a checkpoint's weights: of the checkpoint's run, with a person's choices.

    Raises BadInput, CheckpointDamaged.
    """
    from cifar_tui.engine.data.load import check_source
    from cifar_tui.runs.parent_weights import belongs_to_run, recipe_for_child

    if belongs_to_run(weights):
        if preset_name is not None:
            raise BadInput("--preset cannot be combined with a run's checkpoint: its run's recipe is taken.")
        recipe = recipe_for_child(weights)
    else:
        from cifar_tui.engine.checkpoints.initial_weights import recipe_for_external

        known = preset_here(preset_name or DEFAULT_PRESET)
        recipe = recipe_for_external(weights, known, colours=preset_name is None)
    if chosen.get("width", recipe.width) != recipe.width:
        raise BadInput(f"--width is that of the weights, {recipe.width}: leave it out.")
    recipe = dataclasses.replace(recipe, **chosen).check()  # type: ignore[arg-type] # as above
    check_source(recipe)
    return recipe


def _resumed(run: str, chosen: Mapping[str, object], elsewhere: Set[str]) -> "LocalJobs":
    """The jobs of a run to go on with, its recipe changed where that is possible. Raises BadInput, FolderInUse."""
    from cifar_tui.engine.data.load import check_source
    from cifar_tui.jobs.local import LocalJobs, check_resumable
    from cifar_tui.runs.find import find_run
    from cifar_tui.runs.folder import RunFolder

    fixed = sorted(elsewhere | {name for name in chosen if name not in CHANGEABLE})
    if fixed:
        names = ", ".join(OPTION_NAMES.get(name, f"--{name.replace('_', '-')}") for name in fixed)
        raise BadInput(f"{names} cannot change in a run that goes on: start a new run for that.")
    path = find_run(run)
    check_resumable(path)
    folder = RunFolder.reopen(path)
    try:
        before = folder.recipe()
        recipe = dataclasses.replace(before, **chosen).check()  # type: ignore[arg-type]
        check_source(recipe)
    except BadInput:
        folder.close()
        raise
    changes = tuple(
        f"{name.replace('_', ' ')} {getattr(before, name)} → {getattr(recipe, name)}"
        for name in chosen
        if getattr(before, name) != getattr(recipe, name)
    )
    return LocalJobs(recipe, resumed=folder, changes=changes)
