"""Who holds a run, as its lock's file says: for words only, because the lock itself is the system's."""

import os
import socket
from pathlib import Path

MARK_LIMIT = 500
"""Bytes; a longer one is not ours."""


def describe_this_process() -> bytes:
    """What this process writes into the file of a lock that it has taken."""
    return f"process {os.getpid()} on {socket.gethostname()}\n{_identity(os.getpid())}\n".encode()


def living_owner(mark: bytes) -> str:
    """The words of a mark; empty when it is known that whoever left it lives no more.

    A number alone may be another process's by now. On another machine nothing can be known, and the words are taken.
    """
    words, _, rest = mark.decode("utf-8", "replace").partition("\n")
    identity, (name, _, host) = rest.strip(), words.partition(" on ")
    pid = name.removeprefix("process ")
    if host != socket.gethostname() or not identity or not pid.isdecimal():
        return words.strip()
    return words if _identity(int(pid)) == identity else ""


def _identity(pid: int) -> str:
    """The start of the machine and of the process, which no other process has; empty where that is not told."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        started = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""
    return f"{boot} {started}"
