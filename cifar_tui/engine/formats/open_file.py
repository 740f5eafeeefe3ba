"""Opens a file that anybody may have made: plain files only, and never one that is larger than a network can be."""

import errno
import os
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO

from cifar_tui.errors import CheckpointDamaged
from cifar_tui.files import safe_open
from cifar_tui.files.digest import digest_of_file
from cifar_tui.text import safe_text, size

LARGEST_STRANGER = 512 * 1024 * 1024
"""Bytes of a file that nothing is known of: a ResNet-152 with its optimiser's state fits."""
LARGEST_OF_OURS = 4 * 1024 * 1024 * 1024
"""Bytes of a file whose size and SHA-256 were written down."""


def open_external(path: Path, most: int = LARGEST_STRANGER) -> BufferedReader:
    """Open a plain file of at most so many bytes. Raises CheckpointDamaged with a sentence for anything else."""
    name = safe_text(path.name)
    try:
        return safe_open.open_regular(path, most)
    except FileNotFoundError:
        raise CheckpointDamaged(f"{name} is gone: its file was deleted.") from None
    except OSError as error:
        why = "it is a link; name the file that it points to" if error.errno == errno.ELOOP else error.strerror
        raise CheckpointDamaged(f"{name} cannot be opened: {why}.") from None
    except safe_open.TooLarge as error:
        larger = f"{size(error.size)}; checkpoints may have {size(most)} at most"
        raise CheckpointDamaged(f"{name} has {larger}.") from None
    except safe_open.NotRegularFile:
        raise CheckpointDamaged(f"{name} is not a regular file.") from None
    except ValueError:
        raise CheckpointDamaged(f"{name} is not a valid file name.") from None


def size_of(file: BinaryIO) -> int:
    """Bytes of an open file."""
    return os.fstat(file.fileno()).st_size


def verify(file: BufferedReader, path: Path, saved_size: int, sha256: str) -> None:
    """Compare an open file with what was written down when it was saved. Raises CheckpointDamaged."""
    found = size_of(file)
    if found != saved_size:
        raise CheckpointDamaged(f"{path.name} is damaged: it has {found:,} bytes, and {saved_size:,} were saved.")
    try:
        digest = digest_of_file(file)
        file.seek(0)
    except OSError as error:
        raise CheckpointDamaged(f"{path.name} cannot be read: {error.strerror}.") from None
    if digest != sha256:
        raise CheckpointDamaged(
            f"{path.name} is damaged: its content has changed since it was saved (SHA-256 differs)."
        )
