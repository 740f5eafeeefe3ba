"""The program's name as a person has to type it here, for every hint that names a command."""

import os
import shlex
import shutil
import sys
from pathlib import Path

PROGRAM = "cifar-tui"
SAFE_PATH = "-P"
"""Python's option to import nothing from the folder that it is started in: a run's may have come from elsewhere."""


def command_line(arguments: str = "") -> str:
    """Return a command that works in this shell: `cifar-tui attach one`, or by its path where it is not on the PATH."""
    return f"{_program()} {arguments}".rstrip()


def _program() -> str:
    """Return the program's name, its path as it was called, or that of the Python that has it."""
    called = Path(sys.argv[0])
    if called.name == PROGRAM and called.exists():
        script, typed = called, sys.argv[0] if os.sep in sys.argv[0] else str(called.absolute())
    else:  # called as `python -m cifar_tui`, as a detached run is
        script = Path(sys.executable).with_name(PROGRAM)
        typed = from_here(script)
    if not script.exists():
        return f"{shlex.quote(from_here(Path(sys.executable)))} -m cifar_tui"
    on_path = shutil.which(PROGRAM)
    if on_path is not None and Path(on_path).samefile(script):
        return PROGRAM
    return shlex.quote(typed)


def from_here(path: Path) -> str:
    """Return a path relative to the current folder, where it lies below it."""
    try:
        return str(path.relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)
