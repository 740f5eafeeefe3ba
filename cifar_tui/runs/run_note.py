"""The note that a person has put on a run: one line, kept in the run's folder whether it lives or has ended."""

from pathlib import Path

from cifar_tui.errors import cannot_write
from cifar_tui.files.atomic_write import write_atomically
from cifar_tui.files.run_files import NOTE_NAME
from cifar_tui.files.safe_open import open_regular

MOST_CHARACTERS = 500
"""Of a note; more is cut."""
MOST_BYTES = 8_192
"""A larger file is no note of ours."""


def read_note(folder: Path) -> str:
    """Return a run's note on one line; empty without one."""
    try:
        with open_regular(folder / NOTE_NAME, MOST_BYTES) as file:
            return _one_line(file.read().decode("utf-8", "replace"))
    except (OSError, ValueError):
        return ""


def write_note(folder: Path, note: str) -> None:
    """Put a note on a run, or take it away with an empty one. Raises BadInput."""
    line = _one_line(note)
    try:
        if line:
            write_atomically(folder / NOTE_NAME, lambda file: file.write(f"{line}\n".encode()))
        else:
            (folder / NOTE_NAME).unlink(missing_ok=True)
    except OSError as error:
        raise cannot_write(folder, error) from error


def _one_line(note: str) -> str:
    return " ".join(note.split())[:MOST_CHARACTERS]
