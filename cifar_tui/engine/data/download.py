"""Fetches one file over HTTP: resumed where a connection broke, and verified before it has its name."""

import errno
import hashlib
import html
import http.client
import os
import re
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from cifar_tui.dataclass import dataclass
from cifar_tui.errors import DataDamaged, DataUnavailable, StopRequested, cannot_write
from cifar_tui.events import Progressed
from cifar_tui.text import safe_text, size

CHUNK_BYTES = 256 * 1024
TIMEOUT_SECONDS = 15.0
"""Seconds that a server may send nothing."""
TRIES = 3
"""Connections in a row that may bring nothing new."""
WAIT_SECONDS = 1.0
"""The pause before the connection is tried again."""
REPORT_SECONDS = 0.1
PARTIAL_SUFFIX = ".part"
HEAD_BYTES = 64 * 1024
"""Of a web page that came instead, in which its title is looked for."""


@dataclass(frozen=True, slots=True)
class Source:
    """The address of a file, and its checksum."""

    url: str
    """http or https."""
    md5: str
    """Hexadecimal digest, as its publisher gives it."""
    title: str
    """Its name, for people."""


class BrokenOffError(Exception):
    """The connection ended before the file did; what has come is kept."""


def download(
    source: Source, path: Path, report: Callable[[Progressed], None], stop_requested: Callable[[], bool]
) -> None:
    """Put the source's file at `path`, going on from what an earlier try left in `path` + `.part`.

    A file with another checksum is thrown away and fetched once more. Raises DataUnavailable where it cannot be
    had, DataDamaged where it is wrong twice, BadInput where it cannot be written, StopRequested.
    """
    if not source.url.startswith(("http://", "https://")):
        raise DataUnavailable(f"{safe_text(source.url)} is not an http or https address.")
    partial = path.with_name(path.name + PARTIAL_SUFFIX)
    for _ in range(2):
        resumed = partial.exists()
        try:
            _fetch_all(source, partial, report, stop_requested)
            report(Progressed(f"Checking {source.title}", 0, None, "", 0.0))
            if _md5(partial) == source.md5:
                partial.replace(path)
                return
            sent = "" if resumed else _other_than_archive(partial)
            partial.unlink()
            if sent:
                raise DataUnavailable(f"{safe_text(source.url)} sent {sent}, not an archive")
        except OSError as error:
            raise _cannot_keep(path, error) from error
    raise DataDamaged(f"{safe_text(source.url)} is not {source.title}: its checksum was wrong twice.")


def _fetch_all(
    source: Source, partial: Path, report: Callable[[Progressed], None], stop_requested: Callable[[], bool]
) -> None:
    """Fetch until the file is complete, over as many connections as bring something."""
    tries_left = TRIES
    while True:
        before = partial.stat().st_size if partial.exists() else 0
        try:
            _fetch(source, partial, before, report, stop_requested)
            return
        except BrokenOffError as error:
            tries_left = TRIES if partial.exists() and partial.stat().st_size > before else tries_left - 1
            if tries_left <= 0:
                raise DataUnavailable(f"the connection to {_reached(source)} was lost ({error})") from error
            _wait(stop_requested)


def _fetch(
    source: Source, partial: Path, start: int, report: Callable[[Progressed], None], stop_requested: Callable[[], bool]
) -> None:
    """One connection: ask for the rest of the file and append what comes. Raises BrokenOffError."""
    request = urllib.request.Request(source.url, headers={"User-Agent": "cifar-tui", "Accept-Encoding": "identity"})
    if start:
        request.add_header("Range", f"bytes={start}-")
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
            goes_on = response.status == 206
            with partial.open("ab" if goes_on else "wb") as file:
                start = start if goes_on else 0
                _copy(response, file, start, Progress(source.title, report), stop_requested)
    except urllib.error.HTTPError as error:
        with error:
            if error.code == 416 and start:
                return  # there is nothing after what we have: the checksum tells whether it is the file
        if error.code >= 500:
            raise BrokenOffError(f"error {error.code}") from error
        who = _reached(source) if error.code == 407 else _host(source)
        raise DataUnavailable(f"{who} answered {error.code} {safe_text(error.reason)}") from None
    except urllib.error.URLError as error:
        reason = error.reason if isinstance(error.reason, OSError) else error
        if isinstance(reason, TimeoutError):
            raise BrokenOffError("no answer") from error
        raise _cannot_reach(source, reason) from None
    except (TimeoutError, ConnectionError, http.client.HTTPException) as error:
        raise BrokenOffError(type(error).__name__) from error


