"""Finding runs by name, by folder, or because only one is live."""

import contextlib
from pathlib import Path

from cifar_tui.errors import BadInput
from cifar_tui.files.run_files import RECIPE_NAME, recipe_path
from cifar_tui.runs.checkpoints.sidecars import (
    Sidecar,
    epoch_checkpoint,
)
from cifar_tui.runs.lock import is_being_trained
from cifar_tui.text import safe_text

RUNS_FOLDER = Path("runs")
"""The folder of runs unless a person names another."""


def find_run(run: str) -> Path:
    """The folder of a run that a person names: by its folder, or by its name in `runs/`. Raises BadInput."""
    for path in (Path(run), RUNS_FOLDER / run):
        with contextlib.suppress(OSError, ValueError):  # a name no file can have, a folder that may not be read
            if (recipe_path(path)).is_file():
                return path
    there = sorted(path.parent.name for path in RUNS_FOLDER.glob(f"*/{RECIPE_NAME}")) if RUNS_FOLDER.is_dir() else []
    known = (
        f"Runs here: {', '.join(safe_text(name, 60) for name in there[-5:])}." if there else "There are no runs here."
    )
    raise BadInput(f"There is no run '{safe_text(run, 100)}', as a folder or in {RUNS_FOLDER}/. {known}")


def all_runs(place: Path = RUNS_FOLDER) -> list[Path]:
    """The folders of the runs in a folder, the one that was written to last at the end."""
    if not place.is_dir():
        return []
    folders = [path.parent for path in place.glob(f"*/{RECIPE_NAME}")]
    return sorted(folders, key=lambda folder: folder.stat().st_mtime)


def live_or_all_runs() -> tuple[list[Path], bool]:
    """Return the runs in `runs/` that are being trained, with True, or else all that there are. Raises BadInput."""
    runs = all_runs()
    if not runs:
        raise BadInput(f"There are no runs in {RUNS_FOLDER}/ here: name a run's folder.")
    live = [folder for folder in runs if is_being_trained(folder)]
    return live or runs, bool(live)


def only_live_run() -> Path:
    """The one run in `runs/` that is being trained. Raises BadInput, with what there is to choose from."""
    runs, live = live_or_all_runs()
    if live and len(runs) == 1:
        return runs[0]
    names = ", ".join(safe_text(folder.name, 60) for folder in runs[-5:])
    raise BadInput(f"{'Several runs are' if live else 'No run is'} being trained here: name one of {names}.")


def checkpoint_argument(folder: Path, sidecar: Sidecar) -> str:
    """Return a checkpoint's name on the command line: `RUN:EPOCH`, or its path in mid-epoch."""
    if sidecar.checkpoint == epoch_checkpoint(sidecar.epoch):
        return f"{run_argument(folder)}:{sidecar.epoch}"
    return safe_text(str(_shortest(folder) / sidecar.checkpoint), 300)


def run_argument(folder: Path) -> str:
    """Return a run's name on the command line: its name in `runs/`, or its folder."""
    shortest = _shortest(folder)
    return safe_text(shortest.name if shortest.parent == RUNS_FOLDER else str(shortest), 200)


def _shortest(folder: Path) -> Path:
    """The folder as it can be typed here."""
    try:
        return folder.relative_to(Path.cwd())
    except (ValueError, OSError):
        return folder
