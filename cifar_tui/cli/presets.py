"""`cifar-tui presets`."""

from typing import Annotated

import orjson
import typer

from cifar_tui.presets import PRESETS, WITH_A_GPU, WITHOUT_A_GPU
from cifar_tui.serialization import to_record

NOTE = f"""batch: images a step. Accuracy: after the last epoch, on CIFAR-10's test set,
without test-time augmentation; none is known for other data.
smoke trains on 2,000 images, others on 50,000.
Without --preset: {WITH_A_GPU} with a GPU, {WITHOUT_A_GPU} without one.
Rates are SGD's: with --optimizer adamw they are 1/100 of these.
A run shows how long it takes once a step is measured."""


def presets(
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one line of JSON for each preset, with its recipe.")
    ] = False,
) -> None:
    """List the presets with their size, purpose and expected accuracy on CIFAR-10."""
    if as_json:
        for named in PRESETS.values():
            print(orjson.dumps(to_record(named)).decode())
        return
    rows = [("preset", "epochs", "batch", "rate", "for", "expected on CIFAR-10")]
    for name, named in PRESETS.items():
        recipe = named.recipe
        numbers = (str(recipe.epochs), str(recipe.batch_size), f"{recipe.learning_rate:g}")
        rows.append((name, *numbers, named.summary, named.expectation))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    print(f"\n{NOTE}")
