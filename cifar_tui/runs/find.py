"""Finding runs by name, by folder, or because only one is live."""

import contextlib
import difflib
from collections.abc import Iterator, Sequence
from pathlib import Path

import orjson

from cifar_tui.errors import BadInput
from cifar_tui.event_records import event_from_record
from cifar_tui.events import RunStarted
from cifar_tui.files.home_path import in_home
from cifar_tui.files.run_files import RECIPE_NAME, journal_path, recipe_path
from cifar_tui.runs.checkpoints.delete_files import DELETING_PREFIX
from cifar_tui.runs.checkpoints.sidecars import (
    Sidecar,
    epoch_checkpoint,
)
from cifar_tui.runs.lock import is_being_trained
from cifar_tui.system.invocation import command_line, from_here
from cifar_tui.text import safe_text

RUNS_FOLDER = Path("runs")
"""The folder of runs unless a person names another."""
FIRST_LINE_BYTES = 65_536
"""A journal's first line is never as long."""
MOST_NAMED = 8
"""Runs that an error names; the others are counted."""


def find_run(run: str) -> Path:
    """The folder of a run that a person names: by its folder, or by its name in `runs/`. Raises BadInput."""
    for path in (in_home(run), RUNS_FOLDER / run):
        with contextlib.suppress(OSError, ValueError):  # a name no file can have, a folder that may not be read
            if (recipe_path(path)).is_file():
                return path
    with contextlib.suppress(OSError, ValueError):
        for path in started_as(Path(run).name, in_home(run).parent if Path(run).name != run else RUNS_FOLDER):
            return path  # it was renamed since
    newest_first = [folder.name for folder in reversed(all_runs())]
    alike = difflib.get_close_matches(run, newest_first, MOST_NAMED)
    raise BadInput(
        f"There is no run '{safe_text(run, 100)}', neither as a folder nor in {_runs_folder()}. "
        + _candidates(list(dict.fromkeys([*alike, *newest_first])))
    )


def _candidates(names: Sequence[str]) -> str:
    """Return a sentence with the runs there are: all of them, or the first and the number of the others."""
    if not names:
        return "There are no runs there."
    others = len(names) - MOST_NAMED
    return f"Runs there: {', '.join(safe_text(name, 60) for name in names[:MOST_NAMED])}" + (
        f", and {others} more: {command_line('runs')} lists them." if others > 0 else "."
    )


def _runs_folder() -> str:
    return safe_text(str(RUNS_FOLDER.absolute()), 300)


def all_runs(place: Path = RUNS_FOLDER) -> list[Path]:
    """The folders of the runs in a folder, the one that was written to last at the end."""
    return sorted(_folders(place), key=lambda folder: folder.stat().st_mtime)


def _folders(place: Path) -> Iterator[Path]:
    """Yield the folders of runs in a folder; one that is being deleted is none any more."""
    if place.is_dir():
        for recipe in place.glob(f"*/{RECIPE_NAME}"):
            if not recipe.parent.name.startswith(DELETING_PREFIX) and not is_second_name(recipe.parent):
                yield recipe.parent


def is_second_name(folder: Path) -> bool:
    """Return True for a link to a run beside it, as `latest`: it finds that run, and is no run of its own."""
    if not folder.is_symlink():
        return False
    try:
        return folder.resolve().parent == folder.parent.resolve()
    except (OSError, RuntimeError):  # RuntimeError: links that go round
        return False


def start_of(folder: Path) -> RunStarted | None:
    """Return how a run started, by its journal; None where that is not known."""
    with contextlib.suppress(OSError, ValueError), journal_path(folder).open("rb") as journal:
        record = orjson.loads(journal.readline(FIRST_LINE_BYTES))
        event = event_from_record(record) if isinstance(record, dict) else None
        return event if isinstance(event, RunStarted) else None
    return None


def name_at_start(folder: Path) -> str:
    """Return the name that a run started with, by its journal; empty where that is not known."""
    start = start_of(folder)
    return start.run if start is not None else ""


def started_as(name: str, place: Path = RUNS_FOLDER) -> Iterator[Path]:
    """Yield the folders in a folder of runs that started with a name, which they may not have any more."""
    for path in _folders(place):
        if name_at_start(path) == name:
            yield path


def live_or_all_runs() -> tuple[list[Path], bool]:
    """Return the runs in `runs/` that are being trained, with True, or else all that there are. Raises BadInput."""
    runs = all_runs()
    if not runs:
        raise BadInput(f"There are no runs in {_runs_folder()}. Type the run's folder, or change to where it is.")
    live = [folder for folder in runs if is_being_trained(folder)]
    return live or runs, bool(live)


def only_live_run() -> Path:
    """The one run in `runs/` that is being trained. Raises BadInput, with what there is to choose from."""
    runs, live = live_or_all_runs()
    if live and len(runs) == 1:
        return runs[0]
    which = f"{len(runs)} runs are being trained: name the one you mean." if live else "No run is being trained."
    raise BadInput(f"{which} {_candidates([folder.name for folder in reversed(runs)])}")


def checkpoint_argument(folder: Path, sidecar: Sidecar) -> str:
    """Return a checkpoint's name on the command line: `RUN:EPOCH`, or its path in mid-epoch."""
    if sidecar.checkpoint == epoch_checkpoint(sidecar.epoch):
        return f"{run_argument(folder)}:{sidecar.epoch}"
    return safe_text(from_here(folder / sidecar.checkpoint), 300)


def run_argument(folder: Path) -> str:
    """Return a run's name on the command line: its name in `runs/`, or its folder."""
    shortest = Path(from_here(folder))
    return safe_text(shortest.name if shortest.parent == RUNS_FOLDER else str(shortest), 200)
