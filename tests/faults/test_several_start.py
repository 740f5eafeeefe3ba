"""The start of several processes: images are fetched once a machine, and one that cannot go on is named with why."""

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
import torch
from pseudo_terminal import PATIENCE_SECONDS, PseudoTerminal

from cifar_tui.failpoints import VARIABLE
from cifar_tui.system.launcher import LOST
from tests.engine.data.test_torchvision_data import MIRROR_VARIABLE, Server, make_archive
from tests.faults.odd_program import OWN_DISK, SMALL_CIFAR10, WITHOUT_DEVICE, WITHOUT_MEMORY_AT
from tests.faults.several import NUMBER, SMALL, several
from tests.invariants import Evidence, check, journal_lines
from tests.program import command

pytestmark = pytest.mark.skipif(
    not (torch.distributed.is_available() and torch.distributed.is_gloo_available()), reason="needs gloo"
)
ROOT = Path(__file__).parents[2]
ODD = "tests.faults.odd_program"
SMALL_IMAGES = (
    *("--data", "cifar10", "--train-images", "100", "--test-images", "30", "--batch-size", "10", "--epochs", "1"),
)
SECOND = "?second"
NOWHERE = "http://127.0.0.1:9/nothing.tar.gz"


class GatedServer(Server):
    """A server that lets the second machine wait at a gate."""

    def __init__(self, archive: bytes) -> None:
        super().__init__(archive)
        self.gate = threading.Event()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        if handler.path.endswith(SECOND):
            self.gate.wait()
        super().answer(handler)


