"""The checkpoints that a person wants to keep: a small JSON file in the run's folder."""

from pathlib import Path

import orjson

from cifar_tui.files.atomic_write import write_atomically
from cifar_tui.files.run_files import CHECKPOINT_PATTERN, PINS_NAME
from cifar_tui.files.safe_open import open_regular

SIZE_LIMIT = 1024 * 1024
"""Bytes; 20,000 names need 0.6 MB."""


def read_pins(folder: Path) -> frozenset[str]:
    """The names of the pinned checkpoints. Raises ValueError for a file that is broken, OSError."""
    try:
        with open_regular(folder / PINS_NAME, SIZE_LIMIT) as file:
            record = orjson.loads(file.read(SIZE_LIMIT))
    except FileNotFoundError:
        return frozenset()
    names = record.get("pinned") if isinstance(record, dict) else None
    if not isinstance(names, list) or not all(_is_name(name) for name in names):
        raise ValueError("not a list of checkpoints")
    return frozenset(names)


def pins_or_none(folder: Path) -> frozenset[str] | None:
    """The names of the pinned checkpoints; None where they cannot be read."""
    try:
        return read_pins(folder)
    except (OSError, ValueError):
        return None


def write_pin(folder: Path, checkpoint: str, *, pinned: bool) -> None:
    """Pin a checkpoint, or take its pin away. Raises OSError; ValueError for a broken file, which stays as it is."""
    if not _is_name(checkpoint):
        raise ValueError("not a checkpoint's name")
    names = read_pins(folder) | {checkpoint} if pinned else read_pins(folder) - {checkpoint}
    content = orjson.dumps({"pinned": sorted(names)}, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    write_atomically(folder / PINS_NAME, lambda file: file.write(content))


def _is_name(name: object) -> bool:
    return isinstance(name, str) and CHECKPOINT_PATTERN.fullmatch(name) is not None
