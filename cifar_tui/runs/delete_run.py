"""Deletes runs that have ended. A crash leaves one as it was, or renamed, to be deleted to the end later.

The folder is renamed first: from then on there is no such run. Its lock, which is held all the time, goes last.
"""

import contextlib
import os
import re
import shutil
from pathlib import Path

from cifar_tui.errors import BadInput, FolderInUse
from cifar_tui.failpoints import hit
from cifar_tui.files.atomic_write import sync_folder
from cifar_tui.files.run_files import (
    IMAGES_STEM,
    IMAGES_SUFFIX,
    LOCK_NAME,
    RECIPE_NAME,
    STEM,
    TENSORBOARD_NAME,
    journal_path,
    recipe_path,
)
from cifar_tui.runs.checkpoints.delete_files import DELETING_PREFIX
from cifar_tui.runs.lock import is_being_trained, take_lock
from cifar_tui.system.invocation import command_line
from cifar_tui.text import safe_text

OUR_FILES = re.compile(
    r"(recipe|control|pinned)\.json|journal\.jsonl|run\.lock|start\.pth|model\.py"
    r"|(log|acc|best_acc|output|failure|note|tags)\.txt"
    rf"|{TENSORBOARD_NAME}|{STEM}\.(pth|json|verdict\.json)|state_\d{{7,}}\.(pt|json)|\.(writing|deleting)-.*"
    rf"|{IMAGES_STEM}[0-9a-f]{{8}}{re.escape(IMAGES_SUFFIX)}"
)
"""Names that a run gives to its files."""
NAME_KEPT = 100
"""Characters of a run's name in that of its renamed folder."""


def delete_run(folder: Path) -> None:
    """Delete a run with everything in its folder. Raises FolderInUse while it lives, BadInput."""
    folder = folder.absolute()
    name = safe_text(folder.name, 60)
    if folder.is_symlink():
        raise BadInput(f"{name} is a link to a folder elsewhere: delete the link or the folder by hand.")
    if not recipe_path(folder).is_file():
        raise BadInput(f"{name} no longer exists.")
    if not _is_run(folder):
        raise BadInput(f"{name} has a {RECIPE_NAME}, but nothing else of a run: delete it by hand.")
    doomed = folder.with_name(f"{DELETING_PREFIX}{folder.name[:NAME_KEPT]}-{os.urandom(4).hex()}")
    try:
        lock = take_lock(folder)
    except FolderInUse as error:
        raise FolderInUse(f"{name} is being trained or evaluated: stop it first, then delete it.") from error
    except OSError as error:
        raise BadInput(f"{name} cannot be deleted: {error.strerror or error}.") from error
    try:
        folder.rename(doomed)
        hit("renamed", doomed.name)
        sync_folder(folder.parent)
        _delete_content(doomed)
    except OSError as error:
        rest = f" To delete the rest: {command_line('runs --gc')}" if doomed.exists() else ""
        raise BadInput(f"{name} cannot be deleted: {error.strerror or error}.{rest}") from error
    finally:
        os.close(lock)


def _is_run(folder: Path) -> bool:
    """Return True where a recipe is not all that a folder has of a run: other programs have recipes, too."""
    return (folder / LOCK_NAME).is_file() or journal_path(folder).is_file()


def other_files(folder: Path) -> list[str]:
    """Return the names of what a run does not write itself, and would go with its folder."""
    try:
        return sorted(path.name for path in folder.iterdir() if not OUR_FILES.fullmatch(path.name))
    except OSError:
        return []


def finish_run_deletes(place: Path) -> list[Path]:
    """Finish deleting runs in a folder of runs, where a crash has interrupted it. Returns the folders that are gone.

    A folder that only has such a name stays: a deleted run's has its lock until the end.
    """
    gone = []
    with contextlib.suppress(OSError):
        for doomed in sorted(place.glob(f"{DELETING_PREFIX}*")):
            with contextlib.suppress(OSError, FolderInUse):
                if _finish(doomed):
                    gone.append(doomed)
    return gone


def _finish(doomed: Path) -> bool:
    """Raises OSError; FolderInUse while somebody is deleting it."""
    if doomed.is_symlink() or not doomed.is_dir():
        return False
    if not (doomed / LOCK_NAME).is_file():
        if any(doomed.iterdir()):
            return False
        doomed.rmdir()
        return True
    if is_being_trained(doomed):
        return False
    lock = take_lock(doomed)
    try:
        _delete_content(doomed)
    finally:
        os.close(lock)
    return True


def _delete_content(doomed: Path) -> None:
    for path in sorted(doomed.iterdir()):
        if path.name == LOCK_NAME:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
        hit("unlinked", path.name)
    (doomed / LOCK_NAME).unlink(missing_ok=True)
    doomed.rmdir()
    sync_folder(doomed.parent)
