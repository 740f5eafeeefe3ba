"""`cifar-tui evaluate`."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cifar_tui.cli.completion import complete_preset
from cifar_tui.cli.options import (
    AsJson,
    CheckpointPath,
    MaxPool,
    Normalize,
    OwnModels,
    WeightsName,
    reading_of,
    recipe_options,
    with_models,
)
from cifar_tui.errors import BadInput
from cifar_tui.presets import PRESETS

if TYPE_CHECKING:
    from cifar_tui.checkpoint_events import EvaluationDone

Tta = Annotated[bool, typer.Option("--tta", help="Average each prediction with that of the mirror image (flip-TTA).")]
Svg = Annotated[
    Path | None,
    typer.Option("--svg", metavar="FILE", help="Draw the confusion matrix, too; of many classes its worst part."),
]
PresetOfFile = Annotated[
    str | None,
    typer.Option(
        "--preset",
        metavar="NAME",
        help="For a file that belongs to no run: the preset whose normalization it was trained with, one of "
        f"{', '.join(PRESETS)}. Without this option: as in the file's own project.",
        autocompletion=complete_preset,
    ),
]


@recipe_options("data", "data_dir", "skip_unreadable", "device", "precision")
def evaluate(
    *,
    path: CheckpointPath,
    tta: Tta = False,
    as_json: AsJson = False,
    svg: Svg = None,
    preset_name: PresetOfFile = None,
    normalize: Normalize = None,
    max_pool: MaxPool = False,
    weights: WeightsName = "",
    models: OwnModels = None,
    changes: Mapping[str, object],
) -> None:
    """Evaluate a checkpoint on the test images: accuracy, every class, and its mistakes.

    It can belong to a run, or be a file of the tutorial or of pytorch-cifar (.pth), or safetensors.
    """
    # Loads numpy, which completion in the shell does without.
    from cifar_tui.cli.checkpoint_path import checkpoint_at, in_a_run, recipe_for, resnet_run
    from cifar_tui.cli.recipe_options import changed
    from cifar_tui.console import report_evaluation
    from cifar_tui.engine.data.source import check_source
    from cifar_tui.jobs.evaluate import evaluate_checkpoint

    drawn = None if svg is None else _svg_file(svg)
    file = checkpoint_at(path)
    recipe = changed(recipe_for(file, preset_name), changes)
    classes = check_source(recipe, ("test",))
    ours = in_a_run(file)
    read, resnet = reading_of(weights, normalize, max_pool=max_pool, ours=ours), resnet_run(file, recipe)
    reading = with_models(read, models, ("evaluate", path), classes=classes, resnet=resnet, run=file.parent)
    if preset_name is not None and normalize is not None:
        raise BadInput("--preset names a normalization, too: leave out one of --preset and --normalize.")
    # Stored beside the checkpoint is what holds for its run: on the run's own images, without their mirror images.
    keep = ours and "data" not in changes and not tta
    options = {"tta": tta, "external": preset_name is None and not ours, "reading": reading, "keep": keep}
    session = evaluate_checkpoint(recipe, file.parent, file.name, **options)
    raise typer.Exit(report_evaluation(session, as_json=as_json, also=drawn))


def _svg_file(svg: Path) -> "Callable[[EvaluationDone], None]":
    """Return what draws an evaluation into a file. Raises BadInput where that cannot be."""
    # What only this needs.
    from cifar_tui.cli.picture import picture_file, write_picture
    from cifar_tui.report.confusion_svg import confusion_svg

    out = picture_file(svg, "Choose another file.")
    return lambda done: write_picture(out, confusion_svg(done))