@pytest.fixture
def server() -> Iterator[GatedServer]:
    server = GatedServer(make_archive()[0])
    thread = threading.Thread(target=server.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.gate.set()
    server.server.shutdown()
    server.server.server_close()
    thread.join()


def variables(server: Server) -> dict[str, str]:
    small = make_archive()[1]
    sums = {"tgz_md5": small.tgz_md5, "train_list": small.train_list, "test_list": small.test_list, "meta": small.meta}
    return {SMALL_CIFAR10: json.dumps(sums), MIRROR_VARIABLE: server.url, "PYTHONPATH": str(ROOT)}


@pytest.mark.slow
@pytest.mark.fault(19)
def test_the_first_process_of_a_machine_fetches_and_the_others_wait_for_it(tmp_path: Path, server: GatedServer) -> None:
    with several(
        tmp_path / "one",
        *(*SMALL_IMAGES, "--data-dir", str(tmp_path / "data")),
        program=ODD,
        variables=variables(server),
        of_second={MIRROR_VARIABLE: NOWHERE},  # it never asks there
    ) as both:
        assert both.exit_codes() == [0, 0], both.printed
    assert len(server.ranges) == 1
    assert len(both.said("StepDone")) == 10
    check(tmp_path / "one", Evidence())


@pytest.mark.slow
@pytest.mark.fault(19)
@pytest.mark.parametrize("stopped", [False, True])
def test_another_machine_fetches_its_own_and_is_waited_for(tmp_path: Path, server: GatedServer, stopped: bool) -> None:
    """The leader waits in no sum, which would end after ten minutes, and can be stopped meanwhile."""
    machines = tmp_path / "first", tmp_path / "second"
    with several(
        tmp_path / "one",
        *(*SMALL_IMAGES, "--data-dir", str(machines[0])),
        program=ODD,
        variables=variables(server),
        of_second={"LOCAL_RANK": "0", OWN_DISK: str(machines[1]), MIRROR_VARIABLE: server.url + SECOND},
    ) as both:
        both.wait_for(lambda: "Waiting for the images of 1 other process" in both.printed and len(server.ranges) == 1)
        if stopped:
            both.processes[0].terminate()
            assert both.processes[0].wait(60) == 143, both.printed
        server.gate.set()
        codes = both.exit_codes()
        assert codes[1] == 0, both.printed
    assert len(both.said("StepDone")) == (0 if stopped else 10)
    if not stopped:
        assert server.ranges == [None, None]
        assert all(list(machine.rglob("data_batch_1")) for machine in machines)


@pytest.mark.slow
@pytest.mark.fault(25)
def test_a_process_without_memory_is_named_on_the_screen(tmp_path: Path) -> None:
    words = ("train", "--processes", "2", *SMALL, "--epochs", "1000", "--run-name", "both")
    environment = {name: value for name, value in os.environ.items() if name not in NUMBER}
    environment[VARIABLE] = "memory:stepped:rank_1:25"
    with PseudoTerminal(command(*words), size=(80, 24), folder=tmp_path, environment=environment) as terminal:
        terminal.wait_for("✗ Failed")
        terminal.wait_for("Process 1 of this run failed: CPU, 1 thread ran out of memory")
        terminal.press("q")
        assert terminal.exit_code() == 0


@pytest.mark.slow
@pytest.mark.fault(25)
@pytest.mark.parametrize("subject", ["rank_1", "leader"])
def test_processes_of_which_one_has_no_memory_are_not_started_again(tmp_path: Path, subject: str) -> None:
    run = tmp_path / "one"
    words = ("train", "--processes", "2", *SMALL, "--epochs", "1000", "--outf", str(run), "--run-name", "leader")
    environment = {name: value for name, value in os.environ.items() if name not in NUMBER}
    done = subprocess.run(
        command(*words, "--headless"),
        env=environment | {VARIABLE: f"memory:stepped:{subject}:25"},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )
    assert done.returncode == 1
    events = journal_lines(run)
    assert events[-1]["event"] == "RunFailed"
    assert str(events[-1]["reason"]).endswith("start again with --batch-size 25.")
    assert "RunResumed" not in [event["event"] for event in events]
    assert (run / "rank_1.txt").exists() == (subject == "rank_1")
    check(run, Evidence(restarted=True))


@pytest.mark.slow
@pytest.mark.fault(25)
def test_a_leader_without_memory_in_a_step_ends_the_other_at_once(tmp_path: Path) -> None:
    """The other waits in the sum of that step, and hears no order."""
    run = tmp_path / "one"
    with several(
        *(run, "--epochs", "1000"),
        program=ODD,
        variables={"PYTHONPATH": str(ROOT), WITHOUT_MEMORY_AT: "25"},
        of_second={WITHOUT_MEMORY_AT: "0"},
    ) as both:
        assert both.exit_codes()[0] == 1, both.printed  # and none is waited for in vain
    assert both.said("RunFailed")[0]["reason"].startswith("CPU, 1 thread ran out of memory.")
    check(run, Evidence())


@pytest.mark.slow
@pytest.mark.fault(25)
def test_a_process_that_breaks_is_named_and_its_traceback_kept(tmp_path: Path) -> None:
    run = tmp_path / "one"
    with several(run, "--epochs", "1000", variables={VARIABLE: "raise:stepped:rank_1:25"}) as both:
        assert both.exit_codes() == [LOST, 1], both.printed
    reason = both.said("RunFailed")[0]["reason"]
    assert "Process 1 of this run was lost during" in reason
    assert f"RuntimeError: a fault for a test. Details are in {run / 'rank_1.txt'}." in reason
    assert "Traceback" in (run / "rank_1.txt").read_text()
    check(run, Evidence())


@pytest.mark.slow
@pytest.mark.fault(25)
def test_a_process_without_its_device_is_named_before_anything_is_trained(tmp_path: Path) -> None:
    sentence = "There is no GPU cuda:1 here: torch sees cuda:0 alone."
    with several(
        tmp_path / "one", program=ODD, variables={"PYTHONPATH": str(ROOT)}, of_second={WITHOUT_DEVICE: sentence}
    ) as both:
        assert both.exit_codes() == [2, 2]
    assert f"Process 1 of this run failed: {sentence}" in both.printed
    assert not (tmp_path / "one").exists(), "a run in which nothing was trained leaves no folder"
