"""The socket beside an engine: who is heard, who is not, and that nobody holds anything up."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cifar_tui.control import Evaluate, FinishEpoch, Pause, Request, Resume, SetAttended, Stop
from cifar_tui.events import Event, Noted, Progressed
from cifar_tui.files.run_files import ADDRESS_NAME
from cifar_tui.runs.remote import server, socket_path
from cifar_tui.runs.remote.client import RemoteControl
from cifar_tui.runs.remote.server import ControlServer
from cifar_tui.runs.remote.wire_format import (
    LINE_LIMIT,
    LineBuffer,
    from_line,
    request_from_record,
    request_to_record,
    to_line,
)
from tests.waiting import eventually


@pytest.fixture(autouse=True)
def session(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A short runtime folder, as a login gives one."""
    with tempfile.TemporaryDirectory(prefix="run-") as folder:
        monkeypatch.setenv("XDG_RUNTIME_DIR", folder)
        yield Path(folder)


class Engine:
    """What was asked of it."""

    def __init__(self, run: Path) -> None:
        self.asked: list[Request] = []
        self.server = ControlServer(run, self.asked.append)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    (tmp_path / "run").mkdir()
    return tmp_path / "run"


@pytest.fixture
def engine(run: Path) -> Iterator[Engine]:
    one = Engine(run)
    yield one
    one.server.close()


def connected(run: Path) -> socket.socket:
    path = socket_path.read_address(run)
    assert path is not None
    end = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    end.settimeout(120)
    end.connect(str(path))
    return end


def said(end: socket.socket, wanted: str) -> dict[str, object]:
    """The first record with such a key."""
    buffer = LineBuffer()
    while True:
        content = end.recv(65_536)
        assert content, f"hung up before {wanted}"
        for line in buffer.feed(content):
            if wanted in from_line(line):
                return from_line(line)


def hung_up(end: socket.socket) -> bool:
    with suppress(ConnectionResetError):
        while end.recv(65_536):
            pass
    return True


def test_a_screen_asks_and_is_told_what_no_journal_holds(run: Path, engine: Engine) -> None:
    remote = RemoteControl(run, screen=True)
    eventually(lambda: remote.accepts(FinishEpoch))
    eventually(
        lambda: engine.asked == [SetAttended(attended=True, screen=1)]
    )  # said after the greeting that it hears by
    remote.submit(Pause("pts/3"))
    assert remote.wait_until_delivered(120)
    assert engine.asked[1:] == [Pause("pts/3")]
    event = Progressed("Reading pictures", 5, 10, "images", 1.0)
    engine.server.broadcast(event)
    told: list[Event] = []

    def something_was_told() -> bool:
        told.extend(remote.poll())
        return bool(told)

    eventually(something_was_told)
    assert told == [event]
    remote.close()
    eventually(lambda: SetAttended(attended=False, screen=1) in engine.asked)


@pytest.mark.parametrize("swept", ["the socket", "its folder", "the address"])
def test_a_socket_that_is_swept_away_comes_back(
    run: Path, session: Path, monkeypatch: pytest.MonkeyPatch, swept: str
) -> None:
    monkeypatch.setattr(server, "LOOK_SECONDS", 0.05)
    engine = Engine(run)
    before = socket_path.read_address(run)
    assert before is not None
    with connected(run) as end:
        if swept == "the address":
            (run / ADDRESS_NAME).unlink()
        elif swept == "the socket":
            before.unlink()
        else:
            shutil.rmtree(session / "cifar-tui")
        remote = RemoteControl(run, screen=False)
        eventually(lambda: remote.accepts(FinishEpoch))
        remote.submit(FinishEpoch())
        assert remote.wait_until_delivered(120)
        remote.close()
        end.sendall(to_line({"protocol": 1}) + to_line({"id": "one", **request_to_record(Resume())}))
        assert said(end, "id")["id"] == "one", "who was connected is still heard"
    assert engine.asked == [FinishEpoch(), Resume()]
    engine.server.close()
    assert socket_path.read_address(run) is None
    assert not before.exists()


@pytest.mark.fault(16)
@pytest.mark.parametrize("how", ["somebody else's", "open to others", "gone", "a link"])
def test_a_session_that_is_not_ours_alone_is_passed_over(
    run: Path, session: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(session))
    other = session / "other"
    other.mkdir(mode=0o700)
    if how == "open to others":
        other.chmod(0o755)
    elif how == "a link":
        other.rename(session / "real")
        other.symlink_to(session / "real")
    elif how == "gone":
        other.rmdir()
    elif os.getuid():
        pytest.skip("only root can give a folder away")
    else:
        os.chown(other, 54321, 54321)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(other))
    engine = Engine(run)
    path = socket_path.read_address(run)
    engine.server.close()
    assert path is not None
    assert path.parent == session / f"cifar-tui-{os.getuid()}"
    assert not (other / "cifar-tui").exists()


