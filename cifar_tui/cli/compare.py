"""`cifar-tui compare`."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from cifar_tui.cli.checkpoint_path import checkpoint_at, in_a_run, recipe_for
from cifar_tui.cli.options import Data, DataDir, Device, PrecisionName, absolute, one_of
from cifar_tui.errors import BadInput
from cifar_tui.recipe import DeviceChoice, Precision

if TYPE_CHECKING:
    from cifar_tui.runs.compared_checkpoint import ComparedCheckpoint


def compare(
    paths: Annotated[
        list[str],
        typer.Argument(metavar="CHECKPOINT...", help="Two or more: RUN:EPOCH, a run for its newest one, or a file."),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print the comparison as one line of JSON.")] = False,
    data: Data = None,
    data_dir: DataDir = None,
    device: Device = None,
    precision: PrecisionName = None,
) -> None:
    """Measure checkpoints on the same test images, the first one's, and say where they differ from it."""
    from cifar_tui.console import report_comparison
    from cifar_tui.engine.data.load import check_source
    from cifar_tui.jobs.compare import start_comparison
    from cifar_tui.report.comparison_text import MOST_COMPARED

    if not 2 <= len(paths) <= MOST_COMPARED:
        raise BadInput(f"Name 2 to {MOST_COMPARED} checkpoints to compare, not {len(paths)}.")
    choices = {
        "data": absolute(data),
        "data_dir": data_dir and str(Path(data_dir).absolute()),
        "device": one_of("--device", device, get_args(DeviceChoice)),
        "precision": one_of("--precision", precision, get_args(Precision)),
    }
    chosen = {name: value for name, value in choices.items() if value is not None}
    compared = [_compared_checkpoint(path, chosen) for path in paths]
    check_source(compared[0].recipe)
    raise typer.Exit(report_comparison(start_comparison(compared), as_json=as_json))


def _compared_checkpoint(path: str, chosen: Mapping[str, object]) -> "ComparedCheckpoint":
    """The checkpoint a person names, with how it is judged. Raises BadInput."""
    from cifar_tui.runs.compared_checkpoint import ComparedCheckpoint, compared_checkpoint

    file = checkpoint_at(path)
    if in_a_run(file):
        contender = compared_checkpoint(file)
    else:
        contender = ComparedCheckpoint(name=file.name, weights=file, recipe=recipe_for(file, None), external=True)
    recipe = dataclasses.replace(contender.recipe, **chosen)  # type: ignore[arg-type] # by their names
    return dataclasses.replace(contender, recipe=recipe)
