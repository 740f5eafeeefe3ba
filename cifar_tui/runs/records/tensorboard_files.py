"""Files of events for TensorBoard: of a run as it trains, and of an old one from its journal."""

import contextlib
import time
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import get_args

from cifar_tui.checkpoint_events import EvaluationDone
from cifar_tui.errors import BadInput
from cifar_tui.events import Event, StepDone
from cifar_tui.files import tfevents
from cifar_tui.files.append_file import RETRY_SECONDS, LineFile
from cifar_tui.files.atomic_write import write_atomically
from cifar_tui.files.run_files import TENSORBOARD_NAME, journal_path
from cifar_tui.runs.checkpoints.sidecars import list_sidecars
from cifar_tui.runs.checkpoints.verdicts import read_evaluation
from cifar_tui.runs.records.journal import read_feed, read_stamped
from cifar_tui.runs.records.tensorboard import Board, TensorBoardMessages
from cifar_tui.text import safe_text

FILE_STEM = "events.out.tfevents."
"""Beginning of the names that readers know; seconds since 1970 follow, by which they order the files."""
BLOCK_SECONDS = 1.0
"""Steps are written together that come within so many seconds."""
BLOCK_MESSAGES = 512
"""Messages that are written together at most."""
MOST_WAITING = 16_000_000
"""Bytes that wait for a disk that refuses; beyond, the oldest messages are dropped."""


class EventFile:
    """A file of events, made with its first one. What the disk refuses waits in memory and is tried again."""

    def __init__(self, folder: Path) -> None:
        """Prepare a new file in this folder, which is made where it is missing."""
        self._folder = folder
        self._file: LineFile | None = None
        self._waiting: deque[bytes] = deque()
        self._bytes = 0
        self._try_again_at = 0.0
        self.error: OSError | None = None

    def append(self, message: bytes) -> None:
        """Add a message to those that wait for `flush`."""
        self._waiting.append(message)
        self._bytes += len(message)
        while self._bytes > MOST_WAITING:
            self._bytes -= len(self._waiting.popleft())
        if len(self._waiting) >= BLOCK_MESSAGES:
            self.flush()

    def flush(self) -> None:
        """Hand what waits to the operating system, as far as it takes it. Never raises for the disk: see `error`."""
        if time.monotonic() < self._try_again_at:
            return
        try:
            if self._file is None:
                self._file = self._open()
        except OSError as error:
            self.error = error
            self._try_again_at = time.monotonic() + RETRY_SECONDS
            return
        self._file.append(b"")  # the end of a block that was refused goes first
        if self._file.error is None and self._waiting:
            block = tfevents.frame(self._waiting)
            self._waiting.clear()
            self._bytes = 0
            self._file.append(block)
        self.error = self._file.error

    def close(self) -> None:
        """Flush once more and close."""
        self._try_again_at = 0.0
        if self._waiting:
            self.flush()
        if self._file is not None:
            self._file.close()

    def _open(self) -> LineFile:
        self._folder.mkdir(parents=True, exist_ok=True)
        file = LineFile(new_file(self._folder, time.time()))
        self._waiting.appendleft(tfevents.file_version(time.time()))
        return file


