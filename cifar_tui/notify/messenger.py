"""Hands notifications to every target, each on a thread of its own: whoever notifies never waits."""

import socket
import threading
import time
from collections.abc import Callable, Mapping

from cifar_tui.errors import BadInput
from cifar_tui.notify.command import CommandTarget
from cifar_tui.notify.courier import Courier
from cifar_tui.notify.post import PostTarget
from cifar_tui.notify.settings import Settings, read_settings
from cifar_tui.notify.target import Target
from cifar_tui.text import safe_text

FORMAT = 1
"""Version of a notification's fields."""
QUIET_SECONDS = 60.0
"""The same event is told no more often; what comes between is counted, and the latest told then."""
OUTCOMES = ("finished", "failed", "stopped", "started", "sweep-done", "job-failed")
"""Events that are told each time."""
MOST_CHARACTERS = 1_000
"""Of a sentence."""
Facts = Mapping[str, object]


def open_messenger(
    report: Callable[[str], None], report_later: Callable[[str], None] | None = None
) -> "Messenger | None":
    """Return the messenger that a person has set up; None without one.

    `report` takes a sentence where the settings cannot be used; on any thread, `report_later` where a target does not
    work, or else `report`, too.
    """
    try:
        settings = read_settings()
    except BadInput as error:
        report(str(error))
        return None
    if settings.trouble:
        report(settings.trouble)
    return Messenger(settings, report_later or report) if settings.targets else None


def targets_of(settings: Settings) -> list[Target]:
    """Return what takes notifications."""
    targets: list[Target] = [PostTarget(address) for address in settings.addresses]
    return [*targets, CommandTarget(settings.command)] if settings.command else targets


class Messenger:
    """Notifies people of events, by all the targets they have named."""

    def __init__(
        self, settings: Settings, report: Callable[[str], None], *, quiet_seconds: float = QUIET_SECONDS
    ) -> None:
        """Start a thread for each target; `report` takes a sentence where one does not work."""
        self._unwanted = settings.unwanted
        self._quiet_seconds = quiet_seconds
        self._recent: dict[str, _Recent] = {}
        self._one_by_one = threading.Lock()
        self._couriers = [Courier(target, report) for target in targets_of(settings)]
        for courier in self._couriers:
            courier.start()

    def deliver(self, event: str, facts: Facts) -> None:
        """Notify of an event; returns at once. `facts` has its `sentence`, and what else is known, as JSON has it."""
        if event in self._unwanted:
            return
        with self._one_by_one:
            recent = self._recent.setdefault(event, _Recent())
            recent.times += 1
            recent.latest = notification(event, facts)
            if event in OUTCOMES:
                self._send(recent)
            elif recent.timer is None:
                self._send(recent)
                recent.timer = threading.Timer(self._quiet_seconds, self._end_quiet, [recent])
                recent.timer.daemon = True
                recent.timer.start()

    def keep_reports(self) -> None:
        """Have failures told at the program's end from now on, for whoever listened is about to go."""
        for courier in self._couriers:
            courier.keep_reports()

    def close(self) -> None:
        """Take nothing more; `courier.await_couriers` waits for what is under way."""
        with self._one_by_one:
            for recent in self._recent.values():
                if recent.timer is not None:
                    recent.timer.cancel()
        for courier in self._couriers:
            courier.close()

    def _end_quiet(self, recent: "_Recent") -> None:
        with self._one_by_one:
            recent.timer = None
            if not recent.times:
                return
            self._send(recent)
            recent.timer = threading.Timer(self._quiet_seconds, self._end_quiet, [recent])
            recent.timer.daemon = True
            recent.timer.start()

    def _send(self, recent: "_Recent") -> None:
        for courier in self._couriers:
            courier.submit({**recent.latest, "times": recent.times})
        recent.times = 0


class _Recent:
    """One kind of event: how often it happened since it was told, and when it may be told again."""

    def __init__(self) -> None:
        self.times = 0
        self.latest: Facts = {}
        self.timer: threading.Timer | None = None


def notification(event: str, facts: Facts) -> dict[str, object]:
    """Return a notification's fields; texts in it are one line each."""
    host = safe_text(socket.gethostname(), 100)
    sentence = _one_line(facts.get("sentence", event))
    title = _one_line(facts.get("run") or "cifar-tui") + f" on {host}"
    return {
        "format": FORMAT,
        "event": event,
        **facts,
        "host": host,
        "time": round(time.time(), 3),
        "sentence": sentence,
        "title": title,
        "text": f"{title}: {sentence}",
    }


def _one_line(text: object) -> str:
    return safe_text(" ".join(str(text).split()), MOST_CHARACTERS)
