"""Posts a notification to an address over HTTP: one try in a bounded time, whatever the server does."""

import base64
from typing import TYPE_CHECKING, NamedTuple

import orjson

from cifar_tui import __version__
from cifar_tui.notify.address import Address
from cifar_tui.notify.target import Failure, Notification, encoded

if TYPE_CHECKING:
    from cifar_tui.notify.attempt import Attempt

TRY_SECONDS = 10.0
"""The longest that one try may take in all, from the name of the host to the first lines of the answer."""
SYMBOLS = {"finished": "white_check_mark", "best": "chart_with_upwards_trend", "sweep-done": "checkered_flag"}
"""ntfy's names of the symbols before a title; a trouble has another."""
TROUBLES = ("failed", "job-failed", "loss-not-finite", "disk-full", "disk-error", "rank-lost")
MOST_CHARACTERS = 1_900
"""Discord refuses a text of more than 2,000."""


class Message(NamedTuple):
    """One request."""

    headers: dict[str, str]
    """Its headers."""
    body: bytes
    """Its body."""


class PostTarget:
    """An address, and the try that is under way."""

    def __init__(self, address: Address, seconds: float = TRY_SECONDS) -> None:
        """Post to `address`, each try in at most so long."""
        self.name = address.shown
        self._address = address
        self._seconds = seconds
        self._attempt: Attempt | None = None

    def deliver(self, notification: Notification) -> Failure | None:
        """Try once. A thread of its own does: a name that is not resolved cannot be interrupted."""
        # Loads http and ssl, which only this thread waits for.
        from cifar_tui.notify.attempt import Attempt, no_answer

        headers, body = message(self._address, notification)
        self._attempt = attempt = Attempt(self._address, headers, body, self._seconds)
        attempt.start()
        if not attempt.over.wait(self._seconds):
            attempt.abandon()
            return no_answer(self._seconds)
        return attempt.failure

    def cancel(self) -> None:
        """Abandon the try that is under way."""
        if self._attempt is not None:
            self._attempt.abandon()


def message(address: Address, notification: Notification) -> Message:
    """Return the request in the form that the address's service takes."""
    text = str(notification["text"])[:MOST_CHARACTERS]
    headers = {"User-Agent": f"cifar-tui/{__version__}", "Connection": "close", "Content-Type": "application/json"}
    if address.authorization:
        headers["Authorization"] = address.authorization
    if address.service == "ntfy":
        # A topic's address takes the text itself: JSON would be shown as it is.
        title, sentence = str(notification["title"]), str(notification["sentence"])[:MOST_CHARACTERS]
        event = str(notification["event"])
        trouble = event in TROUBLES
        headers |= {
            "Content-Type": "text/plain; charset=utf-8",
            "Title": _header(title),
            "Tags": "rotating_light" if trouble else SYMBOLS.get(event, "bell"),
            "Priority": "high" if trouble else "default",
        }
        return Message(headers, sentence.encode())
    if address.service == "slack":
        body: object = {"text": _escaped(text)}
    elif address.service == "discord":
        body = {"content": text, "allowed_mentions": {"parse": []}}
    else:
        return Message(headers, encoded(notification))
    return Message(headers, orjson.dumps(body))


def _header(text: str) -> str:
    """Return a text as a header can hold it (RFC 2047)."""
    return text if text.isascii() else f"=?UTF-8?B?{base64.b64encode(text.encode()).decode()}?="


def _escaped(text: str) -> str:
    """Return a text in which Slack finds neither a link nor somebody to call."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
