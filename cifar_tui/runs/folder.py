"""The folder of a run: its name, its layout, and the lock that keeps a second trainer out."""

import contextlib
import fcntl
import os
import re
import time
from pathlib import Path
from typing import Self

import orjson

from cifar_tui.errors import BadInput, FolderInUse, cannot_write
from cifar_tui.output import OUTPUT_NAME
from cifar_tui.recipe import Recipe
from cifar_tui.runs.durable import TEMPORARY_PREFIX, write_durably
from cifar_tui.runs.holder import MARK_LIMIT, living_holder, own_mark
from cifar_tui.runs.unfinished import finish_deletions
from cifar_tui.text import safe_text

RUNS_FOLDER = Path("runs")
"""Where runs go unless a person says otherwise."""
LOCK_NAME = "run.lock"
RECIPE_NAME = "recipe.json"
START_NAME = "start.pth"
"""A copy of the weights that a run started with, where they were another run's."""
FAILURE_NAME = "failure.txt"
LOCK_WAITS = (0.01, 0.04)
"""Seconds between tries to lock a folder, whoever holds it."""
NAMELESS_SECONDS = 5.0
"""How long a lock is tried again that nobody says to hold: on a busy machine, saying so takes a while."""
NAME_PATTERN = re.compile(r"[\w][\w.+-]{0,99}", re.ASCII)
"""What a run may be called: it becomes a folder's name."""


def run_name(recipe: Recipe, chosen: str | None, now: time.struct_time) -> str:
    """The run's name: the chosen one, else preset and time. A run on synthetic pictures always says so.

    Raises BadInput for a name that cannot be a folder's.
    """
    if chosen is not None and not NAME_PATTERN.fullmatch(chosen):
        raise BadInput(
            f"'{safe_text(chosen)}' cannot be a run's name: use up to 100 letters, digits, dots, dashes and "
            "underscores, not starting with a dot or a dash."
        )
    name = chosen or f"{recipe.preset}-{time.strftime('%Y%m%d-%H%M%S', now)}"
    return f"{name}-synthetic" if recipe.synthetic and "synthetic" not in name else name


class RunFolder:
    """A run's folder, locked for as long as this object is open."""

    def __init__(self, path: Path, name: str, lock: int) -> None:
        """Wrap a folder whose lock is already held; see `create`."""
        self.path = path
        self.name = name
        self._lock = lock

    @classmethod
    def create(cls, path: Path, name: str, recipe: Recipe) -> Self:
        """Make the folder, take its lock and write the recipe down.

        Raises FolderInUse when another trainer holds it, BadInput when it is not empty or cannot be written.
        """
        path = path.absolute()
        try:
            path.mkdir(parents=True, exist_ok=True)
            lock = _take_lock(path)
        except OSError as error:
            raise cannot_write(path, error) from error
        try:
            _collect_leftovers(path)
            taken = sorted(entry.name for entry in path.iterdir() if entry.name != LOCK_NAME)
            if taken:
                raise BadInput(
                    f"The folder {path} is not empty (it holds {safe_text(taken[0], 60)}): nothing in it was touched. "
                    "Choose another with --outf or --run-name."
                )
            _write_recipe(path, recipe)
        except OSError as error:
            os.close(lock)
            raise cannot_write(path, error) from error
        except BadInput:
            os.close(lock)
            raise
        return cls(path, name, lock)

    @classmethod
    def reopen(cls, path: Path) -> Self:
        """Take the lock of a run that has ended, to go on with it.

        Raises FolderInUse when another trainer holds it, BadInput when there is no run or it cannot be written.
        """
        path = path.absolute()
        if not (path / RECIPE_NAME).is_file():
            raise BadInput(f"There is no run in {safe_text(str(path), 200)}: it has no {RECIPE_NAME}.")
        try:
            lock = _take_lock(path)
        except OSError as error:
            raise cannot_write(path, error) from error
        with contextlib.suppress(OSError):
            _collect_leftovers(path)
        return cls(path, path.name, lock)

    def recipe(self) -> Recipe:
        """The recipe as it was last written down. Raises BadInput when it cannot be read."""
        return read_recipe(self.path)

    def write_recipe(self, recipe: Recipe) -> None:
        """Write a changed recipe down. Raises OSError, with the old one untouched."""
        _write_recipe(self.path, recipe)

    def close(self) -> None:
        """Give the lock back."""
        if self._lock >= 0:
            with contextlib.suppress(OSError):
                os.ftruncate(self._lock, 0)
            os.close(self._lock)
            self._lock = -1

    def discard(self) -> None:
        """Remove what `create` and the records made, for a run that trained nothing. Other files stay."""
        for name in (RECIPE_NAME, START_NAME, "journal.jsonl", "log.txt", "acc.txt", OUTPUT_NAME, LOCK_NAME):
            (self.path / name).unlink(missing_ok=True)
        if not any(self.path.iterdir()):
            self.path.rmdir()


