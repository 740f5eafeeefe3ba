"""Follows a run that lives elsewhere, or has ended: its journal for what it says, its socket for what is asked."""

import contextlib
import dataclasses
import itertools
import threading
from pathlib import Path

from cifar_tui.control import Request, SetAttended
from cifar_tui.events import RunFailed, RunFinished, RunResumed, RunStarted, RunStopped, StepDone
from cifar_tui.files.run_files import journal_path
from cifar_tui.history.curves import StepColumns
from cifar_tui.history.feed import FeedQueue
from cifar_tui.history.run_history import FeedItem
from cifar_tui.runs.lock import is_being_trained
from cifar_tui.runs.records.journal import JournalTail
from cifar_tui.runs.remote.client import RemoteControl
from cifar_tui.text import safe_text

LOOK_SECONDS = 0.2
"""Seconds between two looks at the journal."""
LAST_WORDS_SECONDS = 2.0
"""Seconds that leaving waits for the last requests to be delivered."""
NO_WORD = "The run ended without a word: it was killed, or its machine stopped. Key r goes on from its last state."


class RemoteRun:
    """A run elsewhere as a link. What was said before comes at once, when all of it is read."""

    def __init__(self, folder: Path, *, screen: bool = True) -> None:
        """Begin to read on a thread of its own. `screen` says whether a person watches here."""
        self.elsewhere = True
        self.ended = False
        self.caught_up = False
        """True once every event from before this connection was polled."""
        self.remote = RemoteControl(folder, screen=screen)
        self._folder = folder
        self._said: FeedQueue[list[FeedItem]] = FeedQueue()
        self._left = threading.Event()
        threading.Thread(target=self._follow, name="journal", daemon=True).start()

    def poll(self) -> list[FeedItem]:
        """Return every event since the last call, in order; never waits."""
        return [*self.remote.poll(), *itertools.chain.from_iterable(self._said.poll())]

    def accepts(self, verb: type[Request]) -> bool:
        """Return True if the run accepts such a request now."""
        return not self.ended and self.remote.accepts(verb)

    @property
    def silent_seconds(self) -> float:
        """Seconds without a heartbeat of the run, once it counts as stalled; 0 until then."""
        return 0.0 if self.ended else self.remote.silent_seconds

    def submit(self, request: Request) -> None:
        """Hand a request to the run; that somebody watches here it has been told."""
        if not isinstance(request, SetAttended):
            self.remote.submit(request)

    def join(self, seconds: float | None = None) -> bool:
        """Stop following, once all that was asked is heard, which may take at most so long."""
        if not self.ended:
            self.remote.wait_until_delivered(LAST_WORDS_SECONDS if seconds is None else seconds)
        self._left.set()
        self.remote.close()
        return True

    def _follow(self) -> None:
        try:
            self._read()
        except OSError as error:
            where = safe_text(str(journal_path(self._folder)), 200)
            self._said.put([RunFailed(f"Cannot read {where}: {error.strerror or error}.", "", 1)])
        self.ended = True
        self.remote.close()

    def _read(self) -> None:
        over = False
        with contextlib.closing(JournalTail(self._folder)) as journal:
            while not self._left.is_set():
                # Looked at before the journal is read once more, so that a last word is never missed.
                trained = is_being_trained(self._folder)
                journal.went_back()  # then everything is said again, from the start
                said = [self._here(one) for one in journal.read()]
                over = _is_over(said, over)
                if not trained and not over:
                    said.append(RunFailed(NO_WORD, "", 1))
                if said:
                    self._said.put(said)
                self.caught_up = True
                if not trained:
                    return
                self._left.wait(LOOK_SECONDS)

    def _here(self, said: FeedItem) -> FeedItem:
        """Return an event with the folder where the run is now: it may have been moved, or be another machine's."""
        if isinstance(said, RunStarted):
            return dataclasses.replace(said, folder=str(self._folder.absolute()))
        return said


def _is_over(said: list[FeedItem], before: bool) -> bool:
    """Return True if the run had ended with the last of these events."""
    over = before
    for one in said:
        if isinstance(one, RunFinished | RunStopped | RunFailed):
            over = True
        elif isinstance(one, RunStarted | RunResumed | StepDone | StepColumns):
            over = False
    return over
