"""Writes a file completely or not at all: a crash or a full disk leaves the old one, never half of the new one."""

import contextlib
import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from cifar_tui.dataclass import dataclass
from cifar_tui.failpoints import hit
from cifar_tui.files.digest import digest_of_file
from cifar_tui.files.run_files import FAILURE_NAME

TEMPORARY_PREFIX = ".writing-"
"""Prefix of files under way, so that what a crash left can be told from everything else."""

NOT_SUPPORTED = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}
"""Answers of a disk that cannot flush; any other means that it has failed to."""


@dataclass(frozen=True, slots=True)
class Written:
    """A file that is on disk now."""

    size: int
    """Bytes."""
    sha256: str
    """Hexadecimal digest of the content."""


def write_atomically(path: Path, write: Callable[[BinaryIO], object]) -> Written:
    """Put what `write` writes at `path`, flushed to the disk before it takes the old file's place.

    Who may read it follows from the umask, as for any file that a person makes.
    Raises OSError, with the old file untouched, when any part of it fails.
    """
    temporary = path.parent / f"{TEMPORARY_PREFIX}{path.name}-{os.urandom(6).hex()}"
    descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        with os.fdopen(descriptor, "w+b") as file:
            hit("opened", path.name)
            write(file)
            file.flush()
            hit("written", path.name)
            _flush(file.fileno())
            hit("synced", path.name)
            file.seek(0)
            digest = digest_of_file(file)
            size = file.seek(0, os.SEEK_END)
        temporary.replace(path)
        hit("renamed", path.name)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)
    hit("folder-synced", path.name)
    return Written(size, digest)


def sync_folder(folder: Path) -> bool:
    """Flush to the disk what a folder lists. Returns False on a disk that cannot do that. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return _flush(descriptor)
    finally:
        os.close(descriptor)


def _flush(descriptor: int) -> bool:
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in NOT_SUPPORTED:
            raise
        return False
    return True


def write_failure(folder: Path, details: str, name: str = FAILURE_NAME) -> str:
    """Write a traceback into a run's folder. Returns the file; empty when even that is refused."""
    file = folder / name
    try:
        file.write_text(details, encoding="utf-8")
    except OSError:
        return ""
    return str(file)