def read_recipe(folder: Path) -> Recipe:
    """The recipe of the run in a folder. Raises BadInput when there is none, or it cannot be read."""
    file = folder / RECIPE_NAME
    shown = safe_text(str(file), 200)
    try:
        return Recipe.from_record(orjson.loads(file.read_bytes())).check()
    except FileNotFoundError:
        raise BadInput(f"There is no {shown}: this is not the folder of a run.") from None
    except (OSError, ValueError, AttributeError) as error:
        raise BadInput(f"The recipe in {shown} cannot be read: {safe_text(str(error))}.") from None


def find_run(run: str) -> Path:
    """The folder of a run that a person names: by its folder, or by its name in `runs/`. Raises BadInput."""
    for path in (Path(run), RUNS_FOLDER / run):
        with contextlib.suppress(OSError, ValueError):  # a name no file can have, a folder that may not be read
            if (path / RECIPE_NAME).is_file():
                return path
    there = sorted(path.parent.name for path in RUNS_FOLDER.glob(f"*/{RECIPE_NAME}")) if RUNS_FOLDER.is_dir() else []
    known = (
        f"Runs here: {', '.join(safe_text(name, 60) for name in there[-5:])}." if there else "There are no runs here."
    )
    raise BadInput(f"There is no run '{safe_text(run, 100)}', as a folder or in {RUNS_FOLDER}/. {known}")


def _collect_leftovers(folder: Path) -> None:
    """Remove what a killed trainer was writing or deleting; the lock is held, so nobody is. Raises OSError."""
    for path in folder.glob(f"{TEMPORARY_PREFIX}*"):
        path.unlink(missing_ok=True)
    finish_deletions(folder)


def _write_recipe(folder: Path, recipe: Recipe) -> None:
    record = orjson.dumps(recipe.to_record(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    write_durably(folder / RECIPE_NAME, lambda file: file.write(record))


def being_trained(folder: Path) -> bool:
    """Whether some process holds the run in a folder: it trains, or evaluates."""
    try:
        lock = os.open(folder / LOCK_NAME, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return False
    except OSError:
        return True  # somebody else's: it cannot be known, and its journal may go on
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(lock)
    return False


def all_runs(place: Path = RUNS_FOLDER) -> list[Path]:
    """The folders of the runs in a folder, the one that was written to last at the end."""
    if not place.is_dir():
        return []
    folders = [path.parent for path in place.glob(f"*/{RECIPE_NAME}")]
    return sorted(folders, key=lambda folder: folder.stat().st_mtime)


def nothing_to_choose() -> BadInput:
    """The sentence for a place without runs."""
    return BadInput(f"There are no runs in {RUNS_FOLDER}/ here: name a run's folder.")


def only_live_run() -> Path:
    """The one run in `runs/` that is being trained. Raises BadInput, with what there is to choose from."""
    runs = all_runs()
    live = [folder for folder in runs if being_trained(folder)]
    if len(live) == 1:
        return live[0]
    if not runs:
        raise nothing_to_choose()
    names = ", ".join(safe_text(folder.name, 60) for folder in (live or runs)[-5:])
    raise BadInput(f"{'Several runs are' if live else 'No run is'} being trained here: name one of {names}.")


def _lock(lock: int) -> str:
    """Lock an open file. Returns who holds it; empty when it is ours now.

    It is tried again: who only looks whether it is locked holds it for a moment without a name.
    """
    waits = list(LOCK_WAITS)
    until = time.monotonic() + NAMELESS_SECONDS
    while True:
        with contextlib.suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return ""
        holder = living_holder(os.pread(lock, MARK_LIMIT, 0))
        if not waits and (holder or time.monotonic() >= until):
            return safe_text(holder) or "another process"
        time.sleep(waits.pop(0) if waits else LOCK_WAITS[-1])


def _take_lock(folder: Path) -> int:
    """Lock the folder and say who holds it. Raises FolderInUse naming the holder."""
    path = folder / LOCK_NAME
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
    try:
        holder = _lock(lock)
        if holder:
            raise FolderInUse(
                f"The run in {folder} is being trained by {holder}. Choose another folder or wait for it."
            )
        os.ftruncate(lock, 0)
        os.write(lock, own_mark())
    except BaseException:
        os.close(lock)
        raise
    return lock
