"""Stand-ins for servers that notifications are posted to: one that takes them, and many that misbehave."""

import contextlib
import json
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Behaviour = Callable[[socket.socket, "Server"], None]


class Server:
    """A server on the loopback, whose connections a behaviour handles, each on a thread."""

    def __init__(self, behaviour: Behaviour, context: ssl.SSLContext | None = None) -> None:
        self.requests: list[bytes] = []
        self.sent = 0
        self.over = threading.Event()
        self._behaviour = behaviour
        self._context = context
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http{'s' if self._context else ''}://127.0.0.1:{self.port}/hidden/path?token=hidden"

    @property
    def bodies(self) -> list[Any]:
        """The bodies of the requests, from JSON."""
        return [json.loads(body_of(request)) for request in self.requests]

    def close(self) -> None:
        self.over.set()
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._handle, args=[connection], daemon=True).start()

    def _handle(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            if self._context is not None:
                connection = self._context.wrap_socket(connection, server_side=True)
            with connection:
                self._behaviour(connection, self)


@contextlib.contextmanager
def serving(behaviour: Behaviour, context: ssl.SSLContext | None = None) -> Iterator[Server]:
    server = Server(behaviour, context)
    try:
        yield server
    finally:
        server.close()


def read_request(connection: socket.socket, server: Server) -> None:
    """Read one request to the end of its body."""
    content = b""
    while b"\r\n\r\n" not in content:
        content += connection.recv(4096)
    head, _, body = content.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
    while len(body) < length:
        body += connection.recv(4096)
    server.requests.append(head + b"\r\n\r\n" + body)


def body_of(request: bytes) -> bytes:
    return request.partition(b"\r\n\r\n")[2]


def answering(*statuses: str, headers: str = "") -> Behaviour:
    """Answer with these, one after the other, and with the last from then on."""
    left = list(statuses)

    def answer(connection: socket.socket, server: Server) -> None:
        read_request(connection, server)
        status = left.pop(0) if len(left) > 1 else left[0]
        connection.sendall(f"HTTP/1.1 {status}\r\n{headers}Content-Length: 2\r\n\r\nok".encode())

    return answer


accepting = answering("200 OK")


def hanging(connection: socket.socket, server: Server) -> None:
    """Take the request and answer nothing."""
    read_request(connection, server)
    server.over.wait()


def dripping(connection: socket.socket, server: Server) -> None:
    """Answer a byte at a time, for ever."""
    read_request(connection, server)
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not server.over.wait(0.02):
        connection.sendall(b"a")
        server.sent += 1


def flooding(connection: socket.socket, server: Server) -> None:
    """Answer a megabyte, and count what was taken of it."""
    read_request(connection, server)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16_384)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    for _ in range(1_000):
        connection.sendall(b"a" * 1_000)
        server.sent += 1_000


def endless_head(connection: socket.socket, server: Server) -> None:
    """Announce an answer again and again, and never give one."""
    read_request(connection, server)
    while not server.over.is_set():
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        time.sleep(0.001)


def closing(connection: socket.socket, server: Server) -> None:
    """Close after the request."""
    read_request(connection, server)


def closing_in_the_middle(connection: socket.socket, server: Server) -> None:
    """Close within the first line of the answer."""
    read_request(connection, server)
    connection.sendall(b"HTTP/1.")


def babbling(connection: socket.socket, server: Server) -> None:
    """Answer something else than HTTP."""
    read_request(connection, server)
    connection.sendall(b"220 mail.example ESMTP\r\n")


def blurting(connection: socket.socket, _server: Server) -> None:
    """Answer before anything was asked."""
    connection.recv(4096)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def certificate(folder: Path, name: str) -> Path:
    """Make a certificate for a host or number, signed by itself, with its key in the same file."""
    file = folder / f"{name}.pem"
    key = folder / f"{name}.key"
    kind = "IP" if name[0].isdigit() else "DNS"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-keyout", str(key), "-out", str(file), "-days", "2", "-subj", f"/CN={name}"),
            *("-addext", f"subjectAltName={kind}:{name}"),
        ],
        check=True,
        capture_output=True,
        timeout=60,
    )
    file.write_text(file.read_text() + key.read_text())
    return file


def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context
