"""Renames runs that have ended: a run's folder has its name."""

import os
import time
from pathlib import Path

from cifar_tui.errors import BadInput, FolderInUse, cannot_write
from cifar_tui.files.atomic_write import sync_folder
from cifar_tui.runs.folder import RunFolder, read_recipe, run_name
from cifar_tui.text import safe_text


def rename_run(folder: Path, name: str) -> Path:
    """Give a run that has ended another name, and return its folder. Raises FolderInUse while it lives, BadInput.

    What names it elsewhere stays as it is: it is still found by the name it started with.
    """
    folder = folder.absolute()
    new = folder.with_name(run_name(read_recipe(folder), name.strip(), time.localtime()))
    if new == folder:
        return folder
    try:
        run = RunFolder.reopen(folder)
    except FolderInUse as error:
        shown = safe_text(folder.name, 60)
        raise FolderInUse(f"{shown} is being trained or evaluated: stop it first, then rename it.") from error
    try:
        if os.path.lexists(new):
            raise BadInput(f"There is already a run or a file called {new.name}: choose another name.")
        folder.rename(new)
        sync_folder(new.parent)
    except OSError as error:
        raise cannot_write(folder.parent, error) from error
    finally:
        run.close()
    return new
