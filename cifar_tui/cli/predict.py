"""`cifar-tui predict`."""

import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import orjson
import typer

from cifar_tui import text
from cifar_tui.cli.options import (
    CheckpointPath,
    MaxPool,
    Normalize,
    OwnModels,
    WeightsName,
    reading_of,
    recipe_options,
    with_models,
)

if TYPE_CHECKING:
    from rich.console import Console

    from cifar_tui.engine.evaluation.predict import Prediction, Refusal

PLACES = 3
"""Number of classes printed for each image."""
LONGEST = 40
"""Cells of a class name."""


@recipe_options("device", "precision")
def predict(
    *,
    path: CheckpointPath,
    images: Annotated[list[str], typer.Argument(metavar="IMAGE...", help="Image files of any size.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the predictions as one line of JSON.")] = False,
    normalize: Normalize = None,
    max_pool: MaxPool = False,
    weights: WeightsName = "",
    models: OwnModels = None,
    changes: Mapping[str, object],
) -> None:
    """Classify images of your own with a checkpoint: the three most probable classes of each."""
    # Loads torch.
    from rich.console import Console

    from cifar_tui.cli.checkpoint_path import checkpoint_at, in_a_run, recipe_for, resnet_run
    from cifar_tui.cli.recipe_options import changed
    from cifar_tui.engine.evaluation.predict import Prediction, Predictor
    from cifar_tui.report.class_names import class_names

    file = checkpoint_at(path)
    recipe = changed(recipe_for(file, None), changes)
    reading = reading_of(weights, normalize, max_pool=max_pool, ours=in_a_run(file))
    command = ("predict", path, *images)
    reading = with_models(reading, models, command, resnet=resnet_run(file, recipe), run=file.parent)
    predictor = Predictor(recipe, file.parent, file.name, reading)
    for sentence in predictor.assumptions:
        print(sentence, file=sys.stderr)
    console, names = Console(), tuple(class_names(predictor.classes, LONGEST))
    predictions: list[Prediction | Refusal] = []
    for prediction in predictor.predict(images):
        predictions.append(prediction)
        if not isinstance(prediction, Prediction):
            print(prediction.reason, file=sys.stderr)
        elif not as_json:
            print_prediction(prediction, names, console)
    if as_json:
        print(to_json(file.name, predictions, predictor.classes, predictor.assumptions))
    raise typer.Exit(0 if all(isinstance(prediction, Prediction) for prediction in predictions) else 1)


def print_prediction(prediction: "Prediction", classes: tuple[str, ...], console: "Console") -> None:
    """Print the most probable classes, and on a terminal with colours the image as the network sees it."""
    named = ", ".join(
        f"{text.safe_text(name, LONGEST)} {text.percent(share)}" for name, share in most_probable(prediction, classes)
    )
    print(f"{text.safe_text(prediction.file)}: {named}", flush=True)
    if not console.is_terminal or console.no_color or console.color_system is None:
        return
    from rich.segment import Segment, Segments

    from cifar_tui.report.half_blocks import LINES, image_line

    lines = [[*image_line(prediction.pixels, line), Segment.line()] for line in range(LINES)]
    console.print(Segments([segment for line in lines for segment in line]), end="")


def most_probable(prediction: "Prediction", classes: tuple[str, ...]) -> list[tuple[str, float]]:
    """Return the most probable classes, the most probable first."""
    by_share = sorted(zip(classes, prediction.probabilities, strict=True), key=lambda pair: -pair[1])
    return by_share[:PLACES]


def to_json(
    checkpoint: str,
    predictions: "list[Prediction | Refusal]",
    classes: tuple[str, ...],
    notes: tuple[str, ...] = (),
) -> str:
    """Return the predictions as one line of JSON; bytes of a name that are no text become `�`."""
    # Loads torch.
    from cifar_tui.engine.evaluation.predict import Prediction

    records: list[dict[str, object]] = []
    for prediction in predictions:
        record: dict[str, object] = {"file": os.fsencode(prediction.file).decode("utf-8", "replace")}
        if isinstance(prediction, Prediction):
            best = [{"class": name, "probability": share} for name, share in most_probable(prediction, classes)]
            record |= {"most_probable": best, "probabilities": prediction.probabilities}
        else:
            record["error"] = prediction.reason
        records.append(record)
    return orjson.dumps({"checkpoint": checkpoint, "classes": classes, "pictures": records, "notes": notes}).decode()
