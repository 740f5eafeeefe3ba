"""Opens a file that somebody else may have put there: a plain one, and without waiting for what never comes."""

import os
import stat
from pathlib import Path
from typing import BinaryIO


def open_plain(path: Path | str, size_limit: int, *, follow_links: bool = False) -> BinaryIO:
    """A plain file, open for reading. Raises ValueError for anything else or a larger one, OSError."""
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
    descriptor = os.open(path, flags if follow_links else flags | os.O_NOFOLLOW)
    facts = os.fstat(descriptor)
    if stat.S_ISREG(facts.st_mode) and facts.st_size <= size_limit:
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    raise ValueError("it is too large" if stat.S_ISREG(facts.st_mode) else "it is no plain file")
