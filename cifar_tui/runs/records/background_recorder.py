"""Writes a run's records on a thread of its own, so that no emitter waits for the disk."""

import threading
from collections.abc import Callable
from queue import SimpleQueue

from cifar_tui.events import Event, StepDone
from cifar_tui.runs.records.recorder import Recorder

MOST_WAITING = 200_000
"""Events that may wait for a disk that stands still; beyond, steps are left out."""


class BackgroundRecorder:
    """Takes events from any thread, and writes them down in the order they came."""

    def __init__(self, recorder: Recorder, note: Callable[[str], None]) -> None:
        """Write with `recorder`; what a person should know of it goes to `note`."""
        self._recorder = recorder
        self._note = note
        self._waiting: SimpleQueue[Event | threading.Event | None] = SimpleQueue()
        self._lost: OSError | None = None
        self._thread = threading.Thread(target=self._write, name="records")
        self._thread.start()

    def append_event(self, event: Event) -> None:
        """Have the event written down; returns at once."""
        if not isinstance(event, StepDone) or self._waiting.qsize() < MOST_WAITING:
            self._waiting.put(event)

    def flush(self) -> None:
        """Wait until every event so far was handed to the disk, even if it refused it."""
        written = threading.Event()
        self._waiting.put(written)
        written.wait()

    def close(self) -> OSError | None:
        """Write what waits, and close the files. Returns the reason why some of it could not be written."""
        self._waiting.put(None)
        self._thread.join()
        return self._lost

    def _write(self) -> None:
        try:
            while (one := self._waiting.get()) is not None:
                if isinstance(one, threading.Event):
                    one.set()
                    continue
                note = self._recorder.append_event(one)
                if note is not None:
                    self._note(note)
        finally:
            self._lost = self._recorder.close()
