"""The output of a process: into a file in its run's folder while a screen is up, and once its terminal is gone."""

import contextlib
import os
import sys
from pathlib import Path
from typing import BinaryIO, Self

from cifar_tui.files.run_files import OUTPUT_NAME

KEPT_BYTES = 1_000_000
"""The most that is kept of what was printed before there was a folder."""


class StrayOutput:
    """While it lasts, whatever libraries print goes into a file, and the terminal is the screen's alone.

    `sys.__stderr__`, which Textual draws on, stays the terminal; the descriptors 1 and 2 are the file.
    """

    def __init__(self) -> None:
        self._kept: int | None = None

    def __enter__(self) -> Self:
        """Take the descriptors away."""
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        self._before = (os.dup(1), os.dup(2))
        self._stderr = sys.__stderr__
        sys.__stderr__ = os.fdopen(os.dup(2), "w", encoding="utf-8", errors="replace")  # type: ignore[misc]
        self._collected = _memory_file()
        self._print_to(self._collected.fileno())
        return self

    def keep_in(self, folder: Path) -> None:
        """From now on, print into the folder's file, what was collected so far first."""
        if self._kept is not None:
            return
        try:
            self._kept = open_output(folder)
            self._collected.seek(0)
            os.write(self._kept, self._collected.read(KEPT_BYTES))
        except OSError:
            return  # a disk that is full: it stays where it is
        self._print_to(self._kept)

    def __exit__(self, *_: object) -> None:
        """Give the descriptors back."""
        for stream in (sys.stdout, sys.stderr, sys.__stderr__):
            with contextlib.suppress(OSError, ValueError, AttributeError):
                stream.flush()  # type: ignore[union-attr]
        if sys.__stderr__ is not None and sys.__stderr__ is not self._stderr:
            with contextlib.suppress(OSError):
                sys.__stderr__.close()
        sys.__stderr__ = self._stderr  # type: ignore[misc]
        for source, target in zip(self._before, (1, 2), strict=True):
            os.dup2(source, target)
            os.close(source)
        if self._kept is not None:
            os.close(self._kept)
        self._collected.close()

    def _print_to(self, descriptor: int) -> None:
        for target in (1, 2):
            os.dup2(descriptor, target)


def _memory_file() -> BinaryIO:
    """Return a file of no name: in memory, where the system has that, for there may be no folder to write to."""
    if sys.platform == "linux":
        return os.fdopen(os.memfd_create("output"), "w+b")
    import tempfile

    return tempfile.TemporaryFile()


def open_output(folder: Path) -> int:
    """The file in a run's folder that is printed into, at its end. Raises OSError."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.open(folder / OUTPUT_NAME, flags, 0o644)


def leave_terminal(folder: Path | None) -> None:
    """Point this process's input at nothing, and its output at a file in a run's folder: the terminal is gone."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    nothing = os.open(os.devnull, os.O_RDWR)
    output = os.dup(nothing)
    if folder is not None:
        with contextlib.suppress(OSError):
            file = open_output(folder)
            os.dup2(file, output)
            os.close(file)
    for source, target in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(source, target)
    os.close(nothing)
    os.close(output)
