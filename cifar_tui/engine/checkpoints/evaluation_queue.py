"""The checkpoints of a run that wait to be evaluated, and the one that is."""

from collections import deque


class EvaluationQueue:
    """Filled and emptied by the engine's thread; any thread may ask what is in use."""

    def __init__(self) -> None:
        self.current = ""
        """The checkpoint that is being evaluated; empty for none."""
        self._waiting: deque[str] = deque()

    def __bool__(self) -> bool:
        """Return True while something waits."""
        return bool(self._waiting)

    def add(self, checkpoint: str) -> None:
        """Let a checkpoint wait for its turn."""
        self._waiting.append(checkpoint)

    def start_next(self) -> str:
        """Make the one that has waited longest the current one, and return it."""
        self.current = self._waiting[0]  # before it leaves the queue: at no moment is it in neither
        return self._waiting.popleft()

    def drop_waiting(self) -> list[str]:
        """Forget those that wait, and return them."""
        dropped = list(self._waiting)
        self._waiting.clear()
        return dropped

    def in_use(self) -> frozenset[str]:
        """Return the checkpoints that may not be deleted now."""
        return frozenset({*list(self._waiting), self.current})
