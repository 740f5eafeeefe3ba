"""Looks at a run's folder on a thread of its own, so that the screen never waits for a disk."""

import threading
from collections.abc import Callable
from pathlib import Path

from cifar_tui.runs.listing import Listing, Piece


class Lister:
    """Hands on what a folder holds, in pieces, and later what has changed."""

    def __init__(self, say: Callable[[Piece], object]) -> None:
        """Hand every piece to `say`, which is called on another thread."""
        self._say = say
        self._folder: Path | None = None
        self._listing: Listing | None = None
        self._asked = threading.Event()
        self._left = False
        self._thread: threading.Thread | None = None

    def look(self, folder: Path) -> None:
        """Look at a folder, as soon as the look under way has ended; returns at once."""
        self._folder = folder
        self._asked.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._look_when_asked, name="listing", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Look no more."""
        self._left = True
        self._asked.set()

    def _look_when_asked(self) -> None:
        while self._asked.wait() and not self._left:
            self._asked.clear()
            self._look()

    def _look(self) -> None:
        if self._folder is None:
            return
        self._listing = self._listing or Listing(self._folder)
        try:
            for piece in self._listing.look():
                if self._left:
                    return
                self._say(piece)
        except OSError:
            return  # the folder is gone, or cannot be read now: the next look may find it
