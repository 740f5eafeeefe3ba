"""The recorder of a run: its journal, the tutorial's logs and TensorBoard's files, behind one call per event."""

import time
from typing import TYPE_CHECKING

from cifar_tui.checkpoint_events import EvaluationDone
from cifar_tui.errors import NO_ROOM, BadInput
from cifar_tui.events import Event, RolledBack, RunResumed, RunStarted
from cifar_tui.files.append_file import RETRY_SECONDS, LineFile
from cifar_tui.files.run_files import journal_path
from cifar_tui.runs.folder import RunFolder
from cifar_tui.runs.records.journal import append_event, read_events
from cifar_tui.runs.records.rewind import rewind_records
from cifar_tui.runs.records.tutorial_logs import TutorialLogs

if TYPE_CHECKING:
    from cifar_tui.runs.records.tensorboard_files import TensorBoardFiles


class Recorder:
    """Keeps the journal, the tutorial's records and TensorBoard's of one run. Used by one thread."""

    def __init__(self, folder: RunFolder) -> None:
        """Open the files, at their end where there are some. Raises OSError."""
        self._folder = folder
        self._trouble: OSError | None = None
        self._rewind_to: int | None = None
        """A step that the records still have to go back to, because the disk refused."""
        self._tested_again = False
        """True while the records end with an epoch that is tested again."""
        self._try_again_at = 0.0
        self._held: list[Event] = []
        """Events since then."""
        self._tensorboard: TensorBoardFiles | None = None
        self._for_tensorboard: bool | None = None
        """True where the recipe wants its files; None until it is known."""
        self._open()

    def append_event(self, event: Event) -> str | None:
        """Append the event. Returns a sentence for a person when the disk starts or stops refusing.

        Progress of long work is only for whoever watches, and is not kept. An event that takes the run back to an
        earlier step takes the records back first; until the disk lets them go back, everything waits in memory.
        """
        if not event.recorded:
            return None
        if isinstance(event, RunResumed | RolledBack):
            to_step = event.at_step if isinstance(event, RunResumed) else event.to_step
            self._rewind_to = to_step if self._rewind_to is None else min(self._rewind_to, to_step)
            self._try_again_at = 0.0
        self._held.append(event)
        error = self._write_held() or self._refusal
        before, self._trouble = self._trouble, error
        if error is not None and before is None:
            advice = " Free some space." if error.errno in NO_ROOM else ""
            return f"The run's records wait in memory, for the disk refuses them: {error.strerror}.{advice}"
        if error is None and before is not None:
            return "The run's records are written again, and complete."
        return self._tensorboard.pop_note() if self._tensorboard is not None else None

    def close(self) -> OSError | None:
        """Write what waits, and close the files. Returns the reason why some of it could not be written."""
        self._try_again_at = 0.0
        error = self._write_held()
        for file in self._files:
            file.close()
        if self._tensorboard is not None:
            self._tensorboard.close()
        return error or self._refusal

    def _write_held(self) -> OSError | None:
        """Write down what waits for the records to go back. Returns what is in the way, but for what files keep."""
        if self._rewind_to is not None:
            if time.monotonic() < self._try_again_at:
                return self._trouble
            try:
                self._rewind(self._rewind_to)
            except OSError as refused:
                self._try_again_at = time.monotonic() + RETRY_SECONDS
                return refused
            self._rewind_to = None
        error: OSError | None = None
        for event in self._held:
            try:
                self._logs.write(event)
            except OSError as refused:
                error = refused
            at = time.time()
            self._write_for_tensorboard(event, at)
            append_event(self._journal, event, at)
        self._held = []
        for file in self._files:
            file.flush_if_due()  # a file that gets a line an epoch would keep the disk's refusal for as long
        return error

    def _write_for_tensorboard(self, event: Event, at: float) -> None:
        """Write the event for TensorBoard where the run's recipe says so; a disk that refuses that costs no record."""
        if isinstance(event, RunStarted | RunResumed):
            self._for_tensorboard = event.recipe.tensorboard
        elif self._for_tensorboard is None and isinstance(event, EvaluationDone):  # of a run that has ended
            self._for_tensorboard = _wants_tensorboard(self._folder)
        if not self._for_tensorboard:
            return
        if self._tensorboard is None:
            # Only a run that wants it has these modules to load.
            from cifar_tui.runs.records.tensorboard_files import TensorBoardFiles

            self._tensorboard = TensorBoardFiles(self._folder.path)
        self._tensorboard.write(event, at, tested_again=self._tested_again)

    @property
    def _refusal(self) -> OSError | None:
        """The disk's latest answer to a file, where it is a refusal."""
        return next((file.error for file in self._files if file.error is not None), None)

    @property
    def _files(self) -> tuple[LineFile, ...]:
        return self._journal, self._logs.log, self._logs.accuracies

    def _open(self) -> None:
        path = journal_path(self._folder.path)
        past = (lambda: read_events(path)) if path.exists() else tuple
        self._logs = TutorialLogs(self._folder.path, past)
        self._journal = LineFile(path)

    def _rewind(self, step: int) -> None:
        """Take the files back. Raises OSError, with every file and everything that waits as it was."""
        for file in self._files:
            file.flush()
            if file.error is not None:
                raise file.error
        for file in self._files:
            file.release()  # some disks put no file in the place of an open one
        self._tested_again = rewind_records(self._folder.path, step)
        self._open()


def _wants_tensorboard(folder: RunFolder) -> bool:
    try:
        return folder.recipe().tensorboard
    except BadInput:
        return False
