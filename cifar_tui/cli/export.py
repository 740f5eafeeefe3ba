"""`cifar-tui export`."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cifar_tui.cli.checkpoint_path import checkpoint_at, in_a_run
from cifar_tui.errors import BadInput, cannot_write
from cifar_tui.files.atomic_write import write_atomically
from cifar_tui.files.run_files import CHECKPOINT_PATTERN
from cifar_tui.presets import PRESETS, preset
from cifar_tui.recipe import HALF
from cifar_tui.report.curves_svg import curves_svg
from cifar_tui.runs.checkpoints.sidecars import sidecar_path
from cifar_tui.runs.find import find_run
from cifar_tui.runs.records import csv_tables
from cifar_tui.text import safe_text, size

if TYPE_CHECKING:
    from cifar_tui.engine.formats.metadata import WeightsMetadata

WEIGHTS = (".pth", ".safetensors")
KINDS = "net.pth, net.safetensors, epochs.csv or curves.svg"


def export(
    path: Annotated[str, typer.Argument(metavar="PATH", help="A checkpoint's file, or a run.")],
    out: Annotated[
        Path, typer.Argument(metavar="OUT", help="What to write: a name in .pth, .safetensors, .csv or .svg.")
    ],
    steps: Annotated[bool, typer.Option("--steps", help="In a .csv, a row for each step, not for each epoch.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace OUT where it exists.")] = False,
) -> None:
    """Write a checkpoint's weights for other programs, or a run's table of epochs, its steps, or its curves."""
    kind = out.suffix.lower()
    if kind not in (*WEIGHTS, ".csv", ".svg"):
        raise BadInput(f"'{safe_text(out.name, 60)}' says not what to write: name {KINDS}.")
    if steps and kind != ".csv":
        raise BadInput("--steps is for tables: name OUT in .csv.")
    _check_free(out, force)
    try:
        written = _export_weights(path, out) if kind in WEIGHTS else _export_records(path, out, steps=steps)
    except OSError as error:
        raise cannot_write(out, error) from error
    print(f"Wrote {safe_text(str(out), 200)}: {written}.")


def _check_free(out: Path, force: bool) -> None:
    """Raise BadInput where something would be lost, or nothing can be written."""
    shown = safe_text(str(out), 200)
    if not out.parent.is_dir():
        raise BadInput(f"There is no folder {safe_text(str(out.parent), 200)} to write into.")
    if out.is_dir():
        raise BadInput(f"{shown} is a folder: name a file.")
    if os.path.lexists(out) and not force:
        raise BadInput(f"{shown} exists already: --force replaces it.")


def _export_weights(path: str, out: Path) -> str:
    """Write weights. Returns the text that says what was written."""
    # Loads torch.
    from cifar_tui.engine.checkpoints.export import export_weights

    if CHECKPOINT_PATTERN.fullmatch(out.name) and (in_a_run(out) or sidecar_path(out).exists()):
        raise BadInput(f"{safe_text(str(out), 200)} would pass for a checkpoint of the run there: choose another name.")
    source = checkpoint_at(path)
    done = export_weights(source, out)
    written = f"{safe_text(source.name)}, {size(done.written.size)}, loaded back and compared"
    return written if out.suffix.lower() == ".safetensors" else f"{written}{_normalization_text(done.origin)}"


def _normalization_text(origin: "WeightsMetadata") -> str:
    """Return the normalization as text, where it is not the tutorial's, for a .pth cannot hold it."""
    if origin.mean == origin.std == HALF:
        return ""
    mean, std = (", ".join(f"{value:g}" for value in values) for values in (origin.mean, origin.std))
    same = [name for name in PRESETS if (preset(name).mean, preset(name).std) == (origin.mean, origin.std)]
    then = f"evaluate it with --preset {same[0]}" if same else "a .safetensors holds them"
    return f".\nIts pictures' colours have mean {mean} and deviation {std}, which a .pth does not say: {then}"


def _export_records(path: str, out: Path, *, steps: bool) -> str:
    """Write a table or a drawing. Returns the text that says what was written."""
    folder = _run_folder(path)
    if steps:
        step_rows = csv_tables.step_rows(csv_tables.read_journal(folder))
        csv_tables.write_table(out, csv_tables.STEP_COLUMNS, step_rows)
        return f"{len(step_rows):,} steps"
    history = csv_tables.read_history(folder)
    if out.suffix.lower() == ".csv":
        csv_tables.write_table(out, csv_tables.EPOCH_COLUMNS, csv_tables.epoch_rows(history))
        return f"{len(history.epochs):,} epochs"
    if history.last_step is None:
        raise BadInput(f"The run in {safe_text(str(folder), 200)} has no steps to draw.")
    drawn = curves_svg(history).encode()
    write_atomically(out, lambda file: file.write(drawn))
    return f"the curves of {history.last_step.step:,} steps"


def _run_folder(path: str) -> Path:
    """Return the folder of the run that is named, or whose checkpoint is named. Raises BadInput."""
    file = Path(path)
    if file.is_file() and in_a_run(file):
        return file.parent
    return find_run(path)
