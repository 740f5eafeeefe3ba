"""Paths that begin with `~`: a shell leaves it to the program in `--outf=~/x`."""

import contextlib
from pathlib import Path


def in_home(path: str | Path) -> Path:
    """Return the path with a home folder in place of a leading `~`, where that folder is known."""
    with contextlib.suppress(RuntimeError):  # nobody has a home here: the path is taken as it is
        return Path(path).expanduser()
    return Path(path)
