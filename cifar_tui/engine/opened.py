"""Opens a file that anybody may have made: plain files only, and never one that is larger than a network can be."""

import errno
import hashlib
import os
import stat
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO

from cifar_tui.errors import CheckpointDamaged
from cifar_tui.text import safe_text, size

LARGEST_STRANGER = 512 * 1024 * 1024
"""Bytes of a file that nothing is known of: a ResNet-152 with its optimiser's state fits."""
LARGEST_OF_OURS = 4 * 1024 * 1024 * 1024
"""Bytes of a file whose size and SHA-256 were written down."""
FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY
"""No link is followed, a pipe keeps nobody waiting, a terminal is not taken."""


def open_plain(path: Path, most: int = LARGEST_STRANGER) -> BufferedReader:
    """Open a plain file of at most so many bytes. Raises CheckpointDamaged with a sentence for anything else."""
    name = safe_text(path.name)
    try:
        file = os.fdopen(os.open(path, FLAGS), "rb")
    except FileNotFoundError:
        raise CheckpointDamaged(f"{name} is gone: its file was deleted.") from None
    except IsADirectoryError:
        raise CheckpointDamaged(f"{name} is not a plain file.") from None
    except OSError as error:
        why = "it is a link, name the file itself" if error.errno == errno.ELOOP else error.strerror
        raise CheckpointDamaged(f"{name} cannot be opened: {why}.") from None
    except ValueError:
        raise CheckpointDamaged(f"{name} cannot be a file's name.") from None
    facts = os.fstat(file.fileno())
    trouble = "is not a plain file" if not stat.S_ISREG(facts.st_mode) else ""
    if not trouble and facts.st_size > most:
        trouble = f"has {size(facts.st_size)}, more than any checkpoint of ours ({size(most)})"
    if trouble:
        file.close()
        raise CheckpointDamaged(f"{name} {trouble}.")
    return file


def size_of(file: BinaryIO) -> int:
    """Bytes of an open file."""
    return os.fstat(file.fileno()).st_size


def verify(file: BufferedReader, path: Path, saved_size: int, sha256: str) -> None:
    """Compare an open file with what was written down when it was saved. Raises CheckpointDamaged."""
    found = size_of(file)
    if found != saved_size:
        raise CheckpointDamaged(f"{path.name} is damaged: {found:,} bytes where {saved_size:,} were saved.")
    try:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        file.seek(0)
    except OSError as error:
        raise CheckpointDamaged(f"{path.name} cannot be read: {error.strerror}.") from None
    if digest != sha256:
        raise CheckpointDamaged(f"{path.name} is damaged: its content is not what was saved (SHA-256 differs).")
