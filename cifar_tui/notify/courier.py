"""A thread that delivers notifications to one target, one after the other, and tries again where that may help."""

import contextlib
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from types import FrameType

from cifar_tui.notify.target import Failure, Notification, Target

TRIES = 3
PAUSES = (2.0, 10.0)
"""Seconds between two tries."""
MOST_WAITING = 50
"""Notifications that may wait; beyond, the oldest are dropped."""
END_SECONDS = 30.0
"""The longest that a program's end waits for what is still to be delivered."""
SILENT_SECONDS = 1.0
"""So long it waits without a word."""
POLL_SECONDS = 0.05


class Courier(threading.Thread):
    """Delivers to one target until it is closed."""

    def __init__(self, target: Target, report: Callable[[str], None], pauses: tuple[float, ...] = PAUSES) -> None:
        """Deliver to `target`; the first failure is told to `report`, as a sentence."""
        super().__init__(name="courier", daemon=True)
        self.target = target
        self.last_words = ""
        """The sentence on a failure that came after the last one who listens had gone; empty without one."""
        self._report: Callable[[str], None] | None = report
        self._pauses = pauses
        self._reported = False
        self._failure: Failure | None = None
        """The reason that the last try has failed."""
        self._waiting: deque[Notification] = deque(maxlen=MOST_WAITING)
        self._changed = threading.Condition()
        self._closed = False
        self._cut = threading.Event()
        self._read = threading.Event()
        self.over = threading.Event()
        """Set once it has nothing more to deliver."""

    def submit(self, notification: Notification) -> None:
        """Have a notification delivered; returns at once."""
        with self._changed:
            self._waiting.append(notification)
            self._changed.notify_all()

    def keep_reports(self) -> None:
        """Tell of failures at the program's end from now on: nobody listens any more."""
        self._report = None

    def close(self) -> None:
        """End after what waits; where the target does not take it, after the newest, which says how it ended."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def cut(self) -> None:
        """End at once, with nothing more delivered."""
        self._cut.set()
        with self._changed:
            self.last_words = self._words(self._failure or Failure("it was not waited for any longer", again=True))
            self._waiting.clear()
            self._closed = True
            self._changed.notify_all()
        self.target.cancel()

    def run(self) -> None:
        """Deliver until closed; with something left to say, stay until that is read."""
        while (notification := self._next()) is not None:
            failure = self._deliver(notification)
            if failure is not None and not self._cut.is_set():
                self._tell(failure)
        self.over.set()
        if self.last_words:
            self._read.wait()

    def read(self) -> str:
        """Return the last words, and let the thread end."""
        self._read.set()
        return self.last_words

    def _next(self) -> Notification | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            while self._closed and self._failure is not None and len(self._waiting) > 1:
                self._waiting.popleft()
            return self._waiting.popleft() if self._waiting else None

    def _deliver(self, notification: Notification) -> Failure | None:
        for number in range(TRIES):
            if number and self._cut.wait(self._pauses[min(number, len(self._pauses)) - 1]):
                break
            failure = self.target.deliver(notification)
            if not self._cut.is_set():
                self._failure = failure
            # What ended the run matters more than what came before.
            overtaken = self._closed and self._waiting
            if failure is None or not failure.again or overtaken:
                break
        return self._failure

    def _words(self, failure: Failure) -> str:
        return f"A notification did not reach {self.target.name}: {failure.reason}."

    def _tell(self, failure: Failure) -> None:
        words = self._words(failure)
        report = self._report
        if report is None or self._closed:
            self.last_words = words
        elif not self._reported:
            self._reported = True
            report(f"{words} Nothing waits for it; further failures are not told.")


def await_couriers(seconds: float = END_SECONDS) -> None:
    """Wait, at a program's end, for what is still to be delivered; Ctrl-C or SIGTERM cuts it. On the main thread."""
    couriers = [thread for thread in threading.enumerate() if isinstance(thread, Courier)]
    for courier in couriers:
        courier.close()
    started, told = time.monotonic(), False
    with _interrupts() as interrupts:
        while not all(courier.over.is_set() for courier in couriers) and not interrupts:
            waited = time.monotonic() - started
            if waited >= seconds:
                break
            if waited >= SILENT_SECONDS and not told:
                told = True
                names = ", ".join(courier.target.name for courier in couriers if not courier.over.is_set())
                _print(f"Waiting up to {seconds:.0f} s for the last notification to {names}; Ctrl-C ends that.")
            time.sleep(POLL_SECONDS)
    for courier in couriers:
        if not courier.over.is_set():
            courier.cut()
        if words := courier.read():
            _print(words)


@contextlib.contextmanager
def _interrupts() -> Iterator[list[int]]:
    """Yield a list that gets the numbers of Ctrl-C's signal and of SIGTERM until the block ends; SIGHUP is ignored."""
    numbers: list[int] = []

    def interrupt(number: int, _frame: FrameType | None) -> None:
        numbers.append(number)

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    before[signal.SIGHUP] = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a closed terminal cuts nothing
    try:
        yield numbers
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _print(line: str) -> None:
    with contextlib.suppress(OSError, ValueError):
        print(line, file=sys.stderr, flush=True)
