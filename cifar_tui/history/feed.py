"""The queue that a feed is polled from."""

import contextlib
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

Item = TypeVar("Item")


class FeedQueue(Generic[Item]):
    """Filled by one thread, polled by another; neither waits."""

    def __init__(self) -> None:
        self._queue: SimpleQueue[Item] = SimpleQueue()

    def put(self, item: Item) -> None:
        """Add an item at the end."""
        self._queue.put(item)

    def poll(self) -> list[Item]:
        """Return everything that was put since the last call, in order."""
        items: list[Item] = []
        with contextlib.suppress(Empty):
            while True:
                items.append(self._queue.get_nowait())
        return items
