"""`cifar-tui compare`."""

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from cifar_tui.cli.completion import complete_checkpoint
from cifar_tui.cli.options import (
    CHECKPOINT_HELP,
    MaxPool,
    Normalize,
    OwnModels,
    WeightsName,
    reading_of,
    recipe_options,
    with_models,
)
from cifar_tui.errors import BadInput

if TYPE_CHECKING:
    from cifar_tui.runs.compared_checkpoint import ComparedCheckpoint
    from cifar_tui.runs.reading import Reading


@recipe_options("data", "data_dir", "skip_unreadable", "device", "precision")
def compare(
    *,
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="CHECKPOINT...", help=f"Two or more: {CHECKPOINT_HELP}", autocompletion=complete_checkpoint
        ),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print the comparison as one line of JSON.")] = False,
    normalize: Normalize = None,
    max_pool: MaxPool = False,
    weights: WeightsName = "",
    models: OwnModels = None,
    changes: Mapping[str, object],
) -> None:
    """Evaluate checkpoints on the same test images, and show how they differ from the first.

    The images are those of the first checkpoint's run.
    """
    # Loads numpy, which completion in the shell does without.
    from cifar_tui.checkpoint_events import MOST_COMPARED
    from cifar_tui.cli.checkpoint_path import checkpoint_at
    from cifar_tui.console import report_comparison
    from cifar_tui.engine.data.source import check_source
    from cifar_tui.jobs.compare import start_comparison

    if not 2 <= len(paths) <= MOST_COMPARED:
        raise BadInput(f"Name 2 to {MOST_COMPARED} checkpoints to compare, not {len(paths)}.")
    read = reading_of(weights, normalize, max_pool=max_pool, ours=False)
    reading = with_models(read, models, ("compare", *paths), run=checkpoint_at(paths[0]).parent)
    compared = [_compared_checkpoint(path, reading, changes) for path in paths]
    check_source(compared[0].recipe, ("test",))
    raise typer.Exit(report_comparison(start_comparison(compared), as_json=as_json))


def _compared_checkpoint(path: str, reading: "Reading", changes: Mapping[str, object]) -> "ComparedCheckpoint":
    """Return the checkpoint that a person names, with the recipe it is evaluated by. Raises BadInput."""
    from cifar_tui.cli.checkpoint_path import checkpoint_at, in_a_run, recipe_for
    from cifar_tui.cli.recipe_options import changed
    from cifar_tui.runs.compared_checkpoint import ComparedCheckpoint, compared_checkpoint
    from cifar_tui.runs.reading import Reading

    file = checkpoint_at(path)
    if in_a_run(file):
        checkpoint = dataclasses.replace(
            compared_checkpoint(file), reading=Reading(models=reading.models, command=reading.command)
        )
    else:
        checkpoint = ComparedCheckpoint(
            name=file.name, weights=file, recipe=recipe_for(file, None), external=True, reading=reading
        )
    return dataclasses.replace(checkpoint, recipe=changed(checkpoint.recipe, changes))
