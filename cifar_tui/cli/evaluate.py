"""`cifar-tui evaluate`."""

import dataclasses
from pathlib import Path
from typing import Annotated, get_args

import typer

from cifar_tui.cli.checkpoint_path import checkpoint_at, in_a_run
from cifar_tui.cli.options import (
    DEFAULT_DATA_DIR,
    DEFAULT_PRESET,
    Data,
    DataDir,
    Device,
    PrecisionName,
    absolute,
    one_of,
)
from cifar_tui.errors import BadInput
from cifar_tui.recipe import PRESETS, DeviceChoice, Precision, Recipe, preset


def evaluate(
    path: Annotated[str, typer.Argument(metavar="PATH", help="A checkpoint's file, or a run for its newest one.")],
    tta: Annotated[
        bool, typer.Option("--tta", help="Judge every image together with its mirror image (flip-TTA).")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the verdict as one line of JSON.")] = False,
    preset_name: Annotated[
        str | None,
        typer.Option(
            "--preset",
            metavar="NAME",
            help=f"Outside of a run, whose colours: {', '.join(PRESETS)}; without it, as the file's project.",
        ),
    ] = None,
    data: Data = None,
    data_dir: DataDir = None,
    device: Device = None,
    precision: PrecisionName = None,
) -> None:
    """Measure a checkpoint on the test images: accuracy, loss, and accuracy per class.

    It may be of a run, a file of the tutorial's or of pytorch-cifar's (.pth), or safetensors.
    """
    from cifar_tui.console import report_evaluation
    from cifar_tui.engine.data import check_source
    from cifar_tui.jobs import evaluate_checkpoint

    file = checkpoint_at(path)
    choices = {
        "data": absolute(data),
        "data_dir": data_dir and str(Path(data_dir).absolute()),
        "device": one_of("--device", device, get_args(DeviceChoice)),
        "precision": one_of("--precision", precision, get_args(Precision)),
    }
    chosen = {name: value for name, value in choices.items() if value is not None}
    recipe = dataclasses.replace(_recipe(file, preset_name), **chosen)  # type: ignore[arg-type]
    check_source(recipe)
    stranger = preset_name is None and not in_a_run(file)
    session = evaluate_checkpoint(recipe, file.parent, file.name, tta=tta, stranger=stranger)
    raise typer.Exit(report_evaluation(session, as_json=as_json))


def _recipe(file: Path, preset_name: str | None) -> Recipe:
    """The recipe of the file's run; of a file outside of one, a preset's. Raises BadInput."""
    from cifar_tui.runs.folder import read_recipe

    if in_a_run(file):
        if preset_name is not None:
            raise BadInput("--preset is for files outside of a run: here the run's own recipe says how colours are.")
        return read_recipe(file.parent)
    return dataclasses.replace(preset(preset_name or DEFAULT_PRESET), data_dir=str(Path(DEFAULT_DATA_DIR).absolute()))
