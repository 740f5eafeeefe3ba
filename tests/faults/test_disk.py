"""The disk is full, broken, read-only or gone: training goes on in memory, and nothing that was saved is lost."""

import contextlib
import hashlib
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
import pytest
from pseudo_terminal import PATIENCE_SECONDS

from cifar_tui.files.run_files import FAILURE_NAME
from cifar_tui.runs.checkpoints.states import list_states, state_path
from tests.faults import refused_calls
from tests.faults.trainers import trainer
from tests.invariants import Evidence, check
from tests.program import command

pytestmark = pytest.mark.slow

REFUSALS = ["enospc", "eio", "erofs"]
POINTS = ["opened", "written", "synced", "renamed"]
RARE = pytest.mark.fault(10, often=True)
FILES = ["net_*.pth", "net_*.json", "state_*.pt", "state_*.json"]


def digests(run: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in run.glob("net_*")}


@pytest.mark.fault(8)
@pytest.mark.fault(9)
@pytest.mark.timeout(2_400)
def test_every_refusal_of_every_part_of_a_save_leaves_what_was_saved(
    tmp_path: Path, often: bool, record_property: Callable[[str, object], None]
) -> None:
    every = [(refusal, point, name) for name in FILES for point in POINTS for refusal in REFUSALS]
    tried = every if often else every[5 :: len(every) // 2]
    for number, (refusal, point, name) in enumerate(tried):
        run = tmp_path / f"run{number}"
        nth = 2 if "net" in name else 1
        with trainer(run, epochs=3, fault=f"{refusal}:{point}:{name}:{nth}") as one:
            assert one.exit_code() == 0, one.output
            kinds = [line["event"] for line in one.lines]
            refused = [
                line for line in one.lines if "could not be saved" in str(line.get("reason", line.get("text", "")))
            ]
            assert kinds.count("StepDone") == 30, "training went on"
            assert len(refused) == 1, "it was said once"
            assert kinds.count("CheckpointSaved") == 3, "and tried again until it worked"
            assert kinds[-1] == "RunFinished"
        check(run, Evidence(restarted=True))
    record_property("tries", len(tried))


def nobody_may_trace() -> bool:
    """Whether there is no strace here, or it may not watch another process."""
    return shutil.which("strace") is None or bool(
        subprocess.run(["strace", "-o", os.devnull, "true"], capture_output=True, check=False).returncode
    )


@pytest.mark.fault(8)
@pytest.mark.fault(9)
@pytest.mark.timeout(2_400)
@pytest.mark.skipif(nobody_may_trace(), reason="needs strace, and a machine that lets it watch")
def test_every_system_call_of_a_save_may_be_refused(
    tmp_path: Path, often: bool, record_property: Callable[[str, object], None]
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", refused_calls.__name__, str(tmp_path), str(int(often))],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=2_300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = orjson.loads(done.stdout)
    assert set(found["calls"]) >= {"openat", "write", "fsync", "close", "rename"}, "a whole save was recorded"
    assert found["tried"] == (2 * sum(found["calls"].values()) if often else len(found["calls"]))
    assert found["failures"] == []
    record_property("tries", found["tried"])


@pytest.mark.fault(8)
def test_a_file_that_may_grow_no_further_is_saved_once_it_may(tmp_path: Path) -> None:
    """A quota, as the system's limit on the size of a process's files."""
    run = tmp_path / "run"
    with trainer(run) as one:
        one.wait_for(lambda: bool(one.said("CheckpointSaved")))
        before = digests(run)
        half = (run / "net_001.pth").stat().st_size // 2
        resource.prlimit(one.process.pid, resource.RLIMIT_FSIZE, (half, resource.RLIM_INFINITY))
        one.wait_for(lambda: "could not be saved: File too large" in one.printed)
        resource.prlimit(one.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        assert {name: digests(run).get(name) for name in before} == before, "what was saved is as it was"
        one.process.send_signal(signal.SIGTERM)
        assert one.exit_code() == 143
    check(run, Evidence(restarted=True))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 20 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    if os.geteuid() or shutil.which("mount") is None:
        pytest.skip("a file system of its own needs root")
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", str(place)], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip("this machine lets nobody mount a file system")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.mark.fault(8)
def test_a_disk_that_really_is_full_and_then_is_not(small_disk: Path) -> None:
    run = small_disk / "run"
    with trainer(run, "--train-images", "1000") as one:
        one.wait_for(lambda: bool(one.said("CheckpointSaved")))
        before = digests(run)
        filler = small_disk / "filler"
        with filler.open("wb", buffering=0) as file:

            def full_and_said() -> bool:
                """A save that was refused gives back what it had written, so the disk is filled again and again."""
                with contextlib.suppress(OSError):
                    while True:
                        file.write(b"\0" * 4_096)
                return "training continues" in one.printed and "records wait in memory" in one.printed

            one.wait_for(full_and_said)
        assert {name: digests(run).get(name) for name in before} == before, "what was saved is as it was"
        filler.unlink()
        one.wait_for_steps(len(one.said("StepDone")) + 100)
        one.process.send_signal(signal.SIGTERM)
        assert one.exit_code() == 143
        output = one.output
    assert "No space left on device" in output
    check(run, Evidence(restarted=True))


@pytest.mark.fault(8)
def test_a_journal_that_is_refused_waits_in_memory_and_is_complete_again(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with trainer(run, fault="enospc:appended:journal.jsonl:40:1") as one:
        one.wait_for_steps(80)
        one.process.send_signal(signal.SIGTERM)
        assert one.exit_code() == 143
        assert "wait in memory, for the disk refuses them" in (output := one.output)
        assert "written again, and complete" in output
    check(run, Evidence(restarted=True))


@pytest.mark.fault(9)
def test_a_folder_that_is_deleted_costs_the_folder_and_not_the_run(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with trainer(run) as one:
        one.wait_for_steps(15)
        foreign = tmp_path / "foreign.txt"
        foreign.write_text("mine")
        shutil.rmtree(run)
        one.wait_for(lambda: "could not be saved" in one.printed)
        assert one.process.poll() is None, "it trains on"
        one.process.send_signal(signal.SIGTERM)
        assert one.exit_code() == 143
        output = one.output
    assert "Traceback" not in output
    assert foreign.read_text() == "mine"


@pytest.mark.fault(9)
@pytest.mark.skipif(not os.geteuid(), reason="root may write everywhere")
def test_a_read_only_folder_is_named_at_the_start(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with trainer(tmp_path / "run") as one:
        assert one.exit_code() == 2
        assert "Cannot write to" in one.output
    tmp_path.chmod(0o700)


@pytest.mark.fault(23)
def test_an_exception_in_a_save_is_said_and_training_goes_on(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with trainer(run, epochs=3, fault="raise:opened:net_*.pth:1") as one:
        assert one.exit_code() == 0
        assert "net_001.pth could not be saved: RuntimeError, a bug in cifar-tui" in one.output
        assert "space" not in one.output, "it is not called a full disk"
    assert "a fault for a test" in (run / FAILURE_NAME).read_text(), "its traceback is kept"
    check(run, Evidence(restarted=True))


@pytest.mark.fault(10)
@pytest.mark.parametrize(
    "how", ["flipped", *(pytest.param(how, marks=RARE) for how in ("cut", "empty", "another network"))]
)
def test_a_damaged_state_is_named_and_the_one_before_is_used(tmp_path: Path, how: str) -> None:
    run = tmp_path / "run"
    with trainer(run) as one:
        for _ in range(2):
            one.wait_for_steps(len(one.said("StepDone")) + 5)
            saved = len(one.said("StateSaved"))
            subprocess.run(command("save", str(run)), check=True, capture_output=True, timeout=PATIENCE_SECONDS)
            one.wait_for(lambda saved=saved: len(one.said("StateSaved")) > saved)  # type: ignore[misc]
        one.process.kill()
        one.exit_code()
    newest = state_path(run, list_states(run)[0].step)
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 1
    other = b"x" * len(content)
    damaged = {"flipped": bytes(content), "cut": bytes(content[:-100]), "empty": b"", "another network": other}
    newest.write_bytes(damaged[how])
    with trainer(run, resume=True) as one:
        one.wait_for(lambda: bool(one.said("RunResumed")))
        one.wait_for_steps(one.said("RunResumed")[-1]["at_step"] + 3)
        one.process.send_signal(signal.SIGTERM)
        assert one.exit_code() == 143
        output = one.output
    assert f"{newest.name} is damaged" in output
    assert "The one before it is used." in output
    check(run, Evidence(restarted=True))
