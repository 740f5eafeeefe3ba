"""Requests to an engine, and the queue that they wait in."""

import contextlib
import math
import os
import threading
from collections import deque
from typing import Annotated, ClassVar, Protocol

from cifar_tui.dataclass import dataclass
from cifar_tui.files.run_files import CheckpointName

MOST_NOTE = 1_000
"""Characters of a note."""
Name = Annotated[str, lambda name: len(name) <= 100]
Rate = Annotated[float, lambda rate: math.isfinite(rate) and rate > 0]


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait before the next step, with everything loaded."""

    by: Name = ""
    """The person's name for others, from `requester_name`."""


@dataclass(frozen=True, slots=True)
class Resume:
    """Train on after a pause."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Finish the step under way, save, and end."""

    by: Name = ""
    """The person's name for others, from `requester_name`."""
    signal: Name = ""
    """Name of the signal that asked for it, as `SIGUSR1`; empty for a person."""


@dataclass(frozen=True, slots=True)
class Evaluate:
    """Measure a checkpoint on the test images."""

    checkpoint: CheckpointName
    """The checkpoint's file name in the run's folder."""


@dataclass(frozen=True, slots=True)
class CancelEvaluation:
    """Cancel the evaluation under way."""


@dataclass(frozen=True, slots=True)
class DeleteCheckpoint:
    """Delete a checkpoint, unless it has to stay."""

    checkpoint: CheckpointName
    """The checkpoint's file name in the run's folder."""


@dataclass(frozen=True, slots=True)
class PinCheckpoint:
    """Pin a checkpoint, so that it is never deleted, or unpin it."""

    checkpoint: CheckpointName
    """The checkpoint's file name in the run's folder."""
    pinned: bool
    """True to pin it, False to unpin it."""


@dataclass(frozen=True, slots=True)
class ChangeRate:
    """Train with this learning rate from the next step on; the schedule continues from there, scaled."""

    rate: Rate
    """The new rate; or, where `relative`, a factor on the present one."""
    relative: bool = False
    """True where `rate` is a factor."""


@dataclass(frozen=True, slots=True)
class FinishEpoch:
    """Stop once the epoch under way is trained, tested and saved; a second request cancels that."""


@dataclass(frozen=True, slots=True)
class SaveNow:
    """Save the weights and the training state before the next step."""


@dataclass(frozen=True, slots=True)
class RollBack:
    """Go back to the last good state and train on with half the learning rate."""


@dataclass(frozen=True, slots=True)
class Ignore:
    """Train on after a loss that is not finite."""


@dataclass(frozen=True, slots=True)
class AddNote:
    """Write something down in the run's journal, at the step under way."""

    text: Annotated[str, lambda text: 0 < len(text) <= MOST_NOTE]
    """A person's words."""
    by: Name = ""
    """The person's name for others, from `requester_name`."""


@dataclass(frozen=True, slots=True)
class SetAttended:
    """Say if a person is there to answer questions. Without any, an engine decides by itself."""

    from_elsewhere: ClassVar[bool] = False
    """Not accepted from a socket, whose server notices by itself who is attached."""
    attended: bool
    """True while a person is there."""
    because: str = ""
    """A sentence on why that has changed, for the run's records; empty for the usual."""
    screen: int = 0
    """The screen this is about: 0 for the one beside the engine."""


Request = (
    Pause
    | Resume
    | Stop
    | Evaluate
    | CancelEvaluation
    | DeleteCheckpoint
    | PinCheckpoint
    | ChangeRate
    | FinishEpoch
    | SaveNow
    | RollBack
    | Ignore
    | AddNote
    | SetAttended
)


def requester_name() -> str:
    """Return the name that others see beside a request: the terminal's, or the process's where it has none."""
    for descriptor in (0, 1, 2):
        with contextlib.suppress(OSError):
            return os.ttyname(descriptor).removeprefix("/dev/")
    return f"process {os.getpid()}"


class Control(Protocol):
    """A front end's side of the requests, wherever the engine is."""

    def submit(self, request: Request) -> None:
        """Submit the request and return at once; an event confirms it."""


class RequestQueue:
    """Requests in order. A front end enqueues, an engine dequeues; any thread may do either."""

    def __init__(self) -> None:
        self._waiting: deque[Request] = deque()
        self._changed = threading.Condition()

    def enqueue(self, request: Request) -> None:
        """Add a request and wake an engine that waits."""
        with self._changed:
            self._waiting.append(request)
            self._changed.notify_all()

    def dequeue(self) -> Request | None:
        """Return the oldest request, or None at once when there is none."""
        with self._changed:
            return self._waiting.popleft() if self._waiting else None

    def wait_for_next(self) -> Request:
        """Return the oldest request, waiting for one as long as it takes."""
        with self._changed:
            self._changed.wait_for(lambda: bool(self._waiting))
            return self._waiting.popleft()

    def stop_requested(self) -> bool:
        """Return True while a stop is waiting. It stays in the queue."""
        return self.contains(Stop)

    def contains(self, *kinds: type[Request]) -> bool:
        """Return True while a request of one of these kinds is waiting. It stays in the queue."""
        with self._changed:
            return any(isinstance(request, kinds) for request in self._waiting)
