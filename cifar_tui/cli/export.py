"""`cifar-tui export`."""

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import orjson
import typer

from cifar_tui.cli.checkpoint_path import RUN_AND_EPOCH, checkpoint_at, in_a_run
from cifar_tui.cli.options import AsJson, CheckpointPath, Normalize, OwnModels, WeightsName, reading_of, with_models
from cifar_tui.errors import BadInput, cannot_write
from cifar_tui.files.atomic_write import write_atomically
from cifar_tui.files.home_path import in_home
from cifar_tui.files.run_files import CHECKPOINT_PATTERN, TENSORBOARD_NAME
from cifar_tui.presets import PRESETS, preset
from cifar_tui.recipe import HALF
from cifar_tui.runs.checkpoints.sidecars import sidecar_path
from cifar_tui.runs.find import find_run
from cifar_tui.runs.folder import read_recipe
from cifar_tui.runs.lock import is_being_trained
from cifar_tui.runs.reading import NORMALIZATIONS
from cifar_tui.text import counted, safe_text, size

if TYPE_CHECKING:
    from cifar_tui.engine.formats.metadata import WeightsMetadata

WEIGHTS = (".pth", ".safetensors", ".onnx")
LONGEST_PATH = 4_096
KINDS = ".pth, .safetensors, .onnx, .csv or .svg"


TENSORBOARD_HELP = "Write a run's event files for TensorBoard into a folder, in place of OUT."


def export(
    path: CheckpointPath,
    out: Annotated[Path | None, typer.Argument(metavar="[OUT]", help=f"The file to write: {KINDS}.")] = None,
    steps: Annotated[bool, typer.Option("--steps", help="In a .csv: a row for each step, not each epoch.")] = False,
    tensorboard: Annotated[Path | None, typer.Option("--tensorboard", metavar="DIR", help=TENSORBOARD_HELP)] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace what exists.")] = False,
    normalize: Normalize = None,
    weights: WeightsName = "",
    models: OwnModels = None,
    as_json: AsJson = False,
) -> None:
    """Export a checkpoint's weights or network, or a run's epochs, steps or curves.

    .pth and .safetensors hold weights, .onnx the whole network, .csv a table of epochs or steps, .svg the curves.
    """
    if tensorboard is not None:
        if out is not None or steps or normalize is not None or weights or models:
            raise BadInput("--tensorboard writes a run's event files into its folder: leave OUT and other options out.")
        _export_for_tensorboard(path, in_home(tensorboard), force=force)
        return
    if out is None:
        raise BadInput(f"Name the file to write, OUT: {KINDS}; or a folder with --tensorboard.")
    out = in_home(out)
    kind = out.suffix.lower()
    if kind not in (*WEIGHTS, ".csv", ".svg"):
        raise BadInput(f"Unknown file type '{safe_text(out.suffix or out.name, 60)}': use {KINDS}.")
    if steps and kind != ".csv":
        raise BadInput("--steps is for tables: choose an OUT that ends in .csv.")
    check_free(out, "" if force else "Use --force to replace it.")
    try:
        written = (
            _export_weights(path, out, weights, normalize, models)
            if kind in WEIGHTS
            else _export_records(path, out, steps=steps)
        )
    except OSError as error:
        raise cannot_write(out, error) from error
    _report(out, written, as_json=as_json)


def _report(out: Path, written: str, *, as_json: bool) -> None:
    """Print what was written."""
    if as_json:
        shown = safe_text(str(out.absolute()), LONGEST_PATH)
        print(orjson.dumps({"file": shown, "bytes": out.stat().st_size, "content": written}).decode())
    else:
        print(f"Wrote {safe_text(str(out), 200)}: {written}.")


def check_free(out: Path, otherwise: str) -> None:
    """Raise BadInput where nothing can be written, or something would be lost and it says what to do `otherwise`."""
    shown = safe_text(str(out), 200)
    if not out.parent.is_dir():
        raise BadInput(f"There is no folder {safe_text(str(out.parent), 200)} to write into.")
    if out.is_dir():
        raise BadInput(f"{shown} is a folder: choose a file.")
    if os.path.lexists(out) and otherwise:
        raise BadInput(f"{shown} exists already. {otherwise}")


