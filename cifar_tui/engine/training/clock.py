"""A clock that leaves out the time in which the whole process stood still, suspended or its machine asleep."""

import threading
import time

HEARTBEAT_SECONDS = 0.25
STANDSTILL_SECONDS = 2.0
"""A longer time between two beats means that nothing ran: a busy machine delays them by far less."""


class TrainingClock:
    """Beats on a thread of its own for as long as it is wanted."""

    def __init__(self) -> None:
        """Start beating."""
        self._lost = 0.0
        self._last = time.monotonic()
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._keep_beating, name="pulse", daemon=True)
        self._thread.start()

    def now(self) -> float:
        """Seconds, as a clock that only goes forward, without any time in which the process stood still."""
        with self._lock:
            now = time.monotonic()
            if now - self._last > STANDSTILL_SECONDS:
                self._lost += now - self._last
            self._last = max(self._last, now)
            return self._last - self._lost

    def close(self) -> None:
        """Stop beating."""
        self._stopped.set()
        self._thread.join()

    def _keep_beating(self) -> None:
        while not self._stopped.wait(HEARTBEAT_SECONDS):
            self.now()
