"""A clock of training time, which pauses, tests and a suspended machine do not count towards."""

import contextlib
import threading
import time
from collections.abc import Iterator

HEARTBEAT_SECONDS = 0.25
STANDSTILL_SECONDS = 2.0
"""A longer time between two heartbeats means that nothing ran: a busy machine delays them by far less."""


class TrainingClock:
    """Runs from the start; a thread of its own notices when the whole process stood still."""

    def __init__(self) -> None:
        self._lost = 0.0
        self._last = time.monotonic()
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._zero = self.now()
        self._stopped_at: float | None = None
        self._thread = threading.Thread(target=self._keep_beating, name="clock", daemon=True)
        self._thread.start()

    def now(self) -> float:
        """Return seconds that only go forward, without any time in which the process stood still."""
        with self._lock:
            now = time.monotonic()
            if now - self._last > STANDSTILL_SECONDS:
                self._lost += now - self._last
            self._last = max(self._last, now)
            return self._last - self._lost

    def start(self, seconds: float) -> None:
        """Go on from so much training time."""
        self._zero = self.now() - seconds

    def seconds(self) -> float:
        """Return the training time."""
        return (self.now() if self._stopped_at is None else self._stopped_at) - self._zero

    @contextlib.contextmanager
    def stopped(self) -> Iterator[None]:
        """Stand still meanwhile; inside another standstill, that one counts."""
        if self._stopped_at is not None:
            yield
            return
        self._stopped_at = self.now()
        try:
            yield
        finally:
            self._zero += self.now() - self._stopped_at
            self._stopped_at = None

    def close(self) -> None:
        """End the thread."""
        self._closing.set()
        self._thread.join()

    def _keep_beating(self) -> None:
        while not self._closing.wait(HEARTBEAT_SECONDS):
            self.now()
