"""Signs of life of the processes that train one run: a sum waits for all, so that one that stands still is named.

With each comes how long the process takes for its part of a step, so that one that holds the others up is named, too.
"""

import contextlib
import itertools
import threading
import time
from collections.abc import Callable, Iterator

from torch.distributed import PrefixStore  # type: ignore[attr-defined] # of its C part

from cifar_tui.engine.network.pace import PaceOfAll, Reading
from cifar_tui.engine.network.ranks import Ranks
from cifar_tui.events import Emit, Noted

BEAT_SECONDS = 1.0
"""Seconds between two signs of life."""
BEATS_OF_PACE = 5
"""Signs of life between two comparisons of the processes."""
SILENT_SECONDS = 6.0
"""A process that has given none for so long is named: it is suspended, or its machine overwhelmed."""


@contextlib.contextmanager
def beating(ranks: Ranks) -> Iterator[None]:
    """Give signs of life, and tell the pace, for as long as something goes on."""
    store, ended = _store(ranks), threading.Event()

    def beat() -> None:
        for number in range(1 << 62):
            with contextlib.suppress(RuntimeError):  # the leader's end is noticed by whoever waits for it
                reading = ranks.pace.reading
                store.set(str(ranks.rank), f"{number} {reading.steps} {reading.seconds}")
            if ended.wait(BEAT_SECONDS):
                return

    with _thread(beat, "heartbeat", ended):
        yield


@contextlib.contextmanager
def watching(ranks: Ranks, emit: Emit) -> Iterator[None]:
    """Emit a note on every process that stops giving signs of life, and when it gives some again.

    While they train, emit every few seconds which of them is the slowest.
    """
    if not ranks.several:
        yield
        return
    store, ended = _store(ranks), threading.Event()
    followers = {rank: _Follower(time.monotonic()) for rank in range(1, ranks.count)}
    paces = PaceOfAll()

    def watch() -> None:
        for beats in itertools.count(1):
            if ended.wait(BEAT_SECONDS):
                return
            for rank, follower in followers.items():
                with contextlib.suppress(RuntimeError):  # the launcher has ended, and will end this, too
                    beat = store.get(str(rank)) if store.check([str(rank)]) else b""
                    if note := follower.heard(beat, time.monotonic()):
                        emit(Noted(f"Process {rank} {note}."))
            paces.add({ranks.rank: ranks.pace.reading, **{rank: one.reading for rank, one in followers.items()}})
            slowest = paces.slowest() if beats % BEATS_OF_PACE == 0 else None
            if slowest is not None:
                emit(slowest)

    with _thread(watch, "heartbeats", ended):
        yield


class _Follower:
    """One process as the leader hears it."""

    def __init__(self, now: float) -> None:
        self._beat, self._at, self._silent = b"", now, False

    @property
    def reading(self) -> Reading:
        """Its pace, as its newest sign of life tells it."""
        _, steps, seconds = self._beat.split() or (b"", b"0", b"0")
        return Reading(int(steps), float(seconds))

    def heard(self, beat: bytes, now: float) -> str:
        """Take in the newest sign of life. Returns what is to be said; empty for nothing."""
        if beat != self._beat:
            self._beat, self._at = beat, now
            if self._silent:
                self._silent = False
                return "gives signs of life again"
        elif now - self._at > SILENT_SECONDS and not self._silent:
            self._silent = True
            return "gives no sign of life, and training waits for it: it is suspended, or its machine overwhelmed"
        return ""


def _store(ranks: Ranks) -> PrefixStore:
    return PrefixStore("alive", ranks.meeting_point)


@contextlib.contextmanager
def _thread(work: Callable[[], None], name: str, ended: threading.Event) -> Iterator[None]:
    thread = threading.Thread(target=work, name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