@pytest.mark.fault(15)
def test_asking_again_is_harmless(run: Path, engine: Engine) -> None:
    with connected(run) as end:
        end.sendall(to_line({"protocol": 1}))
        for _ in range(3):
            end.sendall(to_line({"id": "same", **request_to_record(FinishEpoch())}))
            assert said(end, "heard")["id"] == "same"
    assert engine.asked == [FinishEpoch()]


def test_another_version_may_pause_resume_and_stop_and_no_more(run: Path, engine: Engine) -> None:
    with connected(run) as end:
        end.sendall(to_line({"protocol": 99, "screen": True}))
        requests: tuple[Request, ...] = (Pause(), Resume(), Stop())
        for number, request in enumerate(requests):
            end.sendall(to_line({"id": str(number), **request_to_record(request)}))
            assert said(end, "heard")
        end.sendall(to_line({"id": "x", **request_to_record(FinishEpoch())}))
        assert "another version" in str(said(end, "refused")["refused"])
    assert engine.asked == [Pause(), Resume(), Stop()]


def test_to_another_version_a_screen_offers_only_that(
    run: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote = RemoteControl(run, screen=True, protocol=99)
    eventually(lambda: remote.accepts(Stop))
    assert remote.accepts(Pause)
    assert not remote.accepts(FinishEpoch)
    remote.close()


@pytest.mark.slow
@pytest.mark.fault(15)
def test_the_ninth_client_is_refused_and_told_why(run: Path, engine: Engine) -> None:
    ends = [connected(run) for _ in range(server.CLIENTS)]
    for end in ends:
        end.sendall(to_line({"protocol": 1}))
        assert said(end, "alive")
    with connected(run) as ninth:
        assert "8 screens or commands are attached" in str(said(ninth, "refused")["refused"])
        assert hung_up(ninth)
    remote = RemoteControl(run, screen=False)
    eventually(lambda: "8 screens or commands" in remote.refused)
    ends.pop().close()
    eventually(lambda: remote.accepts(Stop))
    remote.close()
    for end in ends:
        end.close()


@pytest.mark.slow
@pytest.mark.fault(15)
def test_who_never_reads_is_dropped_and_the_others_notice_nothing(
    run: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.server.patience_seconds = 1e9
    lazy, other = connected(run), connected(run)
    for end in (lazy, other):
        end.sendall(to_line({"protocol": 1}))
    heard: list[bytes] = []
    reader = threading.Thread(target=lambda: heard.extend(iter(lambda: other.recv(65_536), b"")), daemon=True)
    reader.start()
    long = Noted("word " * 800)

    def much_was_heard() -> bool:
        """The lazy one would be waited for until the end of time: telling waits for nobody, nor does the other."""
        engine.server.broadcast(long)
        return sum(map(len, heard)) > 1_000_000

    eventually(much_was_heard)
    engine.server.patience_seconds = 2.0
    eventually(lambda: len(engine.server._clients) == 1)
    assert hung_up(lazy)
    lazy.close()
    so_far = len(heard)
    eventually(lambda: len(heard) > so_far)
    other.shutdown(socket.SHUT_RDWR)
    reader.join(120)
    other.close()


@pytest.mark.fault(15)
def test_who_does_not_say_who_they_are_is_dropped(run: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    engine.server.patience_seconds = 0.3
    with connected(run) as silent:
        assert hung_up(silent)
    assert engine.asked == []


@pytest.mark.fault(15)
@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.binary(max_size=200),
            st.sampled_from(
                [
                    b'{"protocol":1}\n',
                    b'{"protocol":"x"}\n',
                    b"[]\n",
                    b"{}\n",
                    b'{"id":1,"ask":"Pause"}\n',
                    b'{"ask":"Stop","by":7}\n',
                    b'{"ask":"SetAttended"}\n',
                    b'{"ask":"ChangeRate","rate":1e999}\n',
                    b'{"protocol":1,"screen":true}\n{"id":',
                    b"x" * (LINE_LIMIT + 2),
                ]
            ),
        ),
        max_size=6,
    )
)
def test_junk_and_half_lines_stop_nothing(tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes]) -> None:
    run = tmp_path_factory.mktemp("junk")
    one = Engine(run)
    with connected(run) as end, suppress(BrokenPipeError, ConnectionResetError):
        for piece in pieces:
            end.sendall(piece)
    with connected(run) as end:
        end.sendall(to_line({"protocol": 1}) + to_line({"id": "a", **request_to_record(Resume())}))
        assert said(end, "heard")
    assert one.asked[-1] == Resume()
    one.server.close()


@given(st.binary(max_size=300))
def test_a_line_is_a_request_or_one_named_error(line: bytes) -> None:
    try:
        request_from_record(from_line(line))
    except ValueError:
        return


