"""The panel of the queue: the jobs that run and wait, their order, and the keys that change it."""

import contextlib
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType

from cifar_tui.dataclass import dataclass
from cifar_tui.errors import CifarTuiError
from cifar_tui.queue.changes import Change, Entry, QueueState, retried
from cifar_tui.queue.command import queue_command
from cifar_tui.queue.drop import stop_dropped
from cifar_tui.queue.job import differing
from cifar_tui.queue.progress import RunWatch
from cifar_tui.queue.readiness import waits_for
from cifar_tui.queue.store import QueueStore, runner_of
from cifar_tui.text import safe_text, shortened
from cifar_tui.tui.browser.folder_watcher import FolderWatcher, Found
from cifar_tui.tui.dialogs.questions import CANCEL, Choice, Question
from cifar_tui.tui.widgets.row_list import Columns, RowList

MOST_ROWS = 6
"""Jobs in view; the list of runs needs the rest."""
NAME_COLUMNS = 32
"""Width of the names; runs of a sweep differ at their ends."""
FRAME_ROWS = 3
"""Rows beside those of the jobs: the frame and the head."""


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job that runs or waits, or has failed before it had a run's folder."""

    name: str
    """Its number."""
    run: str
    """The name of its run."""
    running: bool
    """True while its run trains."""
    waiting: bool
    """True while it is still to be started."""
    state: str
    """Its state, and what it waits for."""
    options: str
    """Its options."""

    def cells(self) -> dict[str, str]:
        """Return its row's text, by column."""
        return {"  Queue": f"  {shortened(self.run, NAME_COLUMNS - 2)}", "State": self.state, "Options": self.options}


@dataclass(frozen=True, slots=True)
class QueuePiece:
    """The queue as a look has found it."""

    changed: tuple[JobRow, ...]
    """Its jobs that have not ended, and those that no list of runs shows: they have failed without a run."""
    title: str
    """Its state in words."""
    paused: bool
    """True while nothing is started."""
    hint: str
    """The way to have it started, where nothing else is missing."""


class QueueListing:
    """Reads a queue, and at another look only what is new. Used by one thread."""

    def __init__(self, place: Path) -> None:
        """List the queue of a folder of runs; nothing is read yet."""
        self._store = QueueStore(place)
        self._runs: dict[str, RunWatch] = {}

    def look(self) -> Iterator[QueuePiece]:
        """Yield the queue as it is now; one that cannot be read stays as it was."""
        with contextlib.suppress(CifarTuiError):
            state = self._store.read()
            run_by = runner_of(self._store)
            live = [entry for entry in state.in_order() if entry.state != "ended" or self._failed_without_run(entry)]
            first = differing(entry.job for entry in live)
            rows = tuple(filter(None, [self._row(state, entry, run_by, first) for entry in live]))
            idle = not run_by and not state.paused and any(row.waiting for row in rows)
            hint = f"quit with q, then: {queue_command(self._store, 'run --detach')}" if idle else ""
            yield QueuePiece(rows, self._title(state, rows, run_by), state.paused, hint)

    def _row(self, state: QueueState, entry: Entry, run_by: str, first: Collection[str]) -> JobRow | None:
        """Return a job's row, the options in `first` before the others.

        None where its run has ended, and nothing runs the queue that would write it down.
        """
        job = entry.job
        seen = self._seen(job.run) if entry.state == "started" and not run_by else ""
        if seen in ("finished", "stopped", "failed"):
            return None
        shown = f"in SLURM, {entry.slurm}" if entry.slurm else "interrupted" if seen == "interrupted" else "running"
        if entry.state == "waiting":
            runs = waits_for(job, state, self._store.place)
            shown = f"waits for {safe_text(runs[0], 40)}" if runs else "waiting"
        if entry.state == "ended":
            shown = f"failed: {safe_text(entry.reason, 200)}"
        running, waiting = entry.state == "started", entry.state == "waiting"
        options = safe_text(job.changes(first), 300)
        return JobRow(str(job.number), safe_text(job.run, 100), running, waiting, shown, options)

    def _failed_without_run(self, entry: Entry) -> bool:
        return entry.outcome == "failed" and not self._store.folder_of(entry.job.run).exists()

    def _seen(self, run: str) -> str:
        """Return the state of a run that was started, by its folder; "" where that cannot be read."""
        watch = self._runs.setdefault(run, RunWatch(self._store.folder_of(run)))
        with contextlib.suppress(OSError):
            return watch.look().state
        return ""

    def _title(self, state: QueueState, rows: Sequence[JobRow], run_by: str) -> str:
        parts = [f"{sum(row.running for row in rows)} running", f"{sum(row.waiting for row in rows)} waiting"]
        failed = sum(entry.outcome == "failed" for entry in state.in_order("ended"))
        parts += [f"{failed} failed"] if failed else []
        parts += ["paused"] if state.paused else [] if run_by else ["nothing runs it"]
        return f"Queue: {', '.join(parts)}"


def named(entry: Entry, row: JobRow) -> bool:
    """Return True if the row is this entry's."""
    return str(entry.job.number) == row.name


