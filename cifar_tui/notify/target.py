"""The protocol of what takes notifications, and the reason why one was not taken."""

import json
from collections.abc import Mapping
from typing import Protocol

import orjson

from cifar_tui.dataclass import dataclass

Notification = Mapping[str, object]
"""One notification; docs/notify.md has its fields."""


def encoded(notification: Notification) -> bytes:
    """Return a notification as one line of JSON."""
    try:
        return orjson.dumps(notification)
    except TypeError:  # a folder whose name is no UTF-8: its odd bytes become escapes
        return json.dumps(notification, default=str).encode()


@dataclass(frozen=True, slots=True)
class Failure:
    """A notification that did not arrive."""

    reason: str
    """The reason, in a few words that hold no address."""
    again: bool
    """True where another try may help."""


class Target(Protocol):
    """A command or an address."""

    @property
    def name(self) -> str:
        """Its name for people, without anything secret."""

    def deliver(self, notification: Notification) -> Failure | None:
        """Deliver one notification, in a bounded time. Returns why it did not arrive; None where it did."""

    def cancel(self) -> None:
        """End a delivery that is under way; called on another thread."""
