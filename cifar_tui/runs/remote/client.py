"""The client of a run's socket: sends requests, and receives events that are in no journal."""

import contextlib
import itertools
import os
import select
import socket
import threading
import time
import uuid
from collections import deque
from pathlib import Path

from cifar_tui.control import Request
from cifar_tui.event_records import event_from_record
from cifar_tui.events import Event, Noted
from cifar_tui.history.feed import FeedQueue
from cifar_tui.runs.remote.socket_path import read_address
from cifar_tui.runs.remote.wire_format import (
    PROTOCOL,
    VERBS,
    VERBS_OF_ALL_VERSIONS,
    LineBuffer,
    from_line,
    request_to_record,
    to_line,
)
from cifar_tui.serialization import Record
from cifar_tui.text import safe_text

AGAIN_SECONDS = 0.5
"""Seconds after losing the run until it is looked for again."""
WAIT_SECONDS = 0.5
"""Seconds between two looks at a quiet connection."""
STALLED_SECONDS = 4.0
"""Silence after which a run counts as stalled: its process is stopped, or its machine overwhelmed."""
READ_BYTES = 65_536


class RemoteControl:
    """Keeps a connection to a live run for as long as it is wanted; requests without an answer are sent again."""

    def __init__(self, run: Path, *, screen: bool, protocol: int = PROTOCOL) -> None:
        """Look for the run's socket, on a thread of its own. `screen` is True where a person watches here."""
        self.version = ""
        """The other end's; empty while there is no connection."""
        self.refused = ""
        """The reason that the other end refuses this connection."""
        self._run = run
        self._screen = screen
        self._protocol = protocol
        self._same_version = False
        self._heard_at = 0.0
        self._waiting: dict[str, Request] = {}
        """Asked and not yet answered, oldest first."""
        self._to_send: deque[str] = deque()
        self._broadcasts: FeedQueue[Event] = FeedQueue()
        self._left = threading.Event()
        self._changed = threading.Condition()
        self._counter = itertools.count()
        self._name = uuid.uuid4().hex
        self._wake_reader, self._waker = socket.socketpair()
        for end in (self._wake_reader, self._waker):
            end.setblocking(False)
        threading.Thread(target=self._keep_connected, name="remote", daemon=True).start()

    def accepts(self, verb: type[Request]) -> bool:
        """Return True if the run accepts such a request now."""
        return self.connected and (verb in VERBS_OF_ALL_VERSIONS or (self._same_version and verb in VERBS.values()))

    @property
    def connected(self) -> bool:
        """True while there is a run at the other end."""
        return bool(self.version)

    @property
    def silent_seconds(self) -> float:
        """Seconds without a heartbeat of the other end, once it counts as stalled; 0 until then."""
        silent = time.monotonic() - self._heard_at
        return silent if self.connected and silent > STALLED_SECONDS else 0.0

    def submit(self, request: Request) -> None:
        """Send a request, and again until it was delivered; returns at once."""
        identity = f"{self._name}-{next(self._counter)}"
        with self._changed:
            self._waiting[identity] = request
            self._to_send.append(identity)
        self._wake()

    def wait_until_delivered(self, seconds: float) -> bool:
        """Wait until every request is answered. Returns True if it is."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting, seconds)

    def poll(self) -> list[Event]:
        """Return what the run has broadcast since the last call."""
        return self._broadcasts.poll()

    def close(self) -> None:
        """Hang up."""
        self._left.set()
        self._wake()

    def _wake(self) -> None:
        with contextlib.suppress(OSError):
            self._waker.send(b"\0")

    def _keep_connected(self) -> None:
        while not self._left.is_set():
            with contextlib.suppress(OSError, ValueError):
                self._connect()
            self.version = ""
            self._left.wait(AGAIN_SECONDS)
        for end in (self._wake_reader, self._waker):
            end.close()

    def _connect(self) -> None:
        """Talk until the other end, or this one, has enough of it. Raises OSError, ValueError."""
        path = read_address(self._run)
        if path is None:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(WAIT_SECONDS * 4)
            connection.connect(str(path))
            connection.sendall(to_line({"protocol": self._protocol, "screen": self._screen, "pid": os.getpid()}))
            with self._changed:
                self._to_send = deque(self._waiting)
            self._talk(connection)

    def _talk(self, connection: socket.socket) -> None:
        lines = LineBuffer()
        while not self._left.is_set():
            if self.connected:
                self._send_waiting(connection)
            ready, _, _ = select.select([connection, self._wake_reader], [], [], WAIT_SECONDS)
            if self._wake_reader in ready:
                self._wake_reader.recv(READ_BYTES)
            if connection in ready:
                content = connection.recv(READ_BYTES)
                if not content:
                    return
                self._heard_at = time.monotonic()
                for line in lines.feed(content):
                    self._receive(from_line(line))

    def _send_waiting(self, connection: socket.socket) -> None:
        while self._to_send:
            identity = self._to_send.popleft()
            request = self._waiting.get(identity)
            if request is not None:
                connection.sendall(to_line({"id": identity, **request_to_record(request)}))

    def _receive(self, record: Record) -> None:
        """Take one record in; what makes no sense to this version is passed over."""
        if "cifar-tui" in record:
            self._same_version = record.get("protocol") == self._protocol
            self.refused = ""
            self.version = safe_text(str(record["cifar-tui"]), 20) or "unknown"
        elif "id" in record:
            self._take_answer(record)
        elif "refused" in record:
            self.refused = safe_text(str(record["refused"]))
        elif isinstance(record.get("event"), dict):
            with contextlib.suppress(ValueError):
                self._broadcasts.put(event_from_record(record["event"]))

    def _take_answer(self, record: Record) -> None:
        with self._changed:
            self._waiting.pop(str(record["id"]), None)
            self._changed.notify_all()
        if "refused" in record:
            self._broadcasts.put(Noted(safe_text(str(record["refused"]))))
