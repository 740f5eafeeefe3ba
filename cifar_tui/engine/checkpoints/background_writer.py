"""Writes files on a thread of its own, one at a time; what could not be written waits and is tried again."""

import threading
import time
import traceback
from collections.abc import Callable

from cifar_tui.dataclass import dataclass

FIRST_RETRY_SECONDS = 30.0
"""Seconds until a disk that refused is tried again; twice as long after every further time."""
LAST_RETRY_SECONDS = 600.0
KEPT_BYTES = 512_000_000
"""Bytes that may wait in memory for a disk; beyond, the oldest are dropped."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The reason that something was not written."""

    reason: str
    """In a few words: the operating system's, or the name of an exception."""
    details: str = ""
    """The traceback of a bug; empty where the disk refused."""


@dataclass(slots=True, kw_only=True)
class WriteTask:
    """Something to be written."""

    name: str
    """The file."""
    replaces: str
    """A kind of which only the newest waits; empty for what is always wanted."""
    size: int
    """Bytes, about."""
    write: Callable[[], None]
    """Writes it. Raises OSError where the disk refuses."""
    refused: Callable[[Refusal, float], None]
    """Called the first time that it fails, with the seconds until it is tried again; 0 for never."""
    tries: int = 0
    """Tries so far."""
    due_at: float = 0.0
    """Time of the next try, on the monotonic clock."""
    owed: bool = True
    """True until it was tried once after `BackgroundWriter.wait` was called."""
    refusal: Refusal | None = None
    """The reason that the last try failed."""

    def postpone(self, refusal: Refusal) -> float:
        """Let it wait after a try that failed. Returns how many seconds."""
        wait = min(FIRST_RETRY_SECONDS * 2.0**self.tries, LAST_RETRY_SECONDS)
        self.refusal = refusal
        self.tries += 1
        self.owed = False
        self.due_at = time.monotonic() + wait
        return wait


class BackgroundWriter:
    """A thread that writes. Any other thread may schedule tasks, and waits only in `wait` and `close`."""

    def __init__(self) -> None:
        """Start the thread; it ends with `close`."""
        self._waiting: list[WriteTask] = []
        self._writing: WriteTask | None = None
        self._closing = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._write_all, name="writer")
        self._thread.start()

    def schedule(self, task: WriteTask) -> None:
        """Have it written; returns at once."""
        with self._changed:
            if task.replaces:
                self._waiting = [one for one in self._waiting if one.replaces != task.replaces]
            self._waiting.append(task)
            dropped = self._over_limit()
            self._changed.notify_all()
        for one in dropped:
            one.refused(Refusal("too many files wait for the disk"), 0.0)

    def wait(self) -> list[WriteTask]:
        """Wait until every task was tried once more. Returns those that still wait; none when all is written."""
        with self._changed:
            for task in self._waiting:
                task.due_at, task.owed = 0.0, True
            self._changed.notify_all()
            self._changed.wait_for(
                lambda: self._writing is None and not any(task.owed for task in self._waiting),
            )
            return list(self._waiting)

    def close(self) -> None:
        """Try once more what waits, and end the thread."""
        self.wait()
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join()

    def _over_limit(self) -> list[WriteTask]:
        """Take the oldest tasks out as far as they are too much; the newest always stays."""
        dropped: list[WriteTask] = []
        while len(self._waiting) > 1 and sum(task.size for task in self._waiting) > KEPT_BYTES:
            dropped.append(self._waiting.pop(0))
        return dropped

    def _next(self) -> WriteTask | None:
        """Wait for a task that is due. Returns None when the thread is to end."""
        with self._changed:
            while not self._closing:
                now = time.monotonic()
                due = min(self._waiting, key=lambda task: task.due_at, default=None)
                if due is not None and due.due_at <= now:
                    self._waiting.remove(due)
                    self._writing = due
                    return due
                self._changed.wait(due.due_at - now if due is not None else None)
        return None

    def _write_all(self) -> None:
        while (task := self._next()) is not None:
            refusal = _try_to_write(task)
            wait = task.postpone(refusal) if refusal else 0.0
            with self._changed:
                newer = task.replaces and any(one.replaces == task.replaces for one in self._waiting)
                if refusal and not newer:
                    self._waiting.insert(0, task)
                self._writing = None
                self._changed.notify_all()
            if refusal and task.tries == 1:
                task.refused(refusal, wait)


def _try_to_write(task: WriteTask) -> Refusal | None:
    try:
        task.write()
    except OSError as error:
        return Refusal(error.strerror or str(error))
    except Exception as error:  # noqa: BLE001 - the top of this thread: one save that breaks must not end all saving
        return Refusal(type(error).__name__, "".join(traceback.format_exception(error)))
    return None
