"""One job on one engine thread: start it, drain its events in order, join it."""

import threading
import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Protocol

from cifar_tui.control import Control, DeleteCheckpoint, PinCheckpoint, Request, RequestQueue
from cifar_tui.errors import CifarTuiError
from cifar_tui.events import (
    Emit,
    Event,
)
from cifar_tui.history.feed import FeedQueue
from cifar_tui.history.run_history import FeedItem
from cifar_tui.text import safe_text


class Feed(Protocol):
    """A front end's side of the events, wherever the engine is."""

    def poll(self) -> Sequence[FeedItem]:
        """Return every event since the last call, in order; never waits."""

    @property
    def ended(self) -> bool:
        """True once the engine has ended; its last events may still wait to be polled."""


class RunConnection(Feed, Control, Protocol):
    """A front end's connection to a run, local or remote: the feed, and the control."""

    @property
    def elsewhere(self) -> bool:
        """True where the engine lives in another process, which goes on without this one."""

    def accepts(self, verb: type[Request]) -> bool:
        """Return True if the run accepts such a request now; one that is only read about accepts none."""

    @property
    def silent_seconds(self) -> float:
        """Seconds without a heartbeat of the engine's process, once it counts as stalled; 0 until then."""

    @property
    def other_user(self) -> str:
        """The name of another user whose process the engine is in, and who alone can ask it; empty for ours."""

    def join(self, seconds: float | None = None) -> bool:
        """Wait for the engine to end, at most so long. Returns whether it has ended."""


class Jobs(Protocol):
    """Jobs that a front end can start by itself."""

    @property
    def current(self) -> "Jobs":
        """The jobs to start from now on: others than these once a run that lived elsewhere has become ours."""

    def train(self, data: str | None = None) -> RunConnection:
        """Start the run, on other data than chosen where `data` names some. Raises CifarTuiError."""

    def train_preset(self, preset: str) -> RunConnection:
        """Start a new run with another preset on the same images once this one has ended. Raises CifarTuiError."""

    def resume(self) -> RunConnection:
        """Resume the run that has ended; its feed begins with its journal. Raises CifarTuiError."""

    def branch(self, checkpoint: str, epochs: int, learning_rate: float) -> RunConnection:
        """Start a new run that goes on from a checkpoint of one that has ended. Raises CifarTuiError."""

    def evaluate(self, checkpoint: str) -> RunConnection:
        """Start measuring a checkpoint of a run that has ended."""

    def compare(self, checkpoints: Sequence[Path], *, beside: bool) -> RunConnection:
        """Start measuring checkpoints on the same images, `beside` a run that trains. Raises CifarTuiError."""

    def manage_checkpoint(self, request: DeleteCheckpoint | PinCheckpoint) -> RunConnection:
        """Start deleting or pinning a checkpoint of a run that has ended. Raises CifarTuiError."""

    def close(self) -> None:
        """Give back the run's folder, where it is held, once every job has ended."""


class CurrentJobs(Protocol):
    """The jobs of the run in view, which may be another one later."""

    @property
    def current(self) -> Jobs:
        """The jobs of the run in view."""

    def open(self, folder: Path, *, beside: bool) -> RunConnection:
        """Follow the run in a folder from now on; `beside` one that trains in this process."""

    def come_back(self) -> None:
        """Return to the run that trains in this process, or has ended since."""

    def release(self, folder: Path) -> None:
        """Give back the folder of the run in view, which has ended, so that it can be renamed or deleted."""

    def release_other(self) -> None:
        """Give back the folder of the run that has trained in this process while another was in view."""


class Job(ABC):
    """Something an engine thread does from start to end. What most kinds of jobs do not do has an empty default."""

    def replay(self) -> Iterable[FeedItem]:
        """Return what was recorded before, in order, for a feed that begins only now."""
        return ()

    def listen(self, submit: Callable[[Request], None], broadcast: Emit) -> None:  # noqa: B027
        """Accept requests from other processes and pass them to `submit`; `broadcast` reaches every feed at once."""

    @abstractmethod
    def run(self, emit: Emit, requests: RequestQueue) -> None:
        """Do it, emitting what happens and handling requests. A failure may raise."""

    def append_event(self, event: Event) -> None:  # noqa: B027
        """Have an event recorded; any thread of the engine may, and none waits."""

    @abstractmethod
    def failed(self, reason: str, exit_code: int) -> Event:
        """Return the event for a failure that a person can mend."""

    def failed_unexpectedly(self, reason: str, details: str) -> Event:
        """Return the event for any other failure; `details` is its traceback."""
        del details  # kept only by jobs that have a folder
        return self.failed(reason, 1)

    def close(self) -> None:  # noqa: B027
        """Close files and locks, however `run` ended."""


class Session:
    """A job's engine thread, with its feed and its control."""

    def __init__(self, job: Job) -> None:
        """Prepare; nothing runs before `start`."""
        self._job = job
        self.elsewhere = False
        self.silent_seconds = 0.0
        self.other_user = ""
        self._events: FeedQueue[FeedItem] = FeedQueue()
        self._requests = RequestQueue()
        self._thread = threading.Thread(target=self._run, name="engine")

    def start(self) -> None:
        """Start the engine thread."""
        self._job.listen(self.submit, self._events.put)
        self._thread.start()

    def accepts(self, _verb: type[Request]) -> bool:
        """Return True while the engine lives: it accepts everything."""
        return not self.ended

    def poll(self) -> list[FeedItem]:
        """Return every event since the last call, in order; never waits."""
        return self._events.poll()

    @property
    def ended(self) -> bool:
        """True once the engine thread has ended."""
        return not self._thread.is_alive()

    def submit(self, request: Request) -> None:
        """Hand a request to the engine and return at once."""
        self._requests.enqueue(request)

    def join(self, seconds: float | None = None) -> bool:
        """Wait for the engine thread, at most so long. Returns whether it has ended."""
        self._thread.join(seconds)
        return self.ended

    def _emit(self, event: Event) -> None:
        self._job.append_event(event)
        self._events.put(event)

    def _run(self) -> None:
        try:
            for event in self._job.replay():
                self._events.put(event)
            self._job.run(self._emit, self._requests)
        except CifarTuiError as error:
            self._emit(self._job.failed(str(error), error.exit_code))
        except Exception as error:  # noqa: BLE001 - the one place: whatever breaks ends as an event, its traceback kept
            first_line = str(error).strip().split("\n")[0]
            reason = f"{type(error).__name__}: {safe_text(first_line)}"
            self._emit(self._job.failed_unexpectedly(reason, "".join(traceback.format_exception(error))))
        finally:
            self._job.close()


def start_session(job: Job) -> Session:
    """Start a job on an engine thread of its own."""
    session = Session(job)
    session.start()
    return session
