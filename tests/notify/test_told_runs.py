"""Real runs that tell somebody: what arrives, where the address is not, and what bad servers cost."""

import json
import os
import shlex
import signal
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest

from tests.faults.several import NUMBER, SMALL
from tests.notify import servers
from tests.program import start_program
from tests.waiting import eventually

SECRET = f"hidden-{os.getpid():x}"
"""Of this process of tests alone: another's may be at the start of a run, whose command line still has it."""
pytestmark = pytest.mark.slow


class Run:
    """A run in a process of its own, whose standard output and error are a file."""

    def __init__(self, folder: Path, *words: str, **variables: str) -> None:
        self.folder = folder / "one"
        self.output = folder / "output"
        self.config = folder / "config"
        plain = {name: value for name, value in os.environ.items() if name not in NUMBER}
        given = ("--outf", str(self.folder), *SMALL, "--epochs", "2")
        where = ("--resume", str(self.folder)) if "--resume" in words else given
        arguments = [word for word in words if word != "--resume"]
        plain |= {"XDG_CONFIG_HOME": str(self.config), **variables}
        self.process = start_program("train", *where, *arguments, output=self.output, folder=folder, variables=plain)

    @property
    def printed(self) -> str:
        return self.output.read_text(errors="replace")

    def wait(self) -> int:
        return self.process.wait(120)

    def files(self) -> list[Path]:
        return [self.output, *(path for path in self.folder.rglob("*") if path.is_file())]


def command_lines(text: str) -> list[str]:
    """The command lines of all processes that hold a text, but those of tests."""
    found = []
    for process in psutil.process_iter():
        try:
            line = " ".join(process.cmdline())
        except psutil.Error:
            continue
        if text in line and process.pid != os.getpid():
            found.append(line)
    return found


def check_secret(run: Run) -> None:
    for file in run.files():
        assert SECRET.encode() not in file.read_bytes(), file


def secret_address(server: servers.Server) -> str:
    return f"http://127.0.0.1:{server.port}/{SECRET}?key={SECRET}"


def events(bodies: Sequence[dict[str, object]]) -> list[object]:
    return [body["event"] for body in bodies]


@pytest.mark.parametrize("ways", [("--headless",), ("--detach",), ("--headless", "--processes", "2")])
def test_an_address_is_seen_by_who_is_notified_alone(tmp_path: Path, ways: tuple[str, ...]) -> None:
    seen = tmp_path / "seen"
    command = f"(cat; echo; env; tr '\\0' ' ' < /proc/$$/cmdline; echo) >> {shlex.quote(str(seen))}; sleep 0.5"
    with servers.serving(servers.accepting) as server:
        typed = ("--notify", secret_address(server), "--on-event", command, "--tell", "usual,best,started")
        run = Run(tmp_path, *typed, *ways)
        eventually(lambda: (run.folder / "journal.jsonl").exists() or run.process.poll() is not None)
        assert command_lines(str(run.folder)), run.printed
        while "finished" not in (tmp_path / "seen").read_text() if seen.exists() else True:
            assert command_lines(SECRET) == []
        eventually(lambda: command_lines(str(run.folder)) == [])
        assert run.wait() == 0, run.printed
        assert events(server.bodies) == ["started", "best", "finished"]
        assert server.bodies[-1]["sentence"].startswith("Finished 20 steps")
    check_secret(run)
    assert SECRET not in seen.read_text()
    assert "RANK=" not in seen.read_text()
    assert [json.loads(line)["event"] for line in seen.read_text().splitlines() if line.startswith("{")] == [
        *("started", "best", "finished")
    ]


@pytest.mark.fault(25)
def test_a_lost_process_is_told_and_then_how_the_run_ends(tmp_path: Path) -> None:
    with servers.serving(servers.accepting) as server:
        run = Run(tmp_path, "--headless", "--processes", "2", "--epochs", "2000", "--notify", secret_address(server))
        eventually(lambda: (run.folder / "net_002.json").exists() or run.process.poll() is not None)
        second = [one for one in psutil.Process(run.process.pid).children() if one.environ().get("RANK") == "1"]
        second[0].kill()
        eventually(lambda: bool(server.requests))
        steps = server.bodies[0]["step"]
        assert steps >= 20
        eventually(lambda: run.printed.count("Resumed after step") == 1)
        run.process.terminate()
        assert run.wait() == 128 + signal.SIGTERM, run.printed
        assert events(server.bodies) == ["rank-lost", "stopped"]
        assert server.bodies[0]["sentence"].startswith("Process 1 of this run was lost during")


