"""Many trainers want one run at the same moment: exactly one gets it, and the others say who."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pseudo_terminal import PATIENCE_SECONDS

from cifar_tui.files.lock_owner import describe_this_process, living_owner
from cifar_tui.files.run_files import ADDRESS_NAME, JOURNAL_NAME, LOCK_NAME
from cifar_tui.presets import preset
from cifar_tui.runs.folder import RunFolder
from cifar_tui.runs.garbage import collect_garbage
from cifar_tui.runs.lock import is_being_trained
from cifar_tui.runs.remote import socket_path
from cifar_tui.runs.remote.client import RemoteControl
from tests.faults import contender
from tests.invariants import Evidence, check

HEADSTART_SECONDS = 0.05
"""From telling the first contender until all of them race."""


class Contender:
    """A process that takes the run's lock as a trainer does."""

    def __init__(self, run: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", contender.__name__, str(run)],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def hear(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def tell(self, words: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{words}\n")
        self.process.stdin.flush()

    def kill(self) -> None:
        with self.process as process:
            process.send_signal(signal.SIGKILL)


@pytest.fixture(autouse=True)
def _session(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A short runtime folder, as a login gives one."""
    with tempfile.TemporaryDirectory(prefix="run-") as folder:
        monkeypatch.setenv("XDG_RUNTIME_DIR", folder)
        yield


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run that has ended."""
    RunFolder.create(tmp_path / "run", "run", preset("quick")).close()
    (tmp_path / "run" / JOURNAL_NAME).touch()
    return tmp_path / "run"


@pytest.fixture
def join(run: Path) -> Iterator[Callable[[], Contender]]:
    """Starts contenders, and leaves none behind."""
    started: list[Contender] = []

    def start() -> Contender:
        started.append(Contender(run))
        return started[-1]

    yield start
    for one in started:
        if one.process.returncode is None:
            one.kill()


def race(contenders: list[Contender]) -> tuple[list[Contender], list[str]]:
    """Have all of them want the run at once. Returns who won, and what the others said."""
    at = time.monotonic() + HEADSTART_SECONDS
    for one in contenders:
        one.tell(f"race {at}")
    said = {one: one.hear() for one in contenders}
    return [one for one in contenders if said[one] == "won"], [words for words in said.values() if words != "won"]


@pytest.mark.slow
@pytest.mark.fault(14)
@pytest.mark.timeout(600)
def test_of_many_trainers_exactly_one_wins_and_the_others_name_it_until_it_is_killed(
    run: Path, join: Callable[[], Contender], often: bool, record_property: Callable[[str, object], None]
) -> None:
    rounds, count = (15, 12) if often else (4, 6)
    contenders = [join() for _ in range(count)]
    for one in contenders:
        assert one.hear() == "ready"
    for _ in range(rounds):
        winners, refusals = race(contenders)
        assert len(winners) == 1
        holder = f"is being trained by process {winners[0].process.pid} on {socket.gethostname()}."
        assert len(refusals) == count - 1
        assert all(holder in words for words in refusals), refusals
        assert is_being_trained(run)
        # Killed, it leaves its mark, its socket and its socket's address: none of it keeps the next one out.
        winners[0].kill()
        assert not is_being_trained(run)
        assert (run / ADDRESS_NAME).exists()
        contenders.remove(winners[0])
        contenders.append(join())
        assert contenders[-1].hear() == "ready"
    RunFolder.reopen(run).close()
    socket_path.discard_address(run)
    for one in contenders:
        one.kill()
    check(run, Evidence(restarted=True))
    record_property("tries", rounds * count)


@pytest.mark.fault(14)
def test_a_process_that_has_a_killed_trainers_number_holds_nothing(run: Path) -> None:
    """A number comes round again; who started when, on which start of the machine, does not."""
    killed = describe_this_process().splitlines()
    boot, started = killed[1].split()
    for stale in (b"%s %.2f" % (boot, float(started) - 1), b"00000000-0000-0000-0000-000000000000 %s" % started):
        mark = killed[0] + b"\n" + stale + b"\n"
        assert living_owner(mark) == ""
        (run / LOCK_NAME).write_bytes(mark)
        assert not is_being_trained(run)
        RunFolder.reopen(run).close()
    assert living_owner(describe_this_process()) == f"process {os.getpid()} on {socket.gethostname()}"
    assert living_owner(b"process 1 on elsewhere\nx y\n") == "process 1 on elsewhere"


@pytest.mark.fault(14)
def test_a_lock_that_nobody_has_put_a_name_to_yet_is_waited_for(run: Path, join: Callable[[], Contender]) -> None:
    holder, late = RunFolder.reopen(run), join()
    assert late.hear() == "ready"
    mark = (run / LOCK_NAME).read_bytes()
    (run / LOCK_NAME).write_bytes(b"")
    late.tell("race 0")
    (run / LOCK_NAME).write_bytes(mark)
    assert f"process {os.getpid()} on" in late.hear()
    holder.close()
    late.tell("race 0")
    assert late.hear() == "won"


@pytest.mark.fault(14)
def test_a_stale_socket_is_removed_only_by_who_holds_the_run(run: Path, join: Callable[[], Contender]) -> None:
    killed, living = join(), join()
    for one in (killed, living):
        assert one.hear() == "ready"
    assert race([killed])[0] == [killed]
    answering = socket_path.read_address(run)
    assert answering is not None
    killed.kill()
    holder = RunFolder.reopen(run)  # which has not come to the socket yet
    living.tell("race 0")
    assert "is being trained by" in living.hear()
    os.utime(answering, (0, 0))
    os.utime(run / ADDRESS_NAME, (0, 0))
    assert run / ADDRESS_NAME not in collect_garbage([run]), "who tidies leaves a run that is held alone"
    assert (run / ADDRESS_NAME).exists()
    holder.close()
    assert race([living])[0] == [living]
    remote, until = RemoteControl(run, screen=False), time.monotonic() + PATIENCE_SECONDS
    while not remote.connected:
        assert time.monotonic() < until
        time.sleep(0.01)
    remote.close()
