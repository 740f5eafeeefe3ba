"""Reads the journals of runs beside the one on the screen, and follows those that still train."""

import contextlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from textual.message import Message

from cifar_tui.history.run_history import FeedItem, RunHistory
from cifar_tui.runs.lock import is_being_trained
from cifar_tui.runs.records.journal import JournalTail

LOOK_SECONDS = 2.0
"""How often is looked whether a run that still trains has said more."""


class RunLoaded(Message):
    """All that a run had said was read, for the first time or because it has gone back."""

    def __init__(self, reader: "RunReader", place: int, history: RunHistory) -> None:
        """Hand the history over: it is the receiver's alone from now on."""
        super().__init__()
        self.reader = reader
        self.place = place
        self.history = history


class RunUpdated(Message):
    """A run that was read before has said more."""

    def __init__(self, reader: "RunReader", place: int, said: list[FeedItem]) -> None:
        """Hand on what it said, in order."""
        super().__init__()
        self.reader = reader
        self.place = place
        self.said = said


@dataclass(slots=True)
class _Open:
    """A run whose journal was read once and may go on."""

    place: int
    folder: Path
    journal: JournalTail


class RunReader:
    """Reads runs on a thread of its own, which ends when the last of them has ended."""

    def __init__(self, folders: Sequence[Path], say: Callable[[RunLoaded | RunUpdated], object]) -> None:
        """Read these at once; what is found is handed to `say`, on that thread, with the run's place among them."""
        self._folders = folders
        self._say = say
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="other runs", daemon=True)
        if folders:
            self._thread.start()

    @property
    def following(self) -> bool:
        """Whether one of them may still say more."""
        return self._thread.is_alive()

    def close(self) -> None:
        """Read no more."""
        self._left.set()

    def _follow(self) -> None:
        with contextlib.ExitStack() as open_files:
            live = [one for place in range(len(self._folders)) if (one := self._read(place, open_files)) is not None]
            while live and not self._left.wait(LOOK_SECONDS):
                live = [one for one in live if self._read_on(one)]

    def _read(self, place: int, open_files: contextlib.ExitStack) -> _Open | None:
        """Read a run for the first time. Returns it where it may go on; one that cannot be read is passed over."""
        folder = self._folders[place]
        with contextlib.suppress(OSError):
            # Looked at before the journal is read, so that a last word is never missed.
            trained = is_being_trained(folder)
            one = _Open(place, folder, JournalTail(folder))
            open_files.callback(one.journal.close)
            self._read_whole(one)
            return one if trained else None
        return None

    def _read_on(self, one: _Open) -> bool:
        """Read what a run has said since. Returns whether it may go on."""
        with contextlib.suppress(OSError):
            trained = is_being_trained(one.folder)
            if one.journal.went_back():
                self._read_whole(one)
            elif said := list(one.journal.read()):
                self._tell(RunUpdated(self, one.place, said))
            return trained
        return False

    def _read_whole(self, one: _Open) -> None:
        history = RunHistory()
        for said in one.journal.read():
            history.apply(said)
            if self._left.is_set():
                return
        self._tell(RunLoaded(self, one.place, history))

    def _tell(self, message: RunLoaded | RunUpdated) -> None:
        if not self._left.is_set():
            self._say(message)
