"""Waits in tests: for a state, never for a while."""

import time
from collections.abc import Callable

PATIENCE_SECONDS = 120.0
"""For a busy machine; what holds is seen at once."""


def eventually(holds: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
    """Wait until something holds. Fails when it takes too long."""
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, "it did not come"
        time.sleep(0.01)
