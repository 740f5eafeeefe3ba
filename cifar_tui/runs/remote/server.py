"""The socket beside an engine: receives requests of screens and commands, and lets none of them hold anything up."""

import contextlib
import math
import os
import selectors
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from cifar_tui import __version__
from cifar_tui.control import Request, SetAttended
from cifar_tui.event_records import event_to_record
from cifar_tui.events import Event
from cifar_tui.runs.remote import socket_path
from cifar_tui.runs.remote.wire_format import (
    PROTOCOL,
    VERBS_OF_ALL_VERSIONS,
    LineBuffer,
    from_line,
    request_from_record,
    to_line,
)
from cifar_tui.serialization import Record

CLIENTS = 8
"""The most that are connected at once."""
LOOK_SECONDS = 3.0
"""Seconds between two looks whether the socket is still there."""
HEARTBEAT_SECONDS = 1.0
"""Seconds between two heartbeats."""
PATIENCE_SECONDS = 10.0
"""Seconds that a client may leave what was sent unread, or not introduce itself."""
TAIL_BYTES = 32 * 1024
"""Unread bytes from which on a client gets only the answers to its requests."""
IDS_KEPT = 512
"""Requests remembered, so that asking again is harmless."""
READ_BYTES = 4_096

Submit = Callable[[Request], None]


class Client:
    """One end that is connected."""

    def __init__(self, connection: socket.socket, number: int) -> None:
        self.connection = connection
        self.number = number
        self.screen = False
        """True where a person watches there and can answer questions."""
        self.known = False
        """True once it has introduced itself."""
        self.same_version = False
        self.out = bytearray()
        """Bytes that it has not read yet."""
        self.connected_at = time.monotonic()
        self.behind_since = math.inf
        """Since when it has left something unread."""
        self._lines = LineBuffer()

    def records(self, content: bytes) -> list[Record]:
        """Return the records it sent. Raises ValueError for junk."""
        return [from_line(line) for line in self._lines.feed(content)]

    def send(self) -> None:
        """Send what it takes now. Raises OSError when it is gone."""
        with contextlib.suppress(BlockingIOError):
            while self.out:
                del self.out[: self.connection.send(self.out)]
        self.behind_since = min(self.behind_since, time.monotonic()) if self.out else math.inf

    @property
    def waited_seconds(self) -> float:
        """Seconds that it has left something unread, or not introduced itself."""
        return time.monotonic() - (self.behind_since if self.known else self.connected_at)


