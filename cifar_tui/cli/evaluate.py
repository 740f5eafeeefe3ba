"""`cifar-tui evaluate`."""

from collections.abc import Mapping
from typing import Annotated

import typer

from cifar_tui.cli.checkpoint_path import checkpoint_at, in_a_run, recipe_for
from cifar_tui.cli.options import recipe_options
from cifar_tui.cli.recipe_options import changed
from cifar_tui.console import report_evaluation
from cifar_tui.engine.data.load import check_source
from cifar_tui.jobs.evaluate import evaluate_checkpoint
from cifar_tui.presets import PRESETS


@recipe_options("data", "data_dir", "device", "precision")
def evaluate(
    *,
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
    changes: Mapping[str, object],
) -> None:
    """Measure a checkpoint on the test images: the whole, every class, and what it is taken for.

    It may be of a run, a file of the tutorial's or of pytorch-cifar's (.pth), or safetensors.
    """
    file = checkpoint_at(path)
    recipe = changed(recipe_for(file, preset_name), changes)
    check_source(recipe)
    ours = in_a_run(file)
    # Kept beside the checkpoint is what holds for its run: on the run's own images, each judged by itself.
    keep = ours and "data" not in changes and not tta
    session = evaluate_checkpoint(
        recipe, file.parent, file.name, tta=tta, external=preset_name is None and not ours, keep=keep
    )
    raise typer.Exit(report_evaluation(session, as_json=as_json))
