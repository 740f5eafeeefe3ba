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
from cifar_tui.tui.intervals import DEFAULT_INTERVALS


@dataclass
class RunLoaded(Message):
    """The journal of a run was read, for the first time or because the run was rewound."""

    reader: "RunReader"
    place: int
    history: RunHistory
    """The receiver's alone from now on."""


@dataclass
class RunUpdated(Message):
    """A run that was read before has new events."""

    reader: "RunReader"
    place: int
    events: list[FeedItem]


@dataclass(slots=True)
class _OpenRun:
    """A run whose journal was read once and may grow."""

    place: int
    folder: Path
    journal: JournalTail


class RunReader:
    """Reads runs on a thread of its own, which ends when the last of them has ended."""

    def __init__(
        self,
        folders: Sequence[Path],
        post: Callable[[RunLoaded | RunUpdated], object],
        look_seconds: float = DEFAULT_INTERVALS.other_runs,
    ) -> None:
        """Read these at once; each message is handed to `post`, on that thread, with the run's place among them."""
        self._folders = folders
        self._post = post
        self._look_seconds = look_seconds
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="other runs", daemon=True)
        if folders:
            self._thread.start()

    @property
    def following(self) -> bool:
        """True while one of them may have more events."""
        return self._thread.is_alive()

    def close(self) -> None:
        """Read no more."""
        self._closed.set()

    def _follow(self) -> None:
        with contextlib.ExitStack() as open_files:
            live = [run for place in range(len(self._folders)) if (run := self._read(place, open_files)) is not None]
            while live and not self._closed.wait(self._look_seconds):
                live = [run for run in live if self._read_more(run)]

    def _read(self, place: int, open_files: contextlib.ExitStack) -> _OpenRun | None:
        """Read a run for the first time. Returns it where it may grow; one that cannot be read is passed over."""
        folder = self._folders[place]
        with contextlib.suppress(OSError):
            # Looked up before the journal is read, so that a last event is never missed.
            trained = is_being_trained(folder)
            run = _OpenRun(place, folder, JournalTail(folder))
            open_files.callback(run.journal.close)
            self._load(run)
            return run if trained else None
        return None

    def _read_more(self, run: _OpenRun) -> bool:
        """Read a run's new events. Returns True if it may have more."""
        with contextlib.suppress(OSError):
            trained = is_being_trained(run.folder)
            if run.journal.went_back():
                self._load(run)
            elif events := list(run.journal.read()):
                self._post_message(RunUpdated(self, run.place, events))
            return trained
        return False

    def _load(self, run: _OpenRun) -> None:
        history = RunHistory()
        for event in run.journal.read():
            history.apply(event)
            if self._closed.is_set():
                return
        self._post_message(RunLoaded(self, run.place, history))

    def _post_message(self, message: RunLoaded | RunUpdated) -> None:
        if not self._closed.is_set():
            self._post(message)
