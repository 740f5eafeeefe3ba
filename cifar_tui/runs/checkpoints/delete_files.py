"""Deletes weights with a mark beside them: a crash leaves them intact, or marked as half deleted.

The mark is renamed first: from then on the weights count as deleted, and the renamed mark names those that are being
deleted. It goes last.
"""

import contextlib
from collections.abc import Sequence
from pathlib import Path

from cifar_tui.failpoints import hit
from cifar_tui.files.atomic_write import sync_folder

DELETING_PREFIX = ".deleting-"
"""Prefix of the mark of weights that are being deleted."""


def delete_marked(mark: Path, files: Sequence[Path]) -> None:
    """Delete files that are intact while there is a mark. Deleting again is harmless. Raises OSError."""
    doomed = mark.with_name(DELETING_PREFIX + mark.name)
    with contextlib.suppress(FileNotFoundError):
        mark.replace(doomed)
        hit("renamed", doomed.name)
        sync_folder(mark.parent)
    for path in files:
        path.unlink(missing_ok=True)
        hit("unlinked", path.name)
    sync_folder(mark.parent)
    doomed.unlink(missing_ok=True)
    hit("unlinked", doomed.name)
