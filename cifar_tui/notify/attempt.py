"""One try to post something over HTTP, on a thread of its own."""

import base64
import contextlib
import http.client
import socket
import ssl
import threading
import urllib.parse
import urllib.request

from cifar_tui.notify.address import Address
from cifar_tui.notify.target import Failure
from cifar_tui.text import safe_text

AGAIN = (408, 425, 429)
"""Answers below 500 after which another try may help."""


class Attempt(threading.Thread):
    """One try on a thread of its own, which may be left to itself."""

    def __init__(self, address: Address, headers: dict[str, str], body: bytes, seconds: float) -> None:
        super().__init__(name="notification", daemon=True)
        self.over = threading.Event()
        self.failure: Failure | None = None
        self._address = address
        self._headers = headers
        self._body = body
        self._seconds = seconds
        self._abandoned = False
        self._connection: http.client.HTTPConnection | None = None

    def abandon(self) -> None:
        """Send nothing any more, and read nothing: a server that drips would hold the thread for ever."""
        self._abandoned = True
        self.failure = self.failure or Failure("it was cancelled", again=False)
        with contextlib.suppress(OSError, AttributeError):
            self._connection.sock.shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr] # there may be none yet
        self.over.set()

    def run(self) -> None:
        """Try."""
        try:
            failure = self._post()
        except Exception as error:  # noqa: BLE001 - the top of this thread: a message could hold the address
            failure = no_answer(self._seconds) if isinstance(error, TimeoutError) else _reason(error)
        if not self._abandoned:
            self.failure = failure
        self.over.set()

    def _post(self) -> Failure | None:
        self._connection = connection = _connection(self._address, self._seconds)
        try:
            connection.connect()
            if self._abandoned:
                return None
            connection.request("POST", self._address.target, self._body, self._headers)
            # Nothing is read of the answer's body.
            return _answered(connection.getresponse().status)
        finally:
            connection.close()


def no_answer(seconds: float) -> Failure:
    """Return the failure of a try that was given so long."""
    return Failure(f"no answer within {seconds:g} s", again=True)


def _connection(address: Address, seconds: float) -> http.client.HTTPConnection:
    """Return a connection that is still to be opened, by the proxy that the environment names."""
    if not address.secure:
        return http.client.HTTPConnection(address.host, address.port, timeout=seconds)
    context = ssl.create_default_context()
    proxy = urllib.request.getproxies().get("https", "")
    if not proxy or address.loopback or urllib.request.proxy_bypass(address.host):
        return http.client.HTTPSConnection(address.host, address.port, timeout=seconds, context=context)
    parts = urllib.parse.urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    connection = http.client.HTTPSConnection(parts.hostname or "", parts.port or 80, timeout=seconds, context=context)
    user = f"{urllib.parse.unquote(parts.username or '')}:{urllib.parse.unquote(parts.password or '')}".encode()
    headers = {"Proxy-Authorization": f"Basic {base64.b64encode(user).decode()}"} if parts.username else {}
    connection.set_tunnel(address.host, address.port, headers)
    return connection


def _answered(status: int) -> Failure | None:
    if 200 <= status < 300:
        return None
    if 300 <= status < 400:
        return Failure(f"it answered {status}, a redirect, which is not followed", again=False)
    return Failure(f"it answered {status}", again=status >= 500 or status in AGAIN)


def _reason(error: Exception) -> Failure:
    """Return why a try failed, in words without the address, which an exception's own may hold."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return Failure(f"its certificate is refused: {safe_text(error.verify_message, 100)}", again=False)
    if isinstance(error, ssl.SSLError):
        return Failure(f"it does not speak TLS ({safe_text(error.reason or type(error).__name__, 60)})", again=True)
    if isinstance(error, http.client.RemoteDisconnected):
        return Failure("it closed the connection without an answer", again=True)
    if isinstance(error, OSError):
        return Failure(safe_text(error.strerror or type(error).__name__, 100), again=True)
    if isinstance(error, http.client.HTTPException):
        return Failure("its answer is not HTTP", again=True)
    return Failure(f"it failed with a {type(error).__name__}", again=False)
