"""One run's checkpoints as the browser shows them: its own, or those of another run, which it only reads."""

from collections.abc import Callable, Iterable
from pathlib import Path

from cifar_tui.history.run_history import RunHistory
from cifar_tui.runs.checkpoints.sidecars import Sidecar, epoch_checkpoint
from cifar_tui.text import safe_text
from cifar_tui.tui.browser.checkpoint_view import MARK_SIGN, CheckpointView, Entry
from cifar_tui.tui.browser.folder_watcher import FolderWatcher, Found
from cifar_tui.tui.evaluation.evaluation_finder import EvaluationFinder, FoundEvaluation
from cifar_tui.tui.run_reader import RunLoaded, RunReader, RunUpdated
from cifar_tui.tui.widgets.rows import cut

NAME_LENGTH = 40
"""Characters of a run's name in a caption."""


class RunCheckpoints:
    """What is listed and known of one run's checkpoints, in which order, and which are marked."""

    def __init__(self, say: Callable[[Found | RunLoaded | RunUpdated], object], folder: Path | None = None) -> None:
        """Read nothing yet; what is read is handed to `say`, on other threads. A folder is that of another run."""
        self.folder = folder
        self.is_other = folder is not None
        """Whether this is another run than the one on the screen."""
        self.history = RunHistory()
        self.view = CheckpointView()
        self._say = say
        self._finder = EvaluationFinder()
        self._watcher = FolderWatcher(say)
        self._reader: RunReader | None = None
        self._saved = -1
        self._signs: object = None
        """What the rows' signs come from, as it was last shown."""

    @property
    def name(self) -> str:
        """The run's name, for people."""
        return safe_text(self.folder.name, NAME_LENGTH) if self.folder is not None else ""

    def open(self) -> None:
        """Come into view: another run's journal is read, and followed while it trains."""
        if self.is_other and self.folder is not None:
            self._reader = RunReader([self.folder], self._say)
        self.look()

    def leave(self) -> None:
        """Go out of view."""
        if self._reader is not None:
            self._reader.close()

    def close(self) -> None:
        """Look at the folder no more."""
        self.leave()
        self._watcher.close()

    def look(self) -> None:
        """Have the folder looked at again."""
        if self.folder is not None:
            self._watcher.look(self.folder)

    def follow(self, history: RunHistory) -> None:
        """Take the run's history over; look at the folder again when something was saved or deleted."""
        self.history = history
        if history.started is not None and not self.is_other:
            self.folder = Path(history.started.folder)
        if len(history.checkpoints) != self._saved and self.folder is not None:
            self._saved = len(history.checkpoints)
            self.look()

    def show_files(self, message: Found) -> bool:
        """Take in what was found in a folder, where it is this one's. Returns whether it has to be put in order now.

        Only the first rows, and all of them, are.
        """
        if message.watcher is not self._watcher:
            return False
        first = not self.view.listed
        self.view.update(message.piece)
        return first or message.piece.size is not None

    def show_news(self, message: RunLoaded | RunUpdated) -> bool:
        """Take in what another run says, where it is this one. Returns whether it is."""
        if message.reader is not self._reader:
            return False
        history = self.history if isinstance(message, RunUpdated) else message.history
        for said in message.said if isinstance(message, RunUpdated) else ():
            history.apply(said)
        self.follow(history)
        return True

    @property
    def busy(self) -> bool:
        """Whether the folder is being looked at, or still to be."""
        return self._watcher.busy

    @property
    def outdated(self) -> bool:
        """Whether other signs hold now than were last shown."""
        return self._signs != self._signs_now()

    def entries(self) -> list[Entry]:
        """What is in view, in order, with the signs that hold now."""
        self._signs = self._signs_now()
        return self.view.entries(self.history)

    def title(self, in_view: int) -> str:
        """What is in view, in words; of another run with its name."""
        words = self.view.title(in_view)
        return f"{self.name}, read only · {words}" if self.is_other else words

    def find(self, sidecar: Sidecar) -> FoundEvaluation | None:
        """What is known of a checkpoint."""
        return self._finder.find(self.folder, sidecar, self.history) if self.folder is not None else None

    def marked(self) -> list[Path]:
        """The files of the marked ones that are still there, the oldest first."""
        folder = self.folder
        return [folder / one.checkpoint for one in self.view.marked_sidecars()] if folder is not None else []

    def marked_words(self) -> str:
        """`one 1, 3`: the run, and the epochs that are marked; a checkpoint in mid-epoch by its step."""
        sidecars = self.view.marked_sidecars()
        places = (f"{one.epoch}" if _ends_epoch(one) else f"step {one.step:,}" for one in sidecars)
        return f"{self.name} {', '.join(places)}" if sidecars else ""

    def _signs_now(self) -> object:
        return self.history.best, list(self.history.failed_evaluations)


def marks_caption(runs: Iterable[RunCheckpoints], room: int) -> str:
    """Which checkpoints of which runs are marked, as far as there is room: all of them, or how many."""
    marking = [one for one in runs if one.view.marked_sidecars()]
    if not marking:
        return ""
    counts = (f"{len(one.view.marked_sidecars())} of {one.name}" for one in marking)
    every = f"{MARK_SIGN} {' · '.join(one.marked_words() for one in marking)}"
    return every if len(every) <= room else cut(f"{MARK_SIGN} {', '.join(counts)}", room)


def _ends_epoch(sidecar: Sidecar) -> bool:
    return sidecar.checkpoint == epoch_checkpoint(sidecar.epoch)
