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
    """Measure a checkpoint on the test images: the whole, every class, and what it is taken for."""
    from cifar_tui.console import report_evaluation
    from cifar_tui.engine.data import check_source
    from cifar_tui.jobs import evaluate_checkpoint
    from cifar_tui.runs.folder import read_recipe

    file = checkpoint_file(path)
    choices = {
        "data": absolute(data),
        "data_dir": data_dir and str(Path(data_dir).absolute()),
        "device": one_of("--device", device, get_args(DeviceChoice)),
        "precision": one_of("--precision", precision, get_args(Precision)),
    }
    chosen = {name: value for name, value in choices.items() if value is not None}
    recipe = dataclasses.replace(read_recipe(file.parent), **chosen)  # type: ignore[arg-type]
    check_source(recipe)
    # Kept beside the checkpoint is what holds for its run: on the run's own images, each judged by itself.
    link = evaluate_checkpoint(recipe, file.parent, file.name, tta=tta, keep=data is None and not tta)
    raise typer.Exit(report_evaluation(link, as_json=as_json))


def checkpoint_file(path: str) -> Path:
    """The checkpoint a person names: by its file, or by its run for the newest one. Raises BadInput."""
    from cifar_tui.runs.folder import find_run
    from cifar_tui.runs.sidecars import newest_checkpoint

    if os.path.isfile(path):  # noqa: PTH113 - which, unlike pathlib, takes any string
        return Path(path)
    folder = find_run(path)
    return folder / (newest_checkpoint(folder) or "no checkpoint yet")
