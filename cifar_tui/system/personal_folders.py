"""Folders for a person's choices and caches; without a home, ones that nothing can be in."""

import os
from collections.abc import Callable
from pathlib import Path

import platformdirs

PROGRAM = "cifar-tui"


def config_folder() -> Path:
    """Return the folder for themes and choices."""
    return _of_a_person(platformdirs.user_config_dir)


def cache_folder() -> Path:
    """Return the folder for what can be made again."""
    return _of_a_person(platformdirs.user_cache_dir)


def _of_a_person(find: Callable[[str], str]) -> Path:
    try:
        return Path(find(PROGRAM))
    except RuntimeError:  # neither HOME nor an entry in passwd, as in many a container
        return Path(os.devnull) / PROGRAM
