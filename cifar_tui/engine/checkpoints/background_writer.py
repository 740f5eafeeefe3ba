"""Writes what the engine hands over on a thread of its own, one thing at a time; what the disk refuses is kept."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

FIRST_RETRY_SECONDS = 30.0
"""How long a disk that refused is left alone; twice as long after every further time."""
LAST_RETRY_SECONDS = 600.0
KEPT_BYTES = 512_000_000
"""What may wait in memory for a disk; beyond, the oldest is given up."""


@dataclass(slots=True, kw_only=True)
class WriteTask:
    """Something to be written."""

    name: str
    """The file."""
    replaces: str
    """What a newer one of the same kind takes the place of, while it waits; empty for what is always wanted."""
    size: int
    """Bytes, about."""
    write: Callable[[], None]
    """Writes it and says so. Raises OSError where the disk refuses."""
    refused: Callable[[str, float], None]
    """Is told why, and in how many seconds it is tried again; 0 for never."""
    tries: int = 0
    """How often it was tried."""
    due_at: float = 0.0
    """When it is tried next, on the monotonic clock."""
    owed: bool = True
    """Whether it is still to be tried since somebody asked for that."""

    def postpone(self) -> float:
        """Have it wait. Returns how many seconds."""
        wait = min(FIRST_RETRY_SECONDS * 2.0**self.tries, LAST_RETRY_SECONDS)
        self.tries += 1
        self.owed = False
        self.due_at = time.monotonic() + wait
        return wait


class BackgroundWriter:
    """A thread that writes. Any other may hand things over, and waits only where it asks to."""

    def __init__(self) -> None:
        """Start the thread; it ends with `close`."""
        self._waiting: list[WriteTask] = []
        self._writing: WriteTask | None = None
        self._closing = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._write_all, name="saver")
        self._thread.start()

    def schedule(self, save: WriteTask) -> None:
        """Have it written; returns at once."""
        with self._changed:
            if save.replaces:
                self._waiting = [one for one in self._waiting if one.replaces != save.replaces]
            self._waiting.append(save)
            dropped = self._over_limit()
            self._changed.notify_all()
        for one in dropped:
            one.refused("too much waits for the disk already", 0.0)

    def wait(self) -> bool:
        """Wait until everything handed over was tried once more. Returns whether all of it was written."""
        with self._changed:
            for save in self._waiting:
                save.due_at, save.owed = 0.0, True
            self._changed.notify_all()
            self._changed.wait_for(
                lambda: self._writing is None and not any(save.owed for save in self._waiting),
            )
            return not self._waiting

    def close(self) -> None:
        """Try once more what waits, and end the thread."""
        self.wait()
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join()

    def _over_limit(self) -> list[WriteTask]:
        """The oldest of what waits, taken out as far as it is too much; the newest always stays."""
        dropped: list[WriteTask] = []
        while len(self._waiting) > 1 and sum(save.size for save in self._waiting) > KEPT_BYTES:
            dropped.append(self._waiting.pop(0))
        return dropped

    def _next(self) -> WriteTask | None:
        """Wait for something that is due. Returns None when the thread is to end."""
        with self._changed:
            while not self._closing:
                now = time.monotonic()
                due = min(self._waiting, key=lambda save: save.due_at, default=None)
                if due is not None and due.due_at <= now:
                    self._waiting.remove(due)
                    self._writing = due
                    return due
                self._changed.wait(due.due_at - now if due is not None else None)
        return None

    def _write_all(self) -> None:
        while (save := self._next()) is not None:
            refusal = _refusal(save)
            wait = save.postpone() if refusal else 0.0
            with self._changed:
                newer = save.replaces and any(one.replaces == save.replaces for one in self._waiting)
                if refusal and not newer:
                    self._waiting.insert(0, save)
                self._writing = None
                self._changed.notify_all()
            if refusal and save.tries == 1:
                save.refused(refusal, wait)


def _refusal(save: WriteTask) -> str:
    """Try to write. Returns why it did not work; empty when it did."""
    try:
        save.write()
    except OSError as error:
        return error.strerror or str(error)
    except Exception as error:  # noqa: BLE001 - the other thread's top: a save that breaks must not end the saving
        return f"{type(error).__name__}"
    return ""
