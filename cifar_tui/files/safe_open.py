"""Opens a file that somebody else may have put there: a regular one, and without waiting for what never comes."""

import os
import stat
from io import BufferedReader
from pathlib import Path

FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
"""A pipe does not block, and a terminal does not become ours."""


class NotRegularFile(ValueError):
    """It is a folder, a pipe, or a device."""


class TooLarge(NotRegularFile):
    """It is a plain file of more bytes than it may have."""

    def __init__(self, size: int) -> None:
        super().__init__("it is too large")
        self.size = size


def open_regular(path: Path | str, size_limit: int, *, follow_links: bool = False) -> BufferedReader:
    """A plain file, open for reading. Raises NotRegularFile or TooLarge, OSError, ValueError."""
    descriptor = os.open(path, FLAGS if follow_links else FLAGS | os.O_NOFOLLOW)
    facts = os.fstat(descriptor)
    if stat.S_ISREG(facts.st_mode) and facts.st_size <= size_limit:
        return open(path, "rb", opener=lambda *_: descriptor)
    os.close(descriptor)
    raise TooLarge(facts.st_size) if stat.S_ISREG(facts.st_mode) else NotRegularFile("it is not a regular file")