class ControlServer:
    """Serves one run's socket on a thread of its own."""

    def __init__(self, run: Path, submit: Submit) -> None:
        """Bind the socket and name it in the run's folder, whose lock is held. Raises OSError.

        Requests go to `submit`.
        """
        self.patience_seconds = PATIENCE_SECONDS
        self._run = run
        self._submit = submit
        self._broadcasts: deque[Event] = deque(maxlen=100)
        self._clients: dict[int, Client] = {}
        self._seen: deque[str] = deque(maxlen=IDS_KEPT)
        self._connections = 0
        self._heartbeat_at = 0.0
        self._closing = False
        socket_path.discard_address(run)
        self._looked_at = time.monotonic()
        self._listener = _bound(socket_path.make_socket_path(run))
        self._waker, self._woken = socket.socketpair()
        for end in (self._waker, self._woken):
            end.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._woken, selectors.EVENT_READ)
        try:
            socket_path.write_address(run, Path(self._listener.getsockname()))
        except OSError:
            self._release()
            raise
        self._thread = threading.Thread(target=self._serve, name="control", daemon=True)
        self._thread.start()

    def broadcast(self, event: Event) -> None:
        """Tell everybody what no journal holds; any thread may, and none waits."""
        self._broadcasts.append(event)
        self._wake()

    def close(self) -> None:
        """Hang up on everybody and remove the socket."""
        self._closing = True
        self._wake()
        self._thread.join(PATIENCE_SECONDS)

    def _wake(self) -> None:
        with contextlib.suppress(OSError):
            self._waker.send(b"\0")

    def _serve(self) -> None:
        try:
            while not self._closing:
                for key, ready in self._selector.select(HEARTBEAT_SECONDS / 2):
                    self._serve_one(key.fileobj, ready)
                self._broadcast_all()
                if time.monotonic() - self._looked_at > LOOK_SECONDS:
                    self._come_back()
        finally:
            self._release()

    def _come_back(self) -> None:
        """Bind the socket anew where it was swept away, as temporary files are; who is connected stays so."""
        self._looked_at = time.monotonic()
        if socket_path.read_address(self._run) == Path(self._listener.getsockname()):
            return
        with contextlib.suppress(OSError):  # tried again at the next look
            listener = _bound(socket_path.make_socket_path(self._run))
            self._selector.unregister(self._listener)
            self._listener.close()
            self._listener = listener
            self._selector.register(listener, selectors.EVENT_READ)
            socket_path.write_address(self._run, Path(listener.getsockname()))

    def _serve_one(self, end: object, ready: int) -> None:
        if end is self._listener:
            self._accept()
        elif end is self._woken:
            with contextlib.suppress(OSError):
                self._woken.recv(READ_BYTES)
        else:
            client = self._clients.get(end.fileno()) if isinstance(end, socket.socket) else None
            if client is not None and ready & selectors.EVENT_READ:
                self._receive(client)

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return
        connection.setblocking(False)
        if not _same_person(connection):
            connection.close()
            return
        self._connections += 1
        client = Client(connection, self._connections)
        if len(self._clients) >= CLIENTS:
            client.out += to_line(
                {"refused": f"{CLIENTS} screens or commands are attached to this run already: close one of them."}
            )
            with contextlib.suppress(OSError):
                client.send()
            connection.close()
            return
        self._clients[connection.fileno()] = client
        self._selector.register(connection, selectors.EVENT_READ)
        client.out += to_line({"cifar-tui": __version__, "protocol": PROTOCOL})

    def _receive(self, client: Client) -> None:
        try:
            content = client.connection.recv(READ_BYTES)
            if not content:
                raise ConnectionResetError
            for record in client.records(content):
                self._handle_record(client, record)
        except BlockingIOError:
            return  # nothing has come after all: select may report a socket that has nothing to read
        except (OSError, ValueError):
            self._drop(client)

    def _handle_record(self, client: Client, record: Record) -> None:
        """Take a record in. Raises ValueError for one that makes no sense before it is known who speaks."""
        if not client.known:
            if type(record.get("protocol")) is not int:
                raise ValueError("no protocol number")
            client.known, client.same_version = True, record["protocol"] == PROTOCOL
            client.screen = client.same_version and record.get("screen") is True
            if client.screen:
                self._submit(SetAttended(attended=True, screen=client.number))
            return
        identity = str(record.get("id"))[:100]
        client.out += to_line({"id": identity, **self._answer(client, identity, record)})

    def _answer(self, client: Client, identity: str, record: Record) -> Record:
        if identity in self._seen:
            return {"heard": True}
        try:
            request = request_from_record(record)
        except ValueError as error:
            return {"refused": str(error)}
        if not client.same_version and not isinstance(request, VERBS_OF_ALL_VERSIONS):
            return {"refused": "This run was started by another version: it can only be paused, resumed and stopped."}
        self._seen.append(identity)
        self._submit(request)
        return {"heard": True}

    def _broadcast_all(self) -> None:
        lines = bytearray()
        while self._broadcasts:
            lines += to_line({"event": event_to_record(self._broadcasts.popleft())})
        now = time.monotonic()
        heartbeat = now >= self._heartbeat_at
        if heartbeat:
            self._heartbeat_at = now + HEARTBEAT_SECONDS
        for client in list(self._clients.values()):
            if client.known and len(client.out) < TAIL_BYTES:
                client.out += lines + (to_line({"alive": True}) if heartbeat else b"")
            try:
                client.send()
            except OSError:
                self._drop(client)
                continue
            if client.waited_seconds > self.patience_seconds:
                self._drop(client)

    def _drop(self, client: Client) -> None:
        descriptor = client.connection.fileno()
        if self._clients.pop(descriptor, None) is None:
            return
        self._selector.unregister(client.connection)
        client.connection.close()
        if client.screen:
            self._submit(SetAttended(attended=False, screen=client.number))

    def _release(self) -> None:
        for client in list(self._clients.values()):
            self._drop(client)
        socket_path.discard_address(self._run)
        self._selector.close()
        for end in (self._listener, self._waker, self._woken):
            end.close()


def _bound(path: Path) -> socket.socket:
    """A socket that listens there, for its owner alone; one that a crash left is removed first. Raises OSError."""
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(str(path))
        path.chmod(0o600)  # its folder keeps others out already
    except OSError:
        listener.close()
        raise
    listener.listen(CLIENTS)
    listener.setblocking(False)
    return listener


def _same_person(connection: socket.socket) -> bool:
    """Return True for a process of the same user; where the system does not say, the folder keeps others out."""
    if not hasattr(socket, "SO_PEERCRED"):
        return True
    size = struct.calcsize("3i")
    _, uid, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    return bool(uid == os.getuid())
