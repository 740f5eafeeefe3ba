"""Posting costs a bounded time, whatever the server does, and says why in words without the address."""

import shutil
import socket
import time
from pathlib import Path

import pytest

from cifar_tui.notify.address import parse_address
from cifar_tui.notify.messenger import notification
from cifar_tui.notify.post import PostTarget
from cifar_tui.notify.target import Failure
from tests.notify import servers
from tests.waiting import eventually

pytestmark = pytest.mark.fault(26)
FAILED = notification("failed", {"run": "one", "folder": "/runs/one", "sentence": "It broke."})


def failure(url: str, seconds: float = 60.0) -> Failure:
    target = PostTarget(parse_address(url), seconds)
    found = target.deliver(FAILED)
    assert found is not None
    assert "hidden" not in found.reason + target.name
    return found


def test_a_notification_arrives_with_its_fields() -> None:
    with servers.serving(servers.accepting) as server:
        assert PostTarget(parse_address(server.url)).deliver(FAILED) is None
        assert server.requests[0].startswith(b"POST /hidden/path?token=hidden HTTP/1.1\r\n")
        assert server.bodies == [dict(FAILED)]


@pytest.mark.parametrize("behaviour", [servers.hanging, servers.dripping, servers.endless_head])
def test_a_server_that_gives_no_answer_is_left_in_time(behaviour: servers.Behaviour) -> None:
    with servers.serving(behaviour) as server:
        assert failure(server.url, 0.5) == Failure("no answer within 0.5 s", again=True)


@pytest.mark.slow
def test_a_connection_to_a_server_that_drips_is_closed() -> None:
    with servers.serving(servers.dripping) as server:
        failure(server.url, 0.5)
        sent = -1
        while sent != server.sent:  # it cannot send for ever
            sent = server.sent
            time.sleep(0.3)


def test_of_a_megabyte_only_the_first_lines_are_read() -> None:
    with servers.serving(servers.flooding) as server:
        assert PostTarget(parse_address(server.url)).deliver(FAILED) is None
        assert server.sent < 1_000_000


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        (servers.closing, "closed the connection"),
        (servers.closing_in_the_middle, "not HTTP"),
        (servers.babbling, "not HTTP"),
        (servers.answering("500 Oh no"), "it answered 500"),
        (servers.answering("429 Slowly"), "it answered 429"),
    ],
)
def test_what_another_try_may_mend_is_tried_again(behaviour: servers.Behaviour, words: str) -> None:
    with servers.serving(behaviour) as server:
        found = failure(server.url)
        assert words in found.reason
        assert found.again


def test_a_refused_connection_is_tried_again() -> None:
    with servers.serving(servers.accepting) as server:
        url = server.url
    assert failure(url) == Failure("Connection refused", again=True)


def test_a_host_without_an_address_is_said_in_the_systems_words() -> None:
    assert failure("https://host.invalid/hidden").again


def test_a_redirect_is_not_followed() -> None:
    with servers.serving(servers.accepting) as other:
        redirecting = servers.answering("307 Elsewhere", headers=f"Location: {other.url}\r\n")
        with servers.serving(redirecting) as server:
            found = failure(server.url)
            assert found == Failure("it answered 307, a redirect, which is not followed", again=False)
        assert other.requests == []


@pytest.mark.parametrize("status", ["400 Bad", "403 No", "404 hidden"])
def test_an_answer_that_stays_is_not_asked_for_again(status: str) -> None:
    with servers.serving(servers.answering(status)) as server:
        assert failure(server.url) == Failure(f"it answered {status[:3]}", again=False)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl to make certificates with")
    folder = tmp_path_factory.mktemp("certificates")
    return {name: servers.certificate(folder, name) for name in ("127.0.0.1", "elsewhere.example")}


def test_a_trusted_certificate_is_taken(certificates: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates["127.0.0.1"]))
    with servers.serving(servers.accepting, servers.tls(certificates["127.0.0.1"])) as server:
        assert PostTarget(parse_address(server.url)).deliver(FAILED) is None
        assert server.bodies == [dict(FAILED)]


def test_a_certificate_that_nobody_vouches_for_is_refused(certificates: dict[str, Path]) -> None:
    with servers.serving(servers.accepting, servers.tls(certificates["127.0.0.1"])) as server:
        found = PostTarget(parse_address(server.url)).deliver(FAILED)
        assert found is not None
        assert "its certificate is refused: self" in found.reason
        assert not found.again
        assert server.requests == []


def test_a_certificate_of_another_host_is_refused(
    certificates: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates["elsewhere.example"]))
    with servers.serving(servers.accepting, servers.tls(certificates["elsewhere.example"])) as server:
        found = PostTarget(parse_address(server.url)).deliver(FAILED)
        assert found is not None
        assert "its certificate is refused" in found.reason
        assert server.requests == []


def test_a_server_that_speaks_no_tls_gets_nothing() -> None:
    with servers.serving(servers.blurting) as server:
        found = failure(server.url.replace("http://", "https://"))
        assert found.again
        assert server.requests == []


def test_a_name_that_takes_long_to_resolve_is_left_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    with servers.serving(servers.accepting) as server:
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: server.over.wait() and [])
        assert failure("https://example.com/hidden", 0.5) == Failure("no answer within 0.5 s", again=True)


def test_a_proxy_is_asked_for_a_way_to_the_host_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bytes] = []

    def proxy(connection: socket.socket, _server: servers.Server) -> None:
        seen.append(connection.recv(4096))
        connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

    with servers.serving(proxy) as server:
        monkeypatch.setenv("https_proxy", f"http://user:word@127.0.0.1:{server.port}")
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        failure("https://example.com/hidden")
        eventually(lambda: bool(seen))
    assert seen[0].startswith(b"CONNECT example.com:443 HTTP/1.")
    assert b"hidden" not in seen[0]
    assert b"Proxy-Authorization: Basic dXNlcjp3b3Jk" in seen[0]
