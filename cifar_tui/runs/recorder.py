"""Everything a run writes down as it happens, behind one call per event."""

from cifar_tui.events import EvaluationProgressed, Event, Progressed, Reopened, RolledBack, RunResumed
from cifar_tui.runs.folder import RunFolder
from cifar_tui.runs.journal import NAME, append_event, read_events
from cifar_tui.runs.line_file import LineFile
from cifar_tui.runs.rewind import rewind_records
from cifar_tui.runs.tutorial_logs import TutorialLogs


class Recorder:
    """Keeps the journal and the tutorial's records of one run. Used by the engine thread alone."""

    def __init__(self, folder: RunFolder) -> None:
        """Open the files, at their end where there are some. Raises OSError."""
        self._folder = folder
        self._trouble: OSError | None = None
        self._open()

    def record(self, event: Event) -> str | None:
        """Write the event down. Returns a sentence for a person when the disk starts or stops refusing.

        Progress of long work is only for whoever watches, and is not kept. An event that takes the run back to an
        earlier step takes the records back first.
        """
        if isinstance(event, Progressed | EvaluationProgressed | Reopened):
            return None
        error: OSError | None = None
        try:
            if isinstance(event, RunResumed | RolledBack):
                self._rewind(event.at_step if isinstance(event, RunResumed) else event.to_step)
            self._logs.write(event)
        except OSError as refused:
            error = refused
        append_event(self._journal, event)
        error = error or self._journal.error or self._logs.log.error or self._logs.accuracies.error
        before, self._trouble = self._trouble, error
        if error is not None and before is None:
            return f"The run's records cannot be written ({error.strerror}): they wait in memory, free some space."
        if error is None and before is not None:
            return "The run's records are complete again."
        return None

    def close(self) -> None:
        """Flush and close the files."""
        self._journal.close()
        self._logs.close()

    def _open(self) -> None:
        path = self._folder.path / NAME
        past = (lambda: read_events(path)) if path.exists() else tuple
        self._logs = TutorialLogs(self._folder.path, past)
        self._journal = LineFile(path)

    def _rewind(self, step: int) -> None:
        self.close()
        try:
            rewind_records(self._folder.path, step)
        finally:
            self._open()