class TensorBoardFiles:
    """The files of a run that trains, in its folder. Used by one thread."""

    def __init__(self, folder: Path) -> None:
        """Prepare; nothing is read or made before there is something to write."""
        self._folder = folder
        self._messages: TensorBoardMessages | None = None
        self._files: dict[Board, EventFile] = {}
        self._flush_at = 0.0
        self._failed = False
        self._note: str | None = None

    def write(self, event: Event, at: float, *, tested_again: bool) -> None:
        """Write an event, before it is in the journal; see `TensorBoardMessages.of`. Never raises for the disk."""
        if self._messages is None:
            self._messages = self._begin()
        self._append(self._messages.of(event, at, tested_again=tested_again))
        if not isinstance(event, StepDone) or time.monotonic() >= self._flush_at:
            self._flush()

    def pop_note(self) -> str | None:
        """Return a sentence for a person when the disk has refused for the first time, once."""
        note, self._note = self._note, None
        return note

    def close(self) -> None:
        """Write what waits, and close the files."""
        for file in self._files.values():
            file.close()

    def _begin(self) -> TensorBoardMessages:
        """Take up what was written before or, where the run had no such files so far, write what has happened."""
        messages = TensorBoardMessages(lambda done: wrong_pixels(self._folder, done))
        place, journal = self._folder / TENSORBOARD_NAME, journal_path(self._folder)
        with contextlib.suppress(OSError):  # there is no journal yet
            if event_files(place):
                with journal.open("rb") as file:
                    for item in read_feed(file):
                        messages.skip(item)
            else:
                for at, event in read_stamped(journal):
                    self._append(messages.of(event, at))
        return messages

    def _append(self, messages: Iterator[tuple[Board, bytes]]) -> None:
        for board, message in messages:
            if board not in self._files:
                self._files[board] = EventFile(self._folder / TENSORBOARD_NAME / board)
            self._files[board].append(message)

    def _flush(self) -> None:
        self._flush_at = time.monotonic() + BLOCK_SECONDS
        for file in self._files.values():
            file.flush()
        error = next((file.error for file in self._files.values() if file.error is not None), None)
        if error is not None and not self._failed:
            self._failed = True
            why = error.strerror or error
            self._note = f"TensorBoard's files cannot be written: {why}. Training continues; export can write them."


def export_to(folder: Path, place: Path) -> int:
    """Write the files of a run, from its journal, into a place instead of those that are there.

    Returns the number of steps. Raises BadInput without a step or where the journal cannot be read, OSError.
    """
    written: dict[Board, list[bytes]] = {}
    messages = TensorBoardMessages(lambda done: wrong_pixels(folder, done))
    steps, began = 0, 0.0
    for at, event in _journal_and_evaluations(folder):
        began = began or at
        steps += isinstance(event, StepDone)
        for board, message in messages.of(event, at):
            written.setdefault(board, [tfevents.file_version(at)]).append(message)
    if not steps:
        raise BadInput(f"The run in {safe_text(str(folder), 200)} has no steps to write.")
    before = event_files(place)
    for board, of_board in written.items():
        (place / board).mkdir(parents=True, exist_ok=True)
        _write(new_file(place / board, began), tfevents.frame(of_board))
    for file in before:
        file.unlink()
    return steps


def event_files(place: Path) -> list[Path]:
    """Return the files of events in a place, with those that a crash has left half-written."""
    return [path for board in get_args(Board) for path in (place / board).glob(f"*{FILE_STEM}*")]


def _journal_and_evaluations(folder: Path) -> Iterator[tuple[float, Event]]:
    """Yield a run's journal, then what is stored beside its checkpoints: `evaluate` writes into no journal."""
    journal = journal_path(folder)
    at = 0.0
    try:
        for at, event in read_stamped(journal):
            yield at, event
    except OSError as error:
        raise BadInput(f"Cannot read {safe_text(str(journal), 200)}: {error.strerror or error}.") from error
    for sidecar in list_sidecars(folder):
        with contextlib.suppress(OSError, ValueError):  # it was not evaluated
            stored = read_evaluation(folder, sidecar.checkpoint)
            if not stored.outdated_because(sidecar, ""):
                yield at, stored.verdict


def _write(path: Path, content: bytes) -> None:
    write_atomically(path, lambda file: file.write(content))


def wrong_pixels(folder: Path, done: EvaluationDone) -> Sequence[bytes]:
    """Return the pixels of the images that an evaluation was most wrong about; none where they are not stored."""
    try:
        stored = read_evaluation(folder, done.checkpoint)
    except (OSError, ValueError):
        return ()
    same = stored.verdict.test_checksum == done.test_checksum and stored.verdict.wrongest == done.wrongest
    return stored.pictures if same else ()


def new_file(folder: Path, at: float) -> Path:
    """Return the path of a new file, which readers take after those that are there; `at` is about its first event."""
    used = (path.name.removeprefix(FILE_STEM).split(".")[0] for path in folder.glob(f"{FILE_STEM}*"))
    newest = max((int(one) for one in used if one.isdecimal()), default=0)
    return folder / f"{FILE_STEM}{max(int(at), newest + 1):010d}.cifar-tui"
