"""The owner of a run's lock, as its file names it: for messages only, because the lock itself is the system's."""

import contextlib
import os
import socket
from pathlib import Path

MARK_LIMIT = 500
"""Bytes; a longer one is not ours."""


def describe_this_process() -> bytes:
    """Return the line that this process writes into the file of a lock that it has taken."""
    return f"process {os.getpid()} on {socket.gethostname()}\n{_identity(os.getpid())}\n".encode()


def living_owner(mark: bytes) -> str:
    """Return the owner that a mark names; empty when it is known to have ended.

    A process's number alone may be another's by now. On another machine nothing can be known, and the mark is believed.
    """
    owner, _, rest = mark.decode("utf-8", "replace").partition("\n")
    identity, (name, _, host) = rest.strip(), owner.partition(" on ")
    pid = name.removeprefix("process ")
    if host != socket.gethostname() or not identity or not pid.isdecimal():
        return owner.strip()
    return owner if _identity(int(pid)) == identity else ""


def process_here(owner: str) -> int:
    """Return the number of an owner's process on this machine; 0 for one elsewhere, or none."""
    name, _, host = owner.partition(" on ")
    pid = name.removeprefix("process ")
    return int(pid) if host == socket.gethostname() and pid.isdecimal() else 0


def _identity(pid: int) -> str:
    """Return the boot, where the system names it, and the start of a process after it; empty where that is unknown.

    A difference of two times: the clock may be set while a process lives, and both move with it.
    """
    import psutil

    boot = ""
    with contextlib.suppress(OSError):  # Linux has a name for it
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    booted = psutil.boot_time()
    try:
        return f"{boot} {psutil.Process(pid).create_time() - booted:.2f}".strip()
    except (psutil.Error, OverflowError):
        return ""
