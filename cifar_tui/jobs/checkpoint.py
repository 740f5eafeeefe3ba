"""Deletes or pins a checkpoint of a run that is not training, whose lock is held here."""

import contextlib
from collections.abc import Callable
from pathlib import Path

from cifar_tui.control import DeleteCheckpoint, PinCheckpoint, Request, RequestQueue
from cifar_tui.events import CheckpointDeleted, Event, Noted
from cifar_tui.files.append_file import LineFile
from cifar_tui.files.run_files import journal_path
from cifar_tui.jobs.session import Emit
from cifar_tui.runs.checkpoints.delete import CheckpointDeleter
from cifar_tui.runs.overview import read_journaled
from cifar_tui.runs.records.journal import append_event


class CheckpointJob:
    """Does one thing a person asks of a checkpoint."""

    def __init__(
        self, folder: Path, request: DeleteCheckpoint | PinCheckpoint, let_go: Callable[[], None] = lambda: None
    ) -> None:
        """Prepare; `let_go` is called at the end."""
        self._folder = folder
        self._request = request
        self._let_go = let_go

    def replay(self) -> tuple[Event, ...]:
        """Nothing: whoever asks has the run's history."""
        return ()

    def listen(self, _submit: Callable[[Request], None], _say: Callable[[Event], None]) -> None:
        """Nobody else asks."""

    def run(self, emit: Emit, _requests: RequestQueue) -> None:
        """Delete or pin, and say so."""
        said = CheckpointDeleter(self._folder).manage_checkpoint(
            self._request, read_journaled(self._folder), frozenset()
        )
        if said is not None:
            emit(said)

    def append_event(self, event: Event) -> None:
        """Write into the run's journal what was deleted."""
        if isinstance(event, CheckpointDeleted):
            with contextlib.suppress(OSError):  # it is gone all the same, and the folder says so
                journal = LineFile(journal_path(self._folder))
                append_event(journal, event)
                journal.close()

    def failed(self, reason: str, _exit_code: int) -> Event:
        """It could not be done."""
        return Noted(reason)

    def failed_unexpectedly(self, reason: str, _details: str) -> Event:
        """It could not be done."""
        return Noted(f"{self._request.checkpoint} stays as it is: {reason}")

    def close(self) -> None:
        """Give the lock back, where it was taken for this."""
        self._let_go()