class Progress:
    """Reports bytes, but not more often than people can read."""

    def __init__(self, title: str, report: Callable[[Progressed], None]) -> None:
        self._title = title
        self._report = report
        self._started = time.monotonic()
        self._said_at = 0.0

    def say(self, here: int, total: int | None, fresh: int) -> None:
        """Say that `here` of `total` bytes are here, `fresh` of them from this connection."""
        now = time.monotonic()
        if here == total or now - self._said_at >= REPORT_SECONDS:
            self._said_at = now
            # As if all of it had come at this connection's rate, so that rate and time left are right after a resume.
            seconds = (now - self._started) * (here / fresh if fresh else 1.0)
            self._report(Progressed(f"Downloading {self._title}", here, total, "bytes", seconds))


def _copy(
    response: http.client.HTTPResponse,
    file: BinaryIO,
    start: int,
    progress: Progress,
    stop_requested: Callable[[], bool],
) -> None:
    length = response.headers.get("Content-Length", "")
    total = start + int(length) if length.isdecimal() else None
    here = start
    progress.say(here, total, 0)
    while block := _read_what_came(response):
        file.write(block)
        here += len(block)
        progress.say(here, total, here - start)
        if stop_requested():
            raise StopRequested
    if total is not None and here < total:
        raise BrokenOffError(f"{size(here)} of {size(total)} received")


def _read_what_came(response: http.client.HTTPResponse) -> bytes:
    """The next bytes as soon as there are any, so that a slow line shows progress and can be stopped.

    Raises BrokenOffError for trouble with the connection, which must not pass for trouble with the disk.
    """
    try:
        return response.read1(CHUNK_BYTES)
    except (OSError, http.client.HTTPException) as error:
        raise BrokenOffError(type(error).__name__) from error


def _wait(stop_requested: Callable[[], bool]) -> None:
    until = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < until:
        if stop_requested():
            raise StopRequested
        time.sleep(0.05)


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _host(source: Source) -> str:
    return safe_text(urllib.request.Request(source.url).host or source.url)


def _reached(source: Source) -> str:
    """Return who is connected to: the host, or a proxy with the variable that names it, without its password."""
    scheme = urllib.parse.urlsplit(source.url).scheme
    variable = next((name for name in (f"{scheme}_proxy", f"{scheme.upper()}_PROXY") if os.environ.get(name)), None)
    host = urllib.request.Request(source.url).host or ""
    if variable is None or scheme not in urllib.request.getproxies() or urllib.request.proxy_bypass(host):
        return _host(source)
    return f"the proxy {safe_text(os.environ[variable].rpartition('@')[2].rpartition('//')[2])} ({variable})"


def _cannot_reach(source: Source, reason: Exception) -> DataUnavailable:
    if not isinstance(reason, ssl.SSLCertVerificationError):
        words = safe_text(getattr(reason, "strerror", None) or str(reason))
        return DataUnavailable(f"{_reached(source)} cannot be reached: {words}")
    named = os.environ.get("SSL_CERT_FILE")
    hint = "if your network has a certificate of its own, name its file with SSL_CERT_FILE"
    if named is not None and not Path(named).is_file():
        hint = f"SSL_CERT_FILE names {safe_text(named)}, which is not a file"
    return DataUnavailable(f"{_host(source)} has a certificate that is not trusted ({reason.verify_message}); {hint}")


def _other_than_archive(path: Path) -> str:
    """Return what a file is that was sent in place of a gzip archive; empty for one."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if head.startswith(b"\x1f\x8b"):
        return ""
    if not head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return "something else"
    title = re.search(r"<title[^>]*>([^<]*)", head.decode("utf-8", "replace"), re.IGNORECASE)
    named = " ".join(html.unescape(title[1]).split()) if title is not None else ""
    return f"a web page (“{safe_text(named, 80)}”)" if named else "a web page"


def _cannot_keep(path: Path, error: OSError) -> Exception:
    if error.errno == errno.ENOSPC:
        return DataUnavailable(f"the disk that holds {safe_text(str(path.parent))} is full")
    return cannot_write(path.parent, error)
