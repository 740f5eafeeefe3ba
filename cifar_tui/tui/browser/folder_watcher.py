"""Looks at a run's folder on a thread of its own, so that the screen never waits for a disk."""

import threading
from collections.abc import Callable
from pathlib import Path

from textual.message import Message

from cifar_tui.runs.checkpoints.listing import FIRST_PIECE, Listing, Piece

DRAW_SECONDS = 0.05
"""What the screen is left for drawing after every piece that fills it."""


class Found(Message):
    """A part of the folder was looked at."""

    def __init__(self, watcher: "FolderWatcher", piece: Piece) -> None:
        """Hand on what was found, and who found it."""
        super().__init__()
        self.watcher = watcher
        self.piece = piece


class FolderWatcher:
    """Hands on what a folder holds, in pieces, and later what has changed."""

    def __init__(self, say: Callable[[Found], object]) -> None:
        """Hand every piece to `say`, which is called on another thread."""
        self._say = say
        self._folder: Path | None = None
        self._listing: Listing | None = None
        self._asked = threading.Event()
        self._leave = threading.Event()
        self._looking = False
        self._thread: threading.Thread | None = None

    def look(self, folder: Path) -> None:
        """Look at a folder, as soon as the look under way has ended; returns at once."""
        self._folder = folder
        self._asked.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._look_when_asked, name="listing", daemon=True)
            self._thread.start()

    @property
    def busy(self) -> bool:
        """Whether a look is under way, or still to come."""
        return self._asked.is_set() or self._looking

    def close(self) -> None:
        """Look no more."""
        self._leave.set()
        self._asked.set()

    def _look_when_asked(self) -> None:
        while self._asked.wait() and not self._leave.is_set():
            self._looking = True
            self._asked.clear()
            self._look()
            self._looking = False

    def _look(self) -> None:
        if self._folder is None:
            return
        self._listing = self._listing or Listing(self._folder)
        try:
            for piece in self._listing.look():
                if self._leave.is_set():
                    return
                self._say(Found(self, piece))
                # The screen draws with the same interpreter, and what it has now is what a person waits for.
                self._leave.wait(DRAW_SECONDS if len(piece.changed) >= FIRST_PIECE else 0.0)
        except OSError:
            return  # the folder is gone, or cannot be read now: the next look may find it
