"""The checkpoints of the runs that the browser shows: its own, and those of other runs, which it only reads."""

from collections.abc import Callable, Sequence
from pathlib import Path

from cifar_tui.history.run_history import RunHistory
from cifar_tui.runs.checkpoints.listing import Listing, Piece
from cifar_tui.runs.checkpoints.sidecars import Sidecar, epoch_checkpoint
from cifar_tui.text import safe_text
from cifar_tui.tui.browser.checkpoint_view import CheckpointView, Entry
from cifar_tui.tui.browser.folder_watcher import FolderWatcher, Found
from cifar_tui.tui.evaluation.evaluation_finder import EvaluationFinder, FoundEvaluation
from cifar_tui.tui.intervals import DEFAULT_INTERVALS
from cifar_tui.tui.run_reader import RunLoaded, RunReader, RunUpdated
from cifar_tui.tui.widgets.row_list import MARK_SIGN
from cifar_tui.tui.widgets.rows import cut

NAME_LENGTH = 40
"""Characters of a run's name in a caption."""
Post = Callable[[Found[Piece] | RunLoaded | RunUpdated], object]


class RunCheckpoints:
    """One run's checkpoints: which are listed, which are marked, and their evaluations."""

    def __init__(
        self, post: Post, folder: Path | None = None, look_seconds: float = DEFAULT_INTERVALS.other_runs
    ) -> None:
        """Read nothing yet; what is read is handed to `post`, on other threads. A folder is that of another run."""
        self.folder = folder
        self.is_other = folder is not None
        """True for another run than the one on the screen."""
        self.history = RunHistory()
        self.view = CheckpointView()
        self._post = post
        self._look_seconds = look_seconds
        self._finder = EvaluationFinder()
        self._watcher = FolderWatcher(post, Listing)
        self._reader: RunReader | None = None
        self._saved = -1
        self._signs: object = None
        """The facts behind the rows' signs, as they were last shown."""

    @property
    def name(self) -> str:
        """The run's name, for people."""
        return safe_text(self.folder.name, NAME_LENGTH) if self.folder is not None else ""

    @property
    def run_name(self) -> str:
        """The run's own name, for people; that of its folder where it has not been read."""
        return safe_text(self.history.started.run, NAME_LENGTH) if self.history.started is not None else self.name

    def open(self) -> None:
        """Come into view: another run's journal is read, and followed while it trains."""
        if self.is_other and self.folder is not None:
            self._reader = RunReader([self.folder], self._post, self._look_seconds)
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

    def list_files(self, message: Found[Piece]) -> bool:
        """List what was found in this run's folder. Returns True if the list has to be put in order now.

        Only the first rows, and the complete list, are.
        """
        if message.watcher is not self._watcher:
            return False
        first = not self.view.listed
        self.view.update(message.piece)
        return first or message.piece.size is not None

    def apply(self, message: RunLoaded | RunUpdated) -> bool:
        """Apply the events of another run. Returns True if they are of this one."""
        if message.reader is not self._reader:
            return False
        history = self.history if isinstance(message, RunUpdated) else message.history
        for event in message.events if isinstance(message, RunUpdated) else ():
            history.apply(event)
        self.follow(history)
        return True

    @property
    def busy(self) -> bool:
        """True while the folder is being looked at, or still to be."""
        return self._watcher.busy

    @property
    def outdated(self) -> bool:
        """True if other signs hold now than were last shown."""
        return self._signs != self._signs_now()

    def entries(self) -> list[Entry]:
        """Return all of them with the signs that hold now, the newest first."""
        self._signs = self._signs_now()
        return self.view.entries(self.history)

    def title(self, in_view: int) -> str:
        """Return the list's title; another run's begins with its name."""
        title = self.view.title(in_view)
        return f"{self.name}, read only · {title}" if self.is_other else title

    def find(self, sidecar: Sidecar) -> FoundEvaluation | None:
        """Return the evaluation of a checkpoint, if there is one."""
        return self._finder.find(self.folder, sidecar, self.history) if self.folder is not None else None

    def marked(self) -> list[Path]:
        """Return the files of the marked checkpoints that are still there, the oldest first."""
        folder = self.folder
        return [folder / one.checkpoint for one in self.view.marked_sidecars()] if folder is not None else []

    def marked_text(self) -> str:
        """Return the run and its marked epochs, as `one 1, 3`; a checkpoint in mid-epoch by its step."""
        sidecars = self.view.marked_sidecars()
        places = (f"{one.epoch}" if _ends_epoch(one) else f"step {one.step:,}" for one in sidecars)
        return f"{self.name} {', '.join(places)}" if sidecars else ""

    def _signs_now(self) -> object:
        evaluated = {name: result.accuracy for name, result in self.history.verdicts.items()}
        return self.history.best, list(self.history.failed_evaluations), evaluated, self.history.test_checksum


class BrowsedRuns:
    """The run that is followed and the other runs that were shown; their marks stay."""

    def __init__(self, history: RunHistory, post: Post, look_seconds: float) -> None:
        """Show the run with this history first."""
        self.own = self.shown = RunCheckpoints(post)
        self.own.history = history
        self._post = post
        self._look_seconds = look_seconds
        self._others: dict[Path, RunCheckpoints] = {}

    @property
    def all(self) -> list[RunCheckpoints]:
        """The run that is followed first, then the others."""
        return [self.own, *self._others.values()]

    def show(self, folder: Path) -> None:
        """Show a run's checkpoints."""
        self.shown.leave()
        if folder == self.own.folder:
            self.shown = self.own
        else:
            new = RunCheckpoints(self._post, folder, self._look_seconds)
            self.shown = self._others.setdefault(folder, new)
        self.shown.open()

    def marked(self) -> list[Path]:
        """Return the files of all that is marked, those of the followed run first."""
        return [file for run in self.all for file in run.marked()]

    def close(self) -> None:
        """Look at no folder any more."""
        for run in self.all:
            run.close()


def marks_caption(runs: Sequence[RunCheckpoints], room: int) -> str:
    """Return which checkpoints of which runs are marked, as far as there is room: all of them, or how many."""
    marking = [one for one in runs if one.view.marked_sidecars()]
    if not marking:
        return ""
    counts = (f"{len(one.view.marked_sidecars())} of {one.name}" for one in marking)
    every = f"{MARK_SIGN} {' · '.join(one.marked_text() for one in marking)}"
    return every if len(every) <= room else cut(f"{MARK_SIGN} {', '.join(counts)}", room)


def _ends_epoch(sidecar: Sidecar) -> bool:
    return sidecar.checkpoint == epoch_checkpoint(sidecar.epoch)
