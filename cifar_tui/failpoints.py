"""Failpoints: named places at which a test can make a run fail: kill it, stop it, refuse it the disk."""

import errno
import fnmatch
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass

VARIABLE = "CIFAR_TUI_FAULT"
"""The environment's `ACTION:POINT:SUBJECT:NTH[:TIMES]`, as in `kill:synced:net_*.pth:2`."""

POINTS = (
    "opened",
    "written",
    "synced",
    "renamed",
    "folder-synced",
    "appended",
    "stepped",
    "tested",
    "unlinked",
)
"""Of a file that is written atomically: open, written, on the disk, in its place, its folder too. Then a
line in a file that grows; a step; a test; a file that is deleted."""

REFUSALS = {"enospc": errno.ENOSPC, "eio": errno.EIO, "erofs": errno.EROFS, "emfile": errno.EMFILE}
SIGNALS = {"kill": signal.SIGKILL, "term": signal.SIGTERM, "stop": signal.SIGSTOP, "interrupt": signal.SIGINT}


@dataclass(slots=True)
class Fault:
    """A failure, and the moment it happens."""

    action: str
    """One of the refusals or signals, `memory` or `raise`."""
    point: str
    """The point it happens at."""
    subject: str
    """A pattern for the file's name."""
    nth: int
    """The first time that it goes wrong, counted from 1."""
    times: int
    """Times that it happens in a row."""
    hits: int = 0
    """Times that the point was hit so far."""

    def hit(self, point: str, subject: str) -> None:
        """Come by a point: where it is this fault's, and its time has come, it goes wrong."""
        if point != self.point or not fnmatch.fnmatchcase(subject, self.subject):
            return
        self.hits += 1
        if not self.nth <= self.hits < self.nth + self.times:
            return
        if self.action in SIGNALS:
            os.kill(os.getpid(), SIGNALS[self.action])
        elif self.action in REFUSALS:
            raise OSError(REFUSALS[self.action], os.strerror(REFUSALS[self.action]))
        elif self.action == "memory":
            raise MemoryError
        else:
            raise RuntimeError("a fault for a test")


def parse(words: str) -> Fault:
    """A fault from the environment. Raises ValueError."""
    action, point, subject, nth, *times = words.split(":")
    if point not in POINTS or action not in (*REFUSALS, *SIGNALS, "memory", "raise"):
        raise ValueError(f"{VARIABLE}: unknown fault {words!r}")
    return Fault(action, point, subject, int(nth), int(times[0]) if times else 1)


def _nothing(_point: str, _subject: str) -> None:
    """Without a fault in the environment."""


hit: Callable[[str, str], None] = parse(os.environ[VARIABLE]).hit if VARIABLE in os.environ else _nothing
"""Come by a point, with the name of the file it is about."""
