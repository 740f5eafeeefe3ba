"""Signs of life of the processes that train one run: a sum waits for all, so that one that stands still is named."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

from torch.distributed import PrefixStore  # type: ignore[attr-defined] # of its C part

from cifar_tui.engine.network.ranks import Ranks
from cifar_tui.events import Emit, Noted

BEAT_SECONDS = 1.0
"""Seconds between two signs of life."""
SILENT_SECONDS = 6.0
"""A process that has given none for so long is named: it is suspended, or its machine overwhelmed."""


@contextlib.contextmanager
def beating(ranks: Ranks) -> Iterator[None]:
    """Give signs of life for as long as something goes on."""
    store, ended = _store(ranks), threading.Event()

    def beat() -> None:
        for number in range(1 << 62):
            with contextlib.suppress(RuntimeError):  # the leader's end is noticed by whoever waits for it
                store.set(str(ranks.rank), str(number))
            if ended.wait(BEAT_SECONDS):
                return

    with _thread(beat, "heartbeat", ended):
        yield


@contextlib.contextmanager
def watching(ranks: Ranks, emit: Emit) -> Iterator[None]:
    """Emit a note on every process that stops giving signs of life, and when it gives some again."""
    if not ranks.several:
        yield
        return
    store, ended = _store(ranks), threading.Event()
    followers = {rank: _Follower(time.monotonic()) for rank in range(1, ranks.count)}

    def watch() -> None:
        while not ended.wait(BEAT_SECONDS):
            for rank, follower in followers.items():
                with contextlib.suppress(RuntimeError):  # the launcher has ended, and will end this, too
                    beat = store.get(str(rank)) if store.check([str(rank)]) else b""
                    if note := follower.heard(beat, time.monotonic()):
                        emit(Noted(f"Process {rank} {note}."))

    with _thread(watch, "heartbeats", ended):
        yield


class _Follower:
    """One process as the leader hears it."""

    def __init__(self, now: float) -> None:
        self._beat, self._at, self._silent = b"", now, False

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
    assert ranks.store is not None  # several processes have met there
    return PrefixStore("alive", ranks.store)


@contextlib.contextmanager
def _thread(work: Callable[[], None], name: str, ended: threading.Event) -> Iterator[None]:
    thread = threading.Thread(target=work, name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
