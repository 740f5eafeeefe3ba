"""Reads what a run says elsewhere, or said before it ended, from its journal."""

import os
import threading
from pathlib import Path
from queue import Empty, SimpleQueue

from cifar_tui.control import Request
from cifar_tui.curves import StepColumns
from cifar_tui.events import RunFailed, RunFinished, RunResumed, RunStarted, RunStopped, StepDone
from cifar_tui.history import Said
from cifar_tui.runs.folder import being_trained
from cifar_tui.runs.journal import NAME, read_said
from cifar_tui.text import safe_text

LOOK_SECONDS = 0.2
"""How often the journal is looked at."""
NO_WORD = "The run ended without a word: it was killed, or its machine stopped. Key r goes on from its last state."


class FollowedJournal:
    """A run's journal as a link. What was said before comes at once, when all of it is read."""

    def __init__(self, folder: Path) -> None:
        """Begin to read on a thread of its own."""
        self.heeds = False
        self.ended = False
        self._folder = folder
        self._said: SimpleQueue[list[Said]] = SimpleQueue()
        self._left = threading.Event()
        threading.Thread(target=self._follow, name="journal", daemon=True).start()

    def drain(self) -> list[Said]:
        """Everything said since the last call, in order; never waits."""
        said: list[Said] = []
        try:
            while True:
                said += self._said.get_nowait()
        except Empty:
            return said

    def ask(self, request: Request) -> None:
        """Nobody hears."""

    def join(self, _seconds: float | None = None) -> bool:
        """Stop reading."""
        self._left.set()
        return True

    def _follow(self) -> None:
        try:
            self._read()
        except OSError as error:
            where = safe_text(str(self._folder / NAME), 200)
            self._said.put([RunFailed(f"Cannot read {where}: {error.strerror or error}.", "", 1)])
        self.ended = True

    def _read(self) -> None:
        path = self._folder / NAME
        over = False
        file = path.open("rb")
        try:
            while not self._left.is_set():
                # Looked at before the journal is read once more, so that a last word is never missed.
                trained = being_trained(self._folder)
                said = list(read_said(file))
                over = _is_over(said, over)
                if not trained and not over:
                    said.append(RunFailed(NO_WORD, "", 1))
                if said:
                    self._said.put(said)
                if not trained:
                    return
                self._left.wait(LOOK_SECONDS)
                if os.stat(path).st_ino != os.fstat(file.fileno()).st_ino:  # noqa: PTH116 - of a descriptor, too
                    # Written again from an earlier step on: everything is said again, from the start.
                    file.close()
                    file = path.open("rb")
        finally:
            file.close()


def _is_over(said: list[Said], before: bool) -> bool:
    """Whether the run had ended when the last of this was said."""
    over = before
    for one in said:
        if isinstance(one, RunFinished | RunStopped | RunFailed):
            over = True
        elif isinstance(one, RunStarted | RunResumed | StepDone | StepColumns):
            over = False
    return over
