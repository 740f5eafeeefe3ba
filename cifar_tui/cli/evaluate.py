"""`cifar-tui evaluate`."""

import dataclasses
import os
from pathlib import Path
from typing import Annotated, get_args

import typer

from cifar_tui.cli.options import (
    Data,
    DataDir,
    Device,
    PrecisionName,
    absolute,
    one_of,
)
from cifar_tui.recipe import DeviceChoice, Precision


def evaluate(
    path: Annotated[str, typer.Argument(metavar="PATH", help="A checkpoint's file, or a run for its newest one.")],
    tta: Annotated[
        bool, typer.Option("--tta", help="Judge every image together with its mirror image (flip-TTA).")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the verdict as one line of JSON.")] = False,
    data: Data = None,
    data_dir: DataDir = None,
    device: Device = None,
    precision: PrecisionName = None,
) -> None:
    """Measure a checkpoint on the test images: accuracy, loss, and accuracy per class."""
    from cifar_tui.console import report_evaluation
    from cifar_tui.engine.data import check_source
    from cifar_tui.jobs import evaluate_checkpoint
    from cifar_tui.runs.folder import find_run, read_recipe
    from cifar_tui.runs.sidecars import newest_checkpoint

    file = Path(path)
    if not os.path.isfile(path):  # noqa: PTH113 - which, unlike pathlib, takes any string
        folder = find_run(path)
        file = folder / (newest_checkpoint(folder) or "no checkpoint yet")
    choices = {
        "data": absolute(data),
        "data_dir": data_dir and str(Path(data_dir).absolute()),
        "device": one_of("--device", device, get_args(DeviceChoice)),
        "precision": one_of("--precision", precision, get_args(Precision)),
    }
    chosen = {name: value for name, value in choices.items() if value is not None}
    recipe = dataclasses.replace(read_recipe(file.parent), **chosen)  # type: ignore[arg-type]
    check_source(recipe)
    raise typer.Exit(report_evaluation(evaluate_checkpoint(recipe, file.parent, file.name, tta=tta), as_json=as_json))
