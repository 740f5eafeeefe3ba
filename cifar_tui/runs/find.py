"""Finding runs by name, by folder, or because only one is live."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from cifar_tui.errors import BadInput
from cifar_tui.events import RunStarted
from cifar_tui.files.run_files import RECIPE_NAME, journal_path, recipe_path
from cifar_tui.runs.checkpoints.delete_files import DELETING_PREFIX
from cifar_tui.runs.checkpoints.sidecars import (
    Sidecar,
    epoch_checkpoint,
)
from cifar_tui.runs.lock import is_being_trained
from cifar_tui.runs.records.journal import from_line
from cifar_tui.text import safe_text

RUNS_FOLDER = Path("runs")
"""The folder of runs unless a person names another."""
FIRST_LINE_BYTES = 65_536
"""A journal's first line is never as long."""


def find_run(run: str) -> Path:
    """The folder of a run that a person names: by its folder, or by its name in `runs/`. Raises BadInput."""
    for path in (Path(run), RUNS_FOLDER / run):
        with contextlib.suppress(OSError, ValueError):  # a name no file can have, a folder that may not be read
            if (recipe_path(path)).is_file():
                return path
    for path in _folders(RUNS_FOLDER):
        if _name_at_start(path) == run:
            return path  # it was renamed since
    there = sorted(path.name for path in _folders(RUNS_FOLDER))
    known = (
        f"Runs here: {', '.join(safe_text(name, 60) for name in there[-5:])}." if there else "There are no runs here."
    )
    raise BadInput(f"There is no run '{safe_text(run, 100)}', as a folder or in {RUNS_FOLDER}/. {known}")


def all_runs(place: Path = RUNS_FOLDER) -> list[Path]:
    """The folders of the runs in a folder, the one that was written to last at the end."""
    return sorted(_folders(place), key=lambda folder: folder.stat().st_mtime)


def _folders(place: Path) -> Iterator[Path]:
    """Yield the folders of runs in a folder; one that is being deleted is none any more."""
    if place.is_dir():
        for recipe in place.glob(f"*/{RECIPE_NAME}"):
            if not recipe.parent.name.startswith(DELETING_PREFIX):
                yield recipe.parent


def _name_at_start(folder: Path) -> str:
    """Return the name that a run started with, by its journal; empty where that is not known."""
    with contextlib.suppress(OSError, ValueError), journal_path(folder).open("rb") as journal:
        event = from_line(journal.readline(FIRST_LINE_BYTES))[1]
        return event.run if isinstance(event, RunStarted) else ""
    return ""


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
