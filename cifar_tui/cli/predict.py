"""`cifar-tui predict`."""

import dataclasses
import os
import sys
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from cifar_tui import text
from cifar_tui.cli.checkpoint_path import checkpoint_at, recipe_for
from cifar_tui.cli.options import Device, PrecisionName, one_of
from cifar_tui.recipe import DeviceChoice, Precision

if TYPE_CHECKING:
    from rich.console import Console

    from cifar_tui.engine.evaluation.predict import Prediction, Refusal

PLACES = 3
"""Classes named of each picture."""


def predict(
    path: Annotated[str, typer.Argument(metavar="PATH", help="A checkpoint's file, or a run for its newest one.")],
    images: Annotated[list[str], typer.Argument(metavar="IMAGE", help="Pictures: JPEG, PNG, of any size.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print what was found as one line of JSON.")] = False,
    device: Device = None,
    precision: PrecisionName = None,
) -> None:
    """Say what a checkpoint takes pictures of your own for: the three most probable classes of each."""
    from rich.console import Console

    from cifar_tui.engine.evaluation.predict import Prediction, Predictor

    file = checkpoint_at(path)
    choices = {
        "device": one_of("--device", device, get_args(DeviceChoice)),
        "precision": one_of("--precision", precision, get_args(Precision)),
    }
    chosen = {name: value for name, value in choices.items() if value is not None}
    recipe = dataclasses.replace(recipe_for(file, None), **chosen)  # type: ignore[arg-type]
    predictor = Predictor(recipe, file.parent, file.name)
    if predictor.trouble:
        print(predictor.trouble, file=sys.stderr)
    console = Console()
    found: list[Prediction | Refusal] = []
    for one in predictor.predict(images):
        found.append(one)
        if not isinstance(one, Prediction):
            print(one.reason, file=sys.stderr)
        elif not as_json:
            show(one, predictor.classes, console)
    if as_json:
        print(as_one_line(file.name, found, predictor.classes))
    raise typer.Exit(0 if all(isinstance(one, Prediction) for one in found) else 1)


def show(prediction: "Prediction", classes: tuple[str, ...], console: "Console") -> None:
    """Print the most probable classes, and on a terminal with colours what the network saw."""
    from rich.segment import Segment, Segments

    from cifar_tui.report.half_blocks import LINES, image_line

    named = ", ".join(
        f"{text.safe_text(name, 40)} {text.percent(share)}" for name, share in ranked(prediction, classes)
    )
    print(f"{text.safe_text(prediction.file)}: {named}", flush=True)
    if not console.is_terminal or console.no_color or console.color_system is None:
        return
    lines = [[*image_line(prediction.pixels, line), Segment.line()] for line in range(LINES)]
    console.print(Segments([segment for line in lines for segment in line]), end="")


def ranked(prediction: "Prediction", classes: tuple[str, ...]) -> list[tuple[str, float]]:
    """The most probable classes, the most probable first."""
    by_share = sorted(zip(classes, prediction.probabilities, strict=True), key=lambda pair: -pair[1])
    return by_share[:PLACES]


def as_one_line(checkpoint: str, found: "list[Prediction | Refusal]", classes: tuple[str, ...]) -> str:
    """What was found as JSON; a name that is no text has `�` where it is none."""
    import orjson

    from cifar_tui.engine.evaluation.predict import Prediction

    pictures: list[dict[str, object]] = []
    for one in found:
        record: dict[str, object] = {"file": os.fsencode(one.file).decode("utf-8", "replace")}
        if isinstance(one, Prediction):
            best = [{"class": name, "probability": share} for name, share in ranked(one, classes)]
            record |= {"most_probable": best, "probabilities": one.probabilities}
        else:
            record["error"] = one.reason
        pictures.append(record)
    return orjson.dumps({"checkpoint": checkpoint, "classes": classes, "pictures": pictures}).decode()