def _export_weights(path: str, out: Path, weights: str, normalize: str | None, models: list[str] | None) -> str:
    """Write weights. Returns the text that says what was written."""
    # Loads torch.
    from cifar_tui.engine.checkpoints.export import export_weights

    if CHECKPOINT_PATTERN.fullmatch(out.name) and (in_a_run(out) or sidecar_path(out).exists()):
        raise BadInput(f"{safe_text(str(out), 200)} would look like a checkpoint of that run: choose another name.")
    source = checkpoint_at(path)
    read = reading_of(weights, normalize, max_pool=False, ours=in_a_run(source))
    reading = with_models(read, models, ("export", path, str(out)), run=source.parent)
    done = export_weights(source, out, reading)
    written = f"{safe_text(source.name)}, {size(done.written.size)}"
    if out.suffix.lower() == ".onnx":
        compared = ", compared in onnxruntime" if done.compared else ""
        assumed = f" {done.assumed.removesuffix('.')}" if done.assumed else ""
        return f"{written}{compared}. Images of 0 to 1 go in: float32 [N, 3, 32, 32]{'.' if assumed else ''}{assumed}"
    written += ", loaded back and compared"
    if done.origin is None:
        return f"{written}. The file does not say how its images are normalized; --normalize tells it"
    if out.suffix.lower() == ".safetensors":
        return written
    first = [read_recipe(source.parent).preset] if in_a_run(source) else []
    return f"{written}{_normalization_text(done.origin, first)}"


def _normalization_text(origin: "WeightsMetadata", first: list[str]) -> str:
    """Return the normalization as text, where it is not the tutorial's, for a .pth cannot hold it.

    It names a preset that has the same, one of `first` rather than another, or the data set that is normalized so.
    """
    if origin.mean == origin.std == HALF:
        return ""
    mean, std = (", ".join(f"{value:g}" for value in values) for values in (origin.mean, origin.std))
    names = [*(name for name in first if name in PRESETS), *PRESETS]
    same = [name for name in names if (preset(name).mean, preset(name).std) == (origin.mean, origin.std)]
    data_sets = [name for name, normalization in NORMALIZATIONS.items() if normalization == (origin.mean, origin.std)]
    if same:
        then = f"use --preset {same[0]} to evaluate it"
    elif data_sets:
        then = f"use --normalize {data_sets[0]} to evaluate it, or to predict with it"
    else:
        then = "a .safetensors holds it"
    return f".\nIts images are normalized with mean {mean} and deviation {std}, which a .pth cannot hold: {then}"


def _export_records(path: str, out: Path, *, steps: bool) -> str:
    """Write a table or a drawing. Returns the text that says what was written."""
    # Loads numpy, which completion in the shell does without.
    from cifar_tui.report.curves_svg import curves_svg
    from cifar_tui.runs.records import csv_tables

    folder = _run_folder(path)
    if steps:
        step_rows = csv_tables.step_rows(csv_tables.read_journal(folder))
        csv_tables.write_table(out, csv_tables.STEP_COLUMNS, step_rows)
        return counted(len(step_rows), "step")
    history = csv_tables.read_history(folder)
    if out.suffix.lower() == ".csv":
        csv_tables.write_table(out, csv_tables.EPOCH_COLUMNS, csv_tables.epoch_rows(history))
        return counted(len(history.epochs), "epoch")
    if history.last_step is None:
        raise BadInput(f"The run in {safe_text(str(folder), 200)} has no steps to draw.")
    drawn = curves_svg(history).encode()
    write_atomically(out, lambda file: file.write(drawn))
    return f"the curves of {history.last_step.step:,} steps"


def _export_for_tensorboard(path: str, place: Path, *, force: bool) -> None:
    """Write a run's event files into a folder. Raises BadInput where other files of that kind are there."""
    from cifar_tui.runs.records import tensorboard_files

    folder = _run_folder(path)
    shown = safe_text(str(place), 200)
    if is_being_trained(folder) and place.resolve() == (folder / TENSORBOARD_NAME).resolve():
        raise BadInput(f"{safe_text(folder.name, 60)} is training, and may write into {shown}: choose another folder.")
    try:
        if tensorboard_files.event_files(place) and not force:
            raise BadInput(f"{shown} has event files already. Use --force to replace them.")
        steps = tensorboard_files.export_to(folder, place)
    except OSError as error:
        raise cannot_write(place, error) from error
    print(f"Wrote {shown}: {counted(steps, 'step')}. To see it: tensorboard --logdir {shlex.quote(shown)}")


def _run_folder(path: str) -> Path:
    """Return the folder of the run that is named, or whose checkpoint is named. Raises BadInput."""
    file = Path(path)
    if file.is_file() and in_a_run(file):
        return file.parent
    if RUN_AND_EPOCH.fullmatch(path) and not os.path.isdir(path):  # noqa: PTH112 - unlike pathlib, it takes any string
        return checkpoint_at(path).parent
    return find_run(path)
