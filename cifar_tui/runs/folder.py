"""The folder of a run: its name, its layout, and the lock that keeps a second trainer out."""

import contextlib
import os
import re
import shutil
import time
from pathlib import Path
from typing import Self

import orjson

from cifar_tui.errors import BadInput, cannot_write
from cifar_tui.files.atomic_write import TEMPORARY_PREFIX, sync_folder, write_atomically
from cifar_tui.files.owner import refusal
from cifar_tui.files.run_files import (
    ACCURACIES_NAME,
    ADDRESS_NAME,
    JOURNAL_NAME,
    LOCK_NAME,
    LOG_NAME,
    MODEL_NAME,
    OUTPUT_NAME,
    RANK_STEM,
    RECIPE_NAME,
    START_NAME,
    TAGS_NAME,
    TENSORBOARD_NAME,
    recipe_path,
)
from cifar_tui.recipe import Recipe
from cifar_tui.runs.lock import has_locks, take_lock
from cifar_tui.serialization import from_record, to_record, with_unknown
from cifar_tui.text import safe_text

NAME_PATTERN = re.compile(r"[\w][\w.+-]{0,99}", re.ASCII)
"""Names that a run may have: they become a folder's."""


def run_name(recipe: Recipe, chosen: str | None, now: time.struct_time) -> str:
    """Return the run's name: the chosen one, else preset and time, with `-synthetic` for synthetic images.

    Raises BadInput for a name that cannot be a folder's.
    """
    if chosen is not None and not NAME_PATTERN.fullmatch(chosen):
        raise BadInput(
            f"'{safe_text(chosen)}' cannot be a run's name: use up to 100 letters, digits, dots, dashes and "
            "underscores, not starting with a dot or a dash."
        )
    if chosen is not None:
        return chosen
    return f"{recipe.preset}-{time.strftime('%Y%m%d-%H%M%S', now)}{'-synthetic' if recipe.synthetic else ''}"


class RunFolder:
    """A run's folder, locked for as long as this object is open."""

    def __init__(self, path: Path, name: str, lock: int) -> None:
        """Wrap a folder whose lock is already held; see `create`."""
        self.path = path
        self.name = name
        self._lock = lock

    @classmethod
    def create(cls, path: Path, name: str, recipe: Recipe) -> Self:
        """Make the folder, take its lock and write the recipe down. What fails leaves nothing behind.

        Raises FolderInUse when another trainer holds it, BadInput when it is not empty or cannot be written.
        """
        path = path.absolute()
        locked_before = (path / LOCK_NAME).exists()
        try:
            path.mkdir(parents=True, exist_ok=True)
            run = cls(path, name, take_lock(path))
        except OSError as error:
            if not locked_before:
                _remove(path, LOCK_NAME)
            raise cannot_write(path, error) from error
        try:
            _collect_leftovers(path)
            taken = sorted(entry.name for entry in path.iterdir() if entry.name != LOCK_NAME)
            if not taken:
                _write_recipe(path, recipe)
                return run
        except OSError as error:
            run.discard()
            run.close()
            raise cannot_write(path, error) from error
        if not locked_before:
            _remove(path, LOCK_NAME)
        run.close()
        raise BadInput(
            f"The folder {path} is not empty: it contains {safe_text(taken[0], 60)}. "
            "Choose another with --outf or --run-name."
        )

    @classmethod
    def reopen(cls, path: Path) -> Self:
        """Take the lock of a run that has ended, to resume it.

        Raises FolderInUse when another trainer holds it, BadInput when there is no run or it cannot be written.
        """
        path = path.absolute()
        if not (recipe_path(path)).is_file():
            raise BadInput(f"There is no run in {safe_text(str(path), 200)}: it has no {RECIPE_NAME}.")
        try:
            lock = take_lock(path)
        except OSError as error:
            raise BadInput(
                f"Cannot write to {safe_text(str(path), 200)}: {refusal(path, error)}. "
                "To go on from its weights in a run of your own, use train --from with it."
            ) from error
        with contextlib.suppress(OSError):
            _collect_leftovers(path)
        return cls(path, path.name, lock)

    def recipe(self) -> Recipe:
        """The recipe as it was last written down. Raises BadInput when it cannot be read."""
        return read_recipe(self.path)

    def write_recipe(self, recipe: Recipe) -> None:
        """Write a changed recipe down. Raises OSError, with the old one untouched."""
        _write_recipe(self.path, recipe)

    def shortcomings(self) -> list[str]:
        """Return sentences on what this folder's disk cannot do, and so cannot be promised."""
        found = []
        if not has_locks(self._lock):
            found.append("This disk has no locks: nothing stops a second process that trains this run, so start none.")
        with contextlib.suppress(OSError):  # a disk that fails is told where it is written to
            if not sync_folder(self.path):
                found.append("This disk cannot flush: a power failure may cost checkpoints that were saved last.")
        return found

    def close(self) -> None:
        """Give the lock back."""
        if self._lock >= 0:
            with contextlib.suppress(OSError):
                os.ftruncate(self._lock, 0)
            os.close(self._lock)
            self._lock = -1

    def discard(self) -> None:
        """Remove what `create` and the records made, for a run that trained nothing. Other files stay."""
        shutil.rmtree(self.path / TENSORBOARD_NAME, ignore_errors=True)
        of_ranks = [path.name for path in self.path.glob(f"{RANK_STEM}*.txt")]
        _remove(
            self.path,
            *of_ranks,
            START_NAME,
            MODEL_NAME,
            JOURNAL_NAME,
            ADDRESS_NAME,
            LOG_NAME,
            ACCURACIES_NAME,
            OUTPUT_NAME,
            TAGS_NAME,
            RECIPE_NAME,  # while it is there, what a crash left is that of a run
            LOCK_NAME,
        )


def read_recipe(folder: Path) -> Recipe:
    """The recipe of the run in a folder. Raises BadInput when there is none, or it cannot be read."""
    file = recipe_path(folder)
    shown = safe_text(str(file), 200)
    try:
        return from_record(Recipe, orjson.loads(file.read_bytes())).check()
    except FileNotFoundError:
        raise BadInput(f"This is not the folder of a run: there is no {shown}.") from None
    except OSError as error:
        raise BadInput(f"The recipe in {shown} cannot be read: {refusal(file, error)}.") from None
    except ValueError as error:
        raise BadInput(f"The recipe in {shown} cannot be read: {safe_text(str(error))}.") from None


def _remove(folder: Path, *names: str) -> None:
    """Remove files, and the folder once it is empty."""
    with contextlib.suppress(OSError):  # it holds something else, or the disk refuses this, too
        for name in names:
            (folder / name).unlink(missing_ok=True)
        folder.rmdir()


def _collect_leftovers(folder: Path) -> None:
    """Remove what a killed trainer was writing or deleting; the lock is held, so nobody is. Raises OSError."""
    from cifar_tui.runs.checkpoints.interrupted_deletes import finish_deletes

    for path in folder.glob(f"{TEMPORARY_PREFIX}*"):
        path.unlink(missing_ok=True)
    finish_deletes(folder)


def _write_recipe(folder: Path, recipe: Recipe) -> None:
    path, before = recipe_path(folder), None
    with contextlib.suppress(OSError, ValueError):  # there is none yet, or it is broken
        before = orjson.loads(path.read_bytes())
    record = with_unknown(Recipe, to_record(recipe), before)
    content = orjson.dumps(record, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    write_atomically(path, lambda file: file.write(content))
