"""The lock of a run's folder: one process trains it."""

import contextlib
import fcntl
import os
import time
from pathlib import Path
from typing import Literal

from cifar_tui.errors import FolderInUse
from cifar_tui.files.lock_owner import MARK_LIMIT, describe_this_process, living_owner, process_here
from cifar_tui.files.owner import refusal, user_name
from cifar_tui.files.run_files import LOCK_NAME
from cifar_tui.text import safe_text

LOCK_WAITS = (0.01, 0.04)
"""Seconds between tries to lock a folder, whoever holds it."""
NAMELESS_SECONDS = 5.0
"""Seconds that a lock without an owner's name is tried again: on a busy machine, writing the name takes a while."""


def is_being_trained(folder: Path) -> bool:
    """Return True while some process holds the run in a folder: it trains, or evaluates."""
    try:
        lock = _open_to_look(folder)
    except FileNotFoundError:
        return False
    except OSError:
        return True  # somebody else's: it cannot be known, and its journal may still grow
    try:
        answer = _try_lock(lock, fcntl.LOCK_SH)
        return answer == "held" or (answer == "no locks" and bool(living_owner(os.pread(lock, MARK_LIMIT, 0))))
    finally:
        os.close(lock)


def why_unknown(folder: Path) -> str:
    """Return why nobody here can know if a run is being trained; empty where its lock can be read."""
    try:
        os.close(_open_to_look(folder))
    except FileNotFoundError:
        return ""
    except OSError as error:
        return f"{LOCK_NAME} cannot be read: {refusal(folder / LOCK_NAME, error)}"
    return ""


def _open_to_look(folder: Path) -> int:
    return os.open(folder / LOCK_NAME, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)


def trainer_of(folder: Path) -> str:
    """Return the process that holds a run, as `process 5 on host`; empty where that cannot be known."""
    try:
        with (folder / LOCK_NAME).open("rb") as lock:
            return safe_text(living_owner(lock.read(MARK_LIMIT)))
    except OSError:
        return ""


def other_user(folder: Path) -> str:
    """Return the name of the user whose process holds a run; empty where that is this one. Raises OSError."""
    process = Path(f"/proc/{process_here(trainer_of(folder))}")
    owned = process if process.is_dir() else folder / LOCK_NAME
    return "" if owned.stat().st_uid == os.getuid() else user_name(owned)


def has_locks(lock: int) -> bool:
    """Return True if the disk of an open file has locks, whoever holds this one."""
    return _try_lock(lock, fcntl.LOCK_EX) != "no locks"


def _try_lock(lock: int, kind: int) -> Literal["ours", "held", "no locks"]:
    """Lock an open file without waiting. Returns whether it is ours, another holds it, or its disk has no locks."""
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return "held"
    except OSError:
        return "no locks"
    return "ours"


def _lock(lock: int) -> str:
    """Lock an open file. Returns who holds it; empty when it is ours now.

    It is tried again: who only looks whether it is locked holds it for a moment without a name. On a disk without
    locks, it is whose name stands in it.
    """
    waits = list(LOCK_WAITS)
    until = time.monotonic() + NAMELESS_SECONDS
    while True:
        answer = _try_lock(lock, fcntl.LOCK_EX)
        if answer == "ours":
            return ""
        holder = living_owner(os.pread(lock, MARK_LIMIT, 0))
        if answer == "no locks":
            return safe_text(holder)
        if not waits and (holder or time.monotonic() >= until):
            return safe_text(holder) or "another process"
        time.sleep(waits.pop(0) if waits else LOCK_WAITS[-1])


def take_lock(folder: Path) -> int:
    """Lock the folder and write the owner into it. Raises FolderInUse naming the owner, OSError."""
    while True:
        lock = _take_lock(folder)
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(lock), (folder / LOCK_NAME).lstat()):
                return lock
        os.close(lock)  # whoever held it has deleted or renamed the folder meanwhile


def _take_lock(folder: Path) -> int:
    path = folder / LOCK_NAME
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
    try:
        holder = _lock(lock)
        if holder:
            doubt = "" if has_locks(lock) else f" If that has ended, delete {path}: this disk has no locks to tell."
            advice = f"Choose another folder, or wait until it ends.{doubt}"
            raise FolderInUse(f"The run in {folder} is being trained by {holder}. {advice}")
        os.ftruncate(lock, 0)
        os.write(lock, describe_this_process())
    except BaseException:
        os.close(lock)
        raise
    return lock
