"""The job that trains one run and records it."""

import contextlib
import dataclasses
import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from cifar_tui.control import Request, RequestQueue
from cifar_tui.errors import DataUnavailable, cannot_write
from cifar_tui.events import (
    DataMissing,
    Emit,
    Ending,
    Event,
    Noted,
    Reopened,
    RunFailed,
    RunResumed,
    RunStarted,
    TrainingStarted,
)
from cifar_tui.files.atomic_write import write_failure
from cifar_tui.files.run_files import journal_path
from cifar_tui.history.run_history import FeedItem
from cifar_tui.jobs.session import Job
from cifar_tui.notify.wanted import anybody_named
from cifar_tui.recipe import Recipe
from cifar_tui.runs.folder import RunFolder
from cifar_tui.runs.records.background_recorder import BackgroundRecorder
from cifar_tui.runs.records.journal import read_feed
from cifar_tui.runs.records.recorder import Recorder
from cifar_tui.runs.remote.server import ControlServer
from cifar_tui.system.allocator import give_freed_memory_back

if TYPE_CHECKING:
    from cifar_tui.notify.run_events import RunNotifier


def open_recorder(folder: RunFolder) -> Recorder:
    """The records of a run, to be added to. Raises BadInput when they cannot be written."""
    try:
        return Recorder(folder)
    except OSError as error:
        raise cannot_write(folder.path, error) from error


class TrainJob(Job):
    """Trains one run in its folder and writes everything down."""

    def __init__(
        self,
        recipe: Recipe,
        folder: RunFolder,
        changes: tuple[str, ...] | None = None,
        note: str = "",
        **options: Any,
    ) -> None:
        """Open the run's records; `changes` is what differs in the recipe of a run that is resumed. Raises BadInput.

        `note`, where there is one, comes before all events. `options` are those of the engine's `train`: `load_data`,
        `intervals` and `from_beginning`.
        """
        self._options = options
        self._recipe = recipe
        self._folder = folder
        self._records = BackgroundRecorder(open_recorder(folder), self._note)
        self._server: ControlServer | None = None
        self._say: Emit | None = None
        self._first_note = note
        self._changes = changes
        self._under_way = changes is None
        self._worth_keeping = changes is not None
        self._ending: Ending | None = None
        self._notifier: RunNotifier | None = None
        self._trouble: list[str] = []
        """Sentences on why somebody cannot be notified as they want."""

    def replay(self) -> Iterator[FeedItem]:
        """Return the journal of a run that is resumed, and that it is reopened; then what to know of any run."""
        if self._changes is not None:
            for event in self._past():
                if self._notifier is not None:
                    self._notifier.apply_past(event)
                yield event
        # Not before: who resumes a run is shown nothing from before.
        yield from map(Noted, self._trouble)
        if self._notifier is not None:
            self._notifier.tell_restart()

    def _past(self) -> Iterator[FeedItem]:
        with contextlib.suppress(FileNotFoundError), (journal_path(self._folder.path)).open("rb") as journal:
            yield from read_feed(journal)
        yield Reopened(str(self._folder.path))
        if self._first_note:
            yield Noted(self._first_note)

    def listen(self, submit: Callable[[Request], None], say: Emit) -> None:
        """Let screens and commands elsewhere reach the run; where that cannot be, it trains all the same."""
        self._say = say
        self._notifier = self._open_notifier()
        first = self._first_note if self._changes is None else ""
        for sentence in (first, *self._folder.shortcomings()):
            if sentence:
                self._note(sentence)
        try:
            self._server = ControlServer(self._folder.path, submit)
        except OSError as error:
            why = error.strerror or error
            self._note(f"This run cannot be attached to: {why}. To save and end it: kill {os.getpid()}")

    def run(self, emit: Emit, requests: RequestQueue) -> None:
        """Train; data that cannot be had ends the run as an event, and its folder goes again."""
        from cifar_tui.engine.training.train import train

        try:
            train(
                self._recipe,
                self._folder,
                emit,
                requests,
                self._changes,
                flush_records=self._records.flush,
                **self._options,
            )
        except DataUnavailable as error:
            emit(DataMissing(str(error)))

    def append_event(self, event: Event) -> None:
        """Have an event written into the run's records; until a run that is to go on does, they stay as they are."""
        if isinstance(event, Ending):
            self._ending = event
        if self._notifier is not None:
            self._notifier.apply(event)
        if isinstance(event, TrainingStarted):
            self._worth_keeping = True
        if isinstance(event, RunStarted | RunResumed):
            self._under_way = True
        if not event.recorded:
            self._broadcast(event)
        elif self._under_way:
            self._records.append_event(event)

    def failed(self, reason: str, exit_code: int) -> Event:
        """The run failed."""
        return RunFailed(reason, "", exit_code)

    def failed_unexpectedly(self, reason: str, details: str) -> Event:
        """The run failed; the details are put beside its other records."""
        self._worth_keeping = True
        return RunFailed(reason, write_failure(self._folder.path, details), 1)

    def close(self) -> None:
        """Close the records and the socket, and free the memory; a folder in which no training started is removed."""
        lost = self._records.close()
        if lost is not None:
            self._report_lost(lost)
        if self._server is not None:
            self._server.close()
        if self._notifier is not None:
            self._notifier.close(self._ending)
        if not self._worth_keeping:
            self._folder.discard()
        give_freed_memory_back()

    def _report_lost(self, error: OSError) -> None:
        """Make records that could not be written the outcome: a run without its journal cannot be called finished."""
        reason = (
            f"The run's last records could not be written: {error.strerror or error}. Its checkpoints are as saved."
        )
        ending = self._ending
        if isinstance(ending, RunFailed):
            ending = dataclasses.replace(ending, reason=f"{ending.reason} {reason}")
        else:
            ending = RunFailed(reason, "", 1)
        self._ending = ending
        if self._notifier is not None:
            self._notifier.apply(ending)
        self._broadcast(ending)
        if self._say is not None:
            self._say(ending)

    def _open_notifier(self) -> "RunNotifier | None":
        """Return what notifies people, where they have set that up."""
        if not anybody_named():
            return None
        # Loads what only these runs need.
        from cifar_tui.notify.run_events import open_notifier

        return open_notifier(self._folder.name, self._folder.path, self._trouble.append, self._record_note)

    def _record_note(self, words: str) -> None:
        """Note in the run's records, and to everybody who watches, what a person should know."""
        if self._say is not None:
            self._say(Noted(words))
        self.append_event(Noted(words))

    def _note(self, words: str) -> None:
        """Tell everybody who watches, now, what the records do not hold."""
        if self._notifier is not None:
            self._notifier.apply(Noted(words))
        if self._say is not None:
            self._say(Noted(words))
        self._broadcast(Noted(words))

    def _broadcast(self, event: Event) -> None:
        if self._server is not None:
            self._server.broadcast(event)
