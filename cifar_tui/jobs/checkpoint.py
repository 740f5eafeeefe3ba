"""Deletes or pins a checkpoint of a run that is not training, whose lock is held here."""

import contextlib
from collections.abc import Callable
from pathlib import Path

from cifar_tui.checkpoint_events import CheckpointDeleted
from cifar_tui.control import DeleteCheckpoint, PinCheckpoint, RequestQueue
from cifar_tui.events import Emit, Event, Noted
from cifar_tui.files.append_file import LineFile
from cifar_tui.files.run_files import journal_path
from cifar_tui.jobs.session import Job
from cifar_tui.runs.checkpoints.delete import CheckpointDeleter
from cifar_tui.runs.overview import read_journaled
from cifar_tui.runs.records.journal import append_event


class CheckpointJob(Job):
    """Deletes or pins one checkpoint."""

    def __init__(
        self, folder: Path, request: DeleteCheckpoint | PinCheckpoint, close_run: Callable[[], None] = lambda: None
    ) -> None:
        """Prepare; `close_run` is called at the end."""
        self._folder = folder
        self._request = request
        self._close_run = close_run

    def run(self, emit: Emit, _requests: RequestQueue) -> None:
        """Delete or pin, and emit so."""
        deleter = CheckpointDeleter(self._folder)
        event = deleter.manage_checkpoint(self._request, read_journaled(self._folder), frozenset())
        if event is not None:
            emit(event)

    def append_event(self, event: Event) -> None:
        """Append to the run's journal what was deleted."""
        if isinstance(event, CheckpointDeleted):
            with contextlib.suppress(OSError):  # it is gone all the same, and the folder says so
                journal = LineFile(journal_path(self._folder))
                append_event(journal, event)
                journal.close()

    def failed(self, reason: str, _exit_code: int) -> Event:
        """Return that it could not be done."""
        return Noted(reason)

    def failed_unexpectedly(self, reason: str, _details: str) -> Event:
        """Return that it could not be done."""
        return Noted(f"{self._request.checkpoint} is unchanged: {reason}")

    def close(self) -> None:
        """Release the lock, where it was taken for this."""
        self._close_run()
