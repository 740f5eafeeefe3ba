"""The terminal that a command runs on, where it is one: its width, and a person who answers."""

import math
import shutil
import sys

from cifar_tui.errors import BadInput


def terminal_columns() -> float:
    """Return the columns of the terminal; infinite for what is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else math.inf


def confirmed(question: str, otherwise: str) -> bool:
    """Ask a person. Returns True if they agree. Raises BadInput, with what to do `otherwise`, where nobody is there."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise BadInput(otherwise)
    try:
        return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        print()
        return False
