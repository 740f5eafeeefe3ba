"""SHA-256 of files and bytes. The library behind it takes its time to load, and the first frame needs none of it."""

from io import BufferedIOBase


def digest_of_file(file: BufferedIOBase) -> str:
    """Return the hexadecimal SHA-256 of what an open file holds from where it stands. Raises OSError."""
    import hashlib

    return hashlib.file_digest(file, "sha256").hexdigest()


def digest_of(content: bytes) -> str:
    """Return the hexadecimal SHA-256 of bytes."""
    import hashlib

    return hashlib.sha256(content).hexdigest()