@pytest.mark.parametrize(
    "record",
    [
        {"ask": "Evaluate", "checkpoint": "../../etc/passwd"},
        {"ask": "Evaluate", "checkpoint": "net_001.pth\n"},
        {"ask": "Evaluate"},
        {"ask": "ChangeRate", "rate": True},
        {"ask": "ChangeRate", "rate": -1.0},
        {"ask": "Pause", "by": "x" * 1_000},
        {"ask": "SetAttended", "attended": True},
        {"ask": "__class__"},
    ],
)
def test_what_cannot_be_asked_is_refused(record: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="request"):
        request_from_record(record)


@pytest.mark.parametrize("request_", [Pause("pts/1"), Stop(), Evaluate("net_001.pth"), FinishEpoch()])
def test_a_request_comes_out_as_it_went_in(request_: Request) -> None:
    assert request_from_record(from_line(to_line(request_to_record(request_)))) == request_


@pytest.mark.fault(16)
def test_the_socket_is_for_its_owner_alone_whatever_the_umask(run: Path) -> None:
    before = os.umask(0)
    try:
        one = Engine(run)
    finally:
        os.umask(before)
    path = socket_path.read_address(run)
    assert path is not None
    assert path.lstat().st_mode & 0o777 == 0o600
    assert path.parent.lstat().st_mode & 0o777 == 0o700
    one.server.close()
    assert not path.exists()
    assert not (run / ADDRESS_NAME).exists()


@pytest.mark.fault(16)
@pytest.mark.parametrize("how", ["open", "link", "file"])
def test_an_unsafe_folder_is_refused_on_both_sides(
    run: Path, tmp_path: Path, session: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    monkeypatch.setattr(tempfile, "tempdir", str(session))
    folder = session / f"cifar-tui-{os.getuid()}"
    if how == "open":
        folder.mkdir(mode=0o755)
    elif how == "link":
        (tmp_path / "elsewhere").mkdir(mode=0o700)
        folder.symlink_to(tmp_path / "elsewhere")
    else:
        folder.write_text("")
    with pytest.raises(OSError, match=r"has to be yours|exists"):
        Engine(run)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as trap:
        if how != "file":
            trap.bind(str(folder / f"{'0' * 16}.sock"))
        (run / ADDRESS_NAME).write_bytes(orjson.dumps({"socket": str(folder / f"{'0' * 16}.sock")}))
        assert socket_path.read_address(run) is None


@pytest.mark.fault(16)
def test_an_address_that_leads_elsewhere_is_not_followed_and_not_removed(run: Path, tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    precious = private / "precious.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as other:
        other.bind(str(precious))
        (run / ADDRESS_NAME).write_bytes(orjson.dumps({"socket": str(precious)}))
        assert socket_path.read_address(run) is None
        socket_path.discard_address(run)
    assert precious.exists()


@given(st.binary(max_size=300))
@settings(deadline=None)
def test_any_address_is_a_socket_or_none(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    run = tmp_path_factory.getbasetemp() / "any-address"
    run.mkdir(exist_ok=True)
    (run / ADDRESS_NAME).write_bytes(content)
    assert socket_path.read_address(run) is None


@pytest.mark.fault(14)
def test_a_stale_socket_is_taken_over_by_who_holds_the_run(run: Path) -> None:
    path = socket_path.make_socket_path(run)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stale:
        stale.bind(str(path))  # as a killed trainer leaves it
    socket_path.write_address(run, path)
    one = Engine(run)
    with connected(run) as end:
        assert said(end, "cifar-tui")
    one.server.close()


def test_paths_are_short_enough_whatever_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    long = tmp_path / ("d" * 90)
    long.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(long))
    run = tmp_path / ("r" * 200)
    run.mkdir()
    one = Engine(run)
    path = socket_path.read_address(run)
    assert path is not None
    assert len(os.fsencode(path)) < socket_path.PATH_LIMIT
    one.server.close()


@pytest.mark.fault(16)
@pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("setpriv") is None, reason="only root can be two users, with setpriv"
)
def test_another_user_is_kept_out_by_the_folder_and_by_the_socket(run: Path, engine: Engine) -> None:
    path = socket_path.read_address(run)
    assert path is not None
    program = f"import socket; s = socket.socket(socket.AF_UNIX); s.connect({str(path)!r}); print(s.recv(10))"
    command = ["setpriv", "--reuid", "65534", "--clear-groups", sys.executable, "-c", program]
    for place in (path.parents[0], *path.parents[1:-1]):
        if place != path.parent:
            place.chmod(place.stat().st_mode | 0o055)
    kept_out = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert kept_out.returncode != 0
    path.parent.chmod(0o777)
    path.chmod(0o777)
    heard = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    path.parent.chmod(0o700)
    assert heard.stdout.strip() in ("b''", ""), "let through by the folder, it is hung up on"
    assert engine.asked == []
