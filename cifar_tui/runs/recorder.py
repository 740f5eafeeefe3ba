"""Everything a run writes down as it happens, behind one call per event."""

from cifar_tui.events import EvaluationProgressed, Event, Progressed
from cifar_tui.runs.folder import RunFolder
from cifar_tui.runs.journal import NAME, append_event
from cifar_tui.runs.line_file import LineFile
from cifar_tui.runs.tutorial_logs import TutorialLogs


class Recorder:
    """Keeps the journal and the tutorial's records of one run. Used by the engine thread alone."""

    def __init__(self, folder: RunFolder) -> None:
        """Open the files. Raises OSError."""
        self._journal = LineFile(folder.path / NAME)
        self._logs = TutorialLogs(folder.path)
        self._trouble: OSError | None = None

    def record(self, event: Event) -> str | None:
        """Write the event down. Returns a sentence for a person when the disk starts or stops refusing.

        Progress of long work is only for whoever watches, and is not kept.
        """
        if isinstance(event, Progressed | EvaluationProgressed):
            return None
        append_event(self._journal, event)
        error: OSError | None = None
        try:
            self._logs.write(event)
        except OSError as refused:
            error = refused
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