class QueuePanel(RowList[JobRow]):
    """The jobs that run and wait, and those that have failed without a run; there only while there are some."""

    COLUMNS: ClassVar[Columns] = Columns(
        widths={"  Queue": NAME_COLUMNS, "State": 22, "Options": 20},
        left=("  Queue", "State", "Options"),
        least_needed=("Options", "State"),
    )

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left_square_bracket", "shift(-1)", "Earlier", key_display="[", tooltip="Start this job earlier"),
        Binding("right_square_bracket", "shift(1)", "Later", key_display="]", tooltip="Start this job later"),
        Binding("p", "pause", "Pause queue", tooltip="Start nothing more; what is running trains on"),
        Binding("p", "resume", "Resume queue", tooltip="Start waiting jobs again"),
        Binding("r", "retry", "Retry", tooltip="Have a job that has failed wait again"),
        Binding("D,delete", "drop", "Drop", key_display="D", tooltip="Take this job out of the queue (asks first)"),
    ]

    def __init__(self, place: Path) -> None:
        """Watch the queue of a folder of runs; nothing is read yet."""
        super().__init__(id="queue-panel")
        self._place = place
        self._paused = False
        self._watcher: FolderWatcher[QueuePiece] = FolderWatcher(self.post_message, QueueListing)
        self.display = False

    @property
    def busy(self) -> bool:
        """True while the queue is being read, or still to be."""
        return self._watcher.busy

    def look(self) -> None:
        """Look at the queue again."""
        self._watcher.look(self._place)

    def on_unmount(self) -> None:
        """Look at it no more."""
        self._watcher.close()

    def action_shift(self, by: int) -> None:
        """Change the place of the job under the cursor."""
        row = self.selected
        if row is None or not row.waiting:
            self.notify("Only a job that waits can be moved.", severity="warning")
            return

        def decide(state: QueueState) -> Sequence[Change]:
            waiting = [entry.job.number for entry in state.in_order("waiting")]
            number = int(row.name)
            if number not in waiting:
                return []
            to = min(max(waiting.index(number) + by, 0), len(waiting) - 1)
            return [Change(change="move", number=number, to=to)]

        self._change(decide)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 - textual's
        """Offer to pause a queue that is not paused, and to resume one that is."""
        return self._paused == (action == "resume") if action in ("pause", "resume") else True

    def action_pause(self) -> None:
        """Have the queue start nothing more."""
        self._change(lambda state: [] if state.paused else [Change(change="pause")])

    def action_resume(self) -> None:
        """Have the queue start jobs again."""
        self._change(lambda state: [Change(change="resume")] if state.paused else [])

    def action_retry(self) -> None:
        """Have the job under the cursor wait again."""
        row = self.selected
        if row is not None:
            self._change(lambda state: [retried(entry) for entry in state.in_order() if named(entry, row)])

    def action_drop(self) -> None:
        """Ask, and take the job under the cursor out of the queue."""
        row = self.selected
        if row is None:
            return

        def answered(answer: str | None) -> None:
            if answer == "y":
                self.run_worker(lambda: self._drop(row), thread=True)

        detail = "It is running: it saves and ends, and its run stays." if row.running else "It will not be trained."
        choices = [Choice(CANCEL, "Cancel", "primary"), Choice("y", "Drop", "error")]
        self.app.push_screen(Question(f"Drop {row.run} from the queue?", detail, choices), answered)

    def _change(self, decide: Callable[[QueueState], Sequence[Change]]) -> None:
        """Change the queue on another thread: a disk may be slow."""
        self.run_worker(lambda: self._try(lambda: QueueStore(self._place).change(decide)), thread=True)

    def _drop(self, row: JobRow) -> None:
        store, dropped = QueueStore(self._place), list[Entry]()

        def decide(state: QueueState) -> Sequence[Change]:
            dropped[:] = [entry for entry in state.in_order() if named(entry, row)]
            return [Change(change="drop", number=entry.job.number) for entry in dropped]

        self._try(lambda: store.change(decide))
        for entry in dropped:
            said = f"{row.run} was dropped.{stop_dropped(store, entry)}"
            self.app.call_from_thread(self.notify, said, markup=False)

    def _try(self, change: Callable[[], object]) -> None:
        try:
            change()
        except CifarTuiError as error:
            self.app.call_from_thread(self.notify, str(error), severity="error", markup=False)
        self.app.call_from_thread(self.look)

    @on(Found)
    def _show_queue(self, message: Found[QueuePiece]) -> None:
        message.stop()
        rows = message.piece.changed
        self.border_title = message.piece.title
        self.border_subtitle = message.piece.hint.replace("[", "\\[")
        if self._paused != message.piece.paused:
            self._paused = message.piece.paused
            self.refresh_bindings()
        if not rows and self.has_focus:
            self.screen.focus_next()
        self.display = bool(rows)
        self.styles.height = min(len(rows), MOST_ROWS) + FRAME_ROWS
        self.show(rows, "", falling=False)

    @on(RowList.Chosen)
    @on(RowList.HeadClicked)
    def _keep(self, message: RowList.Chosen | RowList.HeadClicked) -> None:
        message.stop()  # the list of runs has its own
