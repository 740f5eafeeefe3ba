"""Tidies what crashes leave behind: half-written and half-deleted files, dead sockets. Nothing else, of no live run."""

import contextlib
import socket
import time
from collections.abc import Iterable
from pathlib import Path

from cifar_tui.errors import CifarTuiError
from cifar_tui.files.atomic_write import TEMPORARY_PREFIX
from cifar_tui.files.run_files import ADDRESS_NAME
from cifar_tui.runs.checkpoints.interrupted_deletes import interrupted_deletes
from cifar_tui.runs.delete_run import finish_run_deletes
from cifar_tui.runs.folder import RunFolder
from cifar_tui.runs.remote.socket_path import SOCKET_PATTERN, check_private, discard_address, socket_folders

YOUNG_SECONDS = 60.0
"""Seconds that a socket without an answer is left alone: its run may be just starting."""


def collect_garbage(runs: Iterable[Path], place: Path | None = None) -> list[Path]:
    """Remove them, each run's while its lock is held, and half-deleted runs in a folder of runs.

    Returns what was removed.
    """
    removed = finish_run_deletes(place) if place is not None else []
    for run in runs:
        with contextlib.suppress(CifarTuiError, OSError):
            removed += _of_run(run)
    for folder in socket_folders():
        with contextlib.suppress(OSError):
            removed += _dead_sockets(folder)
    return removed


def _of_run(run: Path) -> list[Path]:
    """Raises FolderInUse for a run that lives, which tidies after itself."""
    left = [*run.glob(f"{TEMPORARY_PREFIX}*"), *run.glob(ADDRESS_NAME)]
    for one in interrupted_deletes(run):
        left += [path for path in (one.weights, one.doomed) if path.exists()]
    if not left:
        return []
    folder = RunFolder.reopen(run)  # which removes half-written files, and finishes deletions
    try:
        discard_address(run)
    finally:
        folder.close()
    return [path for path in left if not path.exists()]


def _dead_sockets(folder: Path) -> list[Path]:
    """Sockets of ours that nobody listens on, of runs that are gone. Raises OSError."""
    check_private(folder)
    dead = []
    for path in folder.iterdir():
        if SOCKET_PATTERN.fullmatch(path.name) and path.is_socket() and not _answered(path):
            if time.time() - path.lstat().st_mtime < YOUNG_SECONDS:
                continue
            path.unlink()
            dead.append(path)
    return dead


def _answered(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(1.0)
        try:
            connection.connect(str(path))
        except ConnectionRefusedError:
            return False
        except OSError:
            return True  # it is not known, and so it stays
    return True
