"""A text file that only grows, by complete lines; what the disk refuses waits in memory and is tried again."""

import os
import time
from pathlib import Path

from cifar_tui.failpoints import hit

MOST_WAITING = 64_000_000
"""Bytes that wait for a disk that refuses; beyond, the oldest lines are dropped."""
RETRY_SECONDS = 5.0
"""Seconds until a disk that refused a write is tried again."""


class LineFile:
    """An open file to append lines to. One thread writes."""

    def __init__(self, path: Path, retry_seconds: float = RETRY_SECONDS) -> None:
        """Open or create it. Raises OSError."""
        self._retry_seconds = retry_seconds
        self.path = path
        self.error: OSError | None = None
        self._descriptor = _open(path)
        self._waiting = bytearray()
        self._try_again_at = 0.0

    def append(self, line: bytes) -> None:
        """Add a line, its end included. Never raises for the disk: see `error`."""
        self._waiting += line
        if len(self._waiting) > MOST_WAITING:
            del self._waiting[: self._waiting.index(b"\n", len(self._waiting) - MOST_WAITING) + 1]
        self.flush_if_due()

    def flush_if_due(self) -> None:
        """Hand over everything that waits, unless the disk has only just refused it."""
        if self.error is None or time.monotonic() >= self._try_again_at:
            self.flush()

    def flush(self) -> None:
        """Hand everything that waits to the operating system, as far as it takes it."""
        try:
            if self._descriptor < 0 and self._waiting:
                self._descriptor = _open(self.path)
            while self._waiting:
                hit("appended", self.path.name)
                written = os.write(self._descriptor, self._waiting)
                del self._waiting[:written]
            self.error = None
        except OSError as error:
            self.error = error
            self._try_again_at = time.monotonic() + self._retry_seconds

    def close(self) -> None:
        """Flush once more and close."""
        self.flush()
        self.release()

    def release(self) -> None:
        """Hold the file open no longer; it is opened again where there is more to write."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _open(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
