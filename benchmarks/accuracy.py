"""Trains a preset without a screen and appends one row on what it reached to a results file.

python benchmarks/accuracy.py --preset short --epochs 12 --data DIR --seed 0

Called again with the same choices after it was interrupted, it goes on where it was. The last epoch is what counts;
flip-TTA is measured apart.
"""

import argparse
import hashlib
import json
import subprocess
import sys
import time
from pathlib import Path

from cifar_tui.data_sets import DATA_SETS, DEFAULT
from cifar_tui.events import DataReady, EpochDone, RunFinished, RunResumed, RunStarted, StepDone, TrainingStarted
from cifar_tui.files.run_files import journal_path
from cifar_tui.presets import PRESETS
from cifar_tui.recipe import Recipe
from cifar_tui.runs.checkpoints.states import list_states
from cifar_tui.runs.records.journal import from_line, read_events

RESULTS = Path(__file__).parents[1] / "docs" / "results.jsonl"


def main() -> None:
    """Read the options, train, measure, write the row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", choices=list(PRESETS), required=True)
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--data", required=True, help="a folder of pictures, cifar10 or synthetic")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where the run's folder goes")
    parser.add_argument("--results", type=Path, default=RESULTS, help="the file the row is added to")
    options, more = parser.parse_known_args()
    chosen = hashlib.sha256(json.dumps([options.data, *more]).encode()).hexdigest()[:8]
    name = f"accuracy-{options.preset}-{options.epochs}-epochs-seed-{options.seed}-{chosen}"
    folder = options.runs / name
    train = [sys.executable, "-m", "cifar_tui", "train", "--headless"]
    if folder.exists() and list_states(folder):
        if not finished(folder):
            subprocess.run([*train, "--resume", str(folder)], check=True)
    else:
        choices = ["--preset", options.preset, "--epochs", str(options.epochs), "--seed", str(options.seed)]
        subprocess.run([*train, *choices, "--data", options.data, "--outf", str(folder), *more], check=True)
    if options.results.exists() and name in options.results.read_text(encoding="utf-8"):
        raise SystemExit(f"{options.results} has the row of {name} already.")
    row = {"run": name, **row_of(folder, more)}
    options.results.parent.mkdir(parents=True, exist_ok=True)
    with options.results.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")
    print(json.dumps(row))


def finished(folder: Path) -> bool:
    """Return True if the run has finished."""
    return any(isinstance(event, RunFinished) for event in read_events(journal_path(folder)))


def row_of(folder: Path, more: list[str]) -> dict[str, object]:
    """Return the row of a run: figures of its journal, and of an evaluation with flip-TTA."""
    events = list(read_events(journal_path(folder)))
    first, *_, end = (from_line(line)[0] for line in journal_path(folder).read_bytes().splitlines())
    (started,) = (event for event in events if isinstance(event, RunStarted))
    data = next(event for event in events if isinstance(event, DataReady))
    training = [event for event in events if isinstance(event, TrainingStarted)]
    epochs = [event for event in events if isinstance(event, EpochDone)]
    steps = [event for event in events if isinstance(event, StepDone)]
    last = epochs[-1]
    seconds = sum(epoch.train_seconds for epoch in epochs)
    recipe = started.recipe
    return {
        "date": time.strftime("%Y-%m-%d"),
        "preset": recipe.preset,
        "options": more,
        "recipe": recipe_words(recipe),
        "epochs": recipe.epochs,
        "seed": recipe.seed,
        "data": data.description,
        "classes": len(data.classes),
        "train_images": data.train_images,
        "test_images": data.test_images,
        "device": training[-1].device,
        "precision": training[-1].precision,
        "test_accuracy": last.test_accuracy,
        "test_accuracy_with_tta": accuracy_with_tta(folder / f"net_{last.epoch:03d}.pth", recipe),
        "curve": [epoch.test_accuracy for epoch in epochs],
        "images_per_second": round(sum(step.images for step in steps) / seconds, 1),
        "seconds": round(end - first, 1),
        "interruptions": sum(isinstance(event, RunResumed) for event in events),
    }


def accuracy_with_tta(checkpoint: Path, recipe: Recipe) -> float | None:
    """Return the accuracy with mirror images; None for digits and the like, which have none."""
    if recipe.flip == "none" and not DATA_SETS.get(recipe.data, DEFAULT).mirrored:
        return None
    command = [sys.executable, "-m", "cifar_tui", "evaluate", str(checkpoint), "--tta", "--json"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(json.loads(done.stdout)["accuracy"])


def recipe_words(recipe: Recipe) -> str:
    """Return the choices that decide how accurate a short run gets."""
    parts = [f"batch {recipe.batch_size}", f"{recipe.schedule} rate {recipe.learning_rate:g}"]
    parts += [f"crop {recipe.crop_padding}"] if recipe.crop_padding else []
    parts += [f"{recipe.flip} flip"] if recipe.flip != "none" else []
    parts += [f"cutout {recipe.cutout}"] if recipe.cutout else []
    parts += [f"weight decay {recipe.weight_decay:g}"] if recipe.weight_decay != 5e-4 else []
    parts += [f"label smoothing {recipe.label_smoothing:g}"] if recipe.label_smoothing else []
    parts += [f"{recipe.sizes} images"] if recipe.sizes != "whole" else []
    return ", ".join(parts)


if __name__ == "__main__":
    main()
