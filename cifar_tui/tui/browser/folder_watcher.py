"""Reads a folder on a thread of its own, so that the screen never waits for a disk."""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from textual.message import Message

DRAW_SECONDS = 0.05
"""Time for the screen to draw after every piece that fills it."""
SCREENFUL = 6
"""Rows that are worth drawing at once."""


class Piece(Protocol):
    """A part of what a look has found."""

    @property
    def changed(self) -> Sequence[object]:
        """Rows that are new or look different."""


PieceT = TypeVar("PieceT", bound=Piece)
PieceT_co = TypeVar("PieceT_co", covariant=True)


class Listing(Protocol[PieceT_co]):
    """Lists the content of a folder."""

    def look(self) -> Iterator[PieceT_co]:
        """Yield what has changed since the last look, piece by piece. Raises OSError."""


@dataclass
class Found(Message, Generic[PieceT]):
    """A part of the folder was read."""

    watcher: "FolderWatcher[PieceT]"
    piece: PieceT


class FolderWatcher(Generic[PieceT]):
    """Posts the content of a folder, in pieces, and later what has changed."""

    def __init__(self, post: Callable[[Found[PieceT]], object], listing: Callable[[Path], Listing[PieceT]]) -> None:
        """Hand every piece that a `listing` yields to `post`, which is called on another thread."""
        self._post = post
        self._make_listing = listing
        self._folder: Path | None = None
        self._listing: Listing[PieceT] | None = None
        self._requested = threading.Event()
        self._closed = threading.Event()
        self._looking = False
        self._thread: threading.Thread | None = None

    def look(self, folder: Path) -> None:
        """Look at a folder, as soon as the look under way has ended; returns at once."""
        self._folder = folder
        self._requested.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._look_when_requested, name="listing", daemon=True)
            self._thread.start()

    @property
    def busy(self) -> bool:
        """True while a look is under way, or still to come."""
        return self._requested.is_set() or self._looking

    def close(self) -> None:
        """Look no more."""
        self._closed.set()
        self._requested.set()

    def _look_when_requested(self) -> None:
        while self._requested.wait() and not self._closed.is_set():
            self._looking = True
            self._requested.clear()
            self._look()
            self._looking = False

    def _look(self) -> None:
        if self._folder is None:
            return
        self._listing = self._listing or self._make_listing(self._folder)
        try:
            for piece in self._listing.look():
                if self._closed.is_set():
                    return
                self._post(Found(self, piece))
                # The screen draws with the same interpreter, and a person waits for what it has now.
                self._closed.wait(DRAW_SECONDS if len(piece.changed) >= SCREENFUL else 0.0)
        except OSError:
            return  # the folder is gone, or cannot be read now: the next look may find it
