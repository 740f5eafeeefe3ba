"""Follows a run that lives elsewhere, or has ended: its journal for events, its socket for requests."""

import contextlib
import dataclasses
import itertools
import threading
import time
from pathlib import Path

from cifar_tui.control import Request, SetAttended
from cifar_tui.events import RunFailed, RunFinished, RunResumed, RunStarted, RunStopped, StepDone, TrainingStarted
from cifar_tui.files.run_files import journal_path
from cifar_tui.history.curves import StepColumns
from cifar_tui.history.feed import FeedQueue
from cifar_tui.history.run_history import FeedItem
from cifar_tui.runs.checkpoints.sidecars import newest_checkpoint
from cifar_tui.runs.checkpoints.states import resumable
from cifar_tui.runs.lock import is_being_trained, other_user
from cifar_tui.runs.records.journal import JournalTail
from cifar_tui.runs.remote.client import RemoteControl
from cifar_tui.system.launcher import LOST
from cifar_tui.text import safe_text

KILLED = "The process ended without saving: it was killed, or the machine stopped."
LOOK_SECONDS = 0.2
"""Seconds between two looks at the journal."""
RESTART_SECONDS = 40.0
"""The longest that a launcher takes to start the processes of a run again."""
LAST_WORDS_SECONDS = 2.0
"""Seconds that leaving waits for the last requests to be delivered."""


class RemoteRun:
    """The connection to a run elsewhere. Earlier events come at once, when all of them are read."""

    def __init__(self, folder: Path, *, screen: bool = True) -> None:
        """Begin to read on a thread of its own. `screen` is True where a person watches here."""
        self.elsewhere = True
        self.ended = False
        self.caught_up = False
        """True once every event from before this connection was polled."""
        self.other_user = ""
        """The user whose process trains the run and alone can ask it, where that is another one."""
        self.remote = RemoteControl(folder, screen=screen)
        self._folder = folder
        self._queue: FeedQueue[list[FeedItem]] = FeedQueue()
        self._left = threading.Event()
        threading.Thread(target=self._follow, name="journal", daemon=True).start()

    def poll(self) -> list[FeedItem]:
        """Return every event since the last call, in order; never waits."""
        return [*self.remote.poll(), *itertools.chain.from_iterable(self._queue.poll())]

    def accepts(self, verb: type[Request]) -> bool:
        """Return True if the run accepts such a request now."""
        return not self.ended and self.remote.accepts(verb)

    @property
    def silent_seconds(self) -> float:
        """Seconds without a heartbeat of the run, once it counts as stalled; 0 until then."""
        return 0.0 if self.ended else self.remote.silent_seconds

    def submit(self, request: Request) -> None:
        """Send a request to the run; its server knows by itself that a person watches here."""
        if not isinstance(request, SetAttended):
            self.remote.submit(request)

    def join(self, seconds: float | None = None) -> bool:
        """Stop following, once every request is delivered, which may take at most so long."""
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
            self._queue.put([RunFailed(f"Cannot read {where}: {error.strerror or error}.", "", 1)])
        self.ended = True
        self.remote.close()

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # what cannot be looked up is told when the journal is read
            self.other_user = other_user(self._folder) if is_being_trained(self._folder) else ""
        over = several = lost = False
        with contextlib.closing(JournalTail(self._folder)) as journal:
            while not self._left.is_set():
                # Looked at before the journal is read once more, so that a last word is never missed.
                trained = is_being_trained(self._folder)
                journal.went_back()  # then every event comes again, from the start
                events = [self._here(one) for one in journal.read()]
                over = _is_over(events, over)
                several = _several_processes(events, several)
                lost = _lost(events, lost)
                returns = several and not trained and (lost or not over) and self._just_written()
                if not trained and not over and not returns:
                    events.append(RunFailed(_killed(self._folder), "", 1))
                if events:
                    self._queue.put(events)
                self.caught_up = True
                if not trained and not returns:
                    return
                self._left.wait(LOOK_SECONDS)

    def _just_written(self) -> bool:
        """Return True while a launcher may be about to start the run's processes again."""
        return time.time() - journal_path(self._folder).stat().st_mtime < RESTART_SECONDS

    def _here(self, events: FeedItem) -> FeedItem:
        """Return an event with the folder and the name of the run now: it may have been moved, or renamed."""
        if isinstance(events, RunStarted):
            now = self._folder.absolute()
            name = now.name if Path(events.folder).name == events.run else events.run
            return dataclasses.replace(events, run=name, folder=str(now))
        return events


def _several_processes(events: list[FeedItem], before: bool) -> bool:
    """Return True if several processes train the run, by the last of these events that says so."""
    started = [one.processes > 1 for one in events if isinstance(one, TrainingStarted)]
    return started[-1] if started else before


def _lost(events: list[FeedItem], before: bool) -> bool:
    """Return True if the run has ended because one of its processes was lost, which a launcher starts again."""
    failed = [one.exit_code == LOST for one in events if isinstance(one, RunFailed)]
    return failed[-1] if failed else before


def _is_over(events: list[FeedItem], before: bool) -> bool:
    """Return True if the run had ended with the last of these events."""
    over = before
    for one in events:
        if isinstance(one, RunFinished | RunStopped | RunFailed):
            over = True
        elif isinstance(one, RunStarted | RunResumed | StepDone | StepColumns):
            over = False
    return over


def _killed(folder: Path) -> str:
    """Return the sentence for a run whose process was killed, with what can be done with it."""
    with contextlib.suppress(OSError):
        if resumable(folder):
            return f"{KILLED} Key r resumes it from its last saved state."
        if newest_checkpoint(folder):
            return f"{KILLED} It cannot be resumed; key b on a checkpoint (c) starts a new run from that."
    return f"{KILLED} Nothing of it was saved."