def test_the_configuration_holds_for_a_run_that_is_resumed(tmp_path: Path) -> None:
    with servers.serving(servers.accepting) as server:
        run = Run(tmp_path, "--headless")
        assert run.wait() == 0, run.printed
        (run.config / "cifar-tui").mkdir(parents=True)
        file = run.config / "cifar-tui" / "notify.json"
        file.write_text(json.dumps({"notify": secret_address(server), "tell": "usual,started"}))
        file.chmod(0o600)
        run = Run(tmp_path, "--headless", "--resume", "--epochs", "3")
        assert run.wait() == 0, run.printed
        assert [(body["event"], body["step"]) for body in server.bodies] == [("started", 20), ("finished", 30)]
        file.write_text("{")
        run = Run(tmp_path, "--headless", "--resume", "--epochs", "4")
        assert run.wait() == 0, run.printed
        assert f"{file} is not used: it is not JSON." in run.printed
        assert len(server.requests) == 2
    check_secret(run)


@pytest.fixture(scope="module")
def untold(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The checksums of the weights of a run that tells nobody."""
    run = Run(tmp_path_factory.mktemp("untold"), "--headless")
    assert run.wait() == 0, run.printed
    return weights(run)


def weights(run: Run) -> dict[str, str]:
    sidecars = [json.loads(path.read_text()) for path in run.folder.glob("net_*.json")]
    return {one["checkpoint"]: one["sha256"] for one in sidecars}


@pytest.mark.fault(26)
@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        (servers.hanging, "it was not waited for any longer"),
        (servers.answering("302 Elsewhere", headers="Location: http://127.0.0.1:1/\r\n"), "a redirect"),
        (servers.closing_in_the_middle, "not HTTP"),
        (servers.flooding, ""),
    ],
)
def test_a_bad_server_costs_no_step_and_ctrl_c_no_result(
    tmp_path: Path, untold: dict[str, str], behaviour: servers.Behaviour, words: str
) -> None:
    with servers.serving(behaviour) as server:
        run = Run(tmp_path, "--headless", "--tell", "finished", CIFAR_TUI_NOTIFY=secret_address(server))
        eventually(lambda: "Waiting up to 30 s" in run.printed or run.process.poll() is not None)
        if behaviour is servers.hanging:
            run.process.send_signal(signal.SIGINT)
        assert run.wait() == 0, run.printed
        assert "Finished 20 steps" in run.printed
        assert words in run.printed
        assert ("did not reach http://127.0.0.1" in run.printed) is bool(words)
    assert len(untold) == 2
    assert weights(run) == untold
    check_secret(run)


@pytest.mark.fault(26)
def test_a_server_that_comes_back_is_told_the_rest(tmp_path: Path) -> None:
    with servers.serving(servers.accepting) as server:
        run = Run(
            tmp_path, "--headless", "--tell", "usual,started", "--epochs", "1", "--notify", secret_address(server)
        )
        eventually(lambda: len(server.requests) == 1)
    assert run.wait() == 0, run.printed
    assert "did not reach" in run.printed
    with servers.serving(servers.accepting) as server:
        run = Run(tmp_path, "--headless", "--resume", "--epochs", "2", "--notify", secret_address(server))
        assert run.wait() == 0, run.printed
        assert [(body["event"], body["step"]) for body in server.bodies] == [("finished", 20)]


def test_a_server_that_is_gone_becomes_a_note_of_the_run(tmp_path: Path) -> None:
    with servers.serving(servers.answering("403 Forbidden")) as server:
        run = Run(
            tmp_path, "--headless", "--tell", "usual,started", "--epochs", "20", "--notify", secret_address(server)
        )
        assert run.wait() == 0, run.printed
    journal = (run.folder / "journal.jsonl").read_text()
    assert journal.count("A notification did not reach http://127.0.0.1") == 1
    check_secret(run)


def test_an_address_that_is_none_is_refused_before_anything_starts(tmp_path: Path) -> None:
    run = Run(tmp_path, "--headless", "--notify", f"http://example.com/{SECRET}")
    assert run.wait() == 2
    assert run.printed == (
        "Notifications are not sent in the clear: take https for example.com (http is for this machine alone).\n"
    )
    assert not run.folder.exists()
