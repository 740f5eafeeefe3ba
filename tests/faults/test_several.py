"""Several processes that train one run: always at the same step, exact after a loss, and never a hang."""

import hashlib
import os
import random
import signal
import time
from pathlib import Path

import pytest
import torch

from cifar_tui.control import ChangeRate, Evaluate, FinishEpoch, Pause, Resume, SaveNow, Stop
from cifar_tui.engine.network.ranks import Ranks
from tests.faults.several import asking, several
from tests.faults.trainers import resumed
from tests.invariants import Evidence, check

needs_gloo = pytest.mark.skipif(
    not (torch.distributed.is_available() and torch.distributed.is_gloo_available()), reason="needs gloo"
)
pytestmark = needs_gloo


def digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.mark.parametrize("count", [1, 2, 3, 7])
@pytest.mark.parametrize("stop", [5, 20, 23])
def test_the_shares_of_all_ranks_are_every_image_once(count: int, stop: int) -> None:
    shares = [list(range(100)[Ranks(rank, count).share(3, stop)]) for rank in range(count)]
    assert sorted(image for share in shares for image in share) == list(range(3, stop))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


@pytest.mark.fault(25)
def test_a_lost_process_costs_no_bit(tmp_path: Path) -> None:
    """torchrun ends the other, and starts both again: from the newest state to the weights of an unbroken run."""
    with several(tmp_path / "whole", "--epochs", "4", launcher=True) as whole:
        assert whole.exit_codes() == [0], whole.printed
    with several(tmp_path / "broken", "--epochs", "4", launcher=True) as broken:
        broken.wait_for(lambda: bool(broken.said("StateSaved")))
        os.kill(broken.rank(1), signal.SIGKILL)
        assert broken.exit_codes() == [0], broken.printed
        assert "Another process of this run was lost" in broken.said("RunFailed")[0]["reason"]
        assert broken.said("RunResumed")[0]["inexact_because"] == ""
    assert digest(tmp_path / "broken" / "net_004.pth") == digest(tmp_path / "whole" / "net_004.pth")
    check(tmp_path / "broken", Evidence(restarted=True))


@pytest.mark.fault(25)
def test_every_request_is_done_at_one_step_by_all(tmp_path: Path, often: bool) -> None:
    run = tmp_path / "one"
    with several(run, "--epochs", "1000") as both, asking(run) as ask:
        both.wait_for(lambda: len(both.said("StepDone")) > 5)
        for number in range(1, (50 if often else 8) + 1):
            ask(Pause())
            both.wait_for(lambda n=number: len(both.said("Paused")) == n)  # type: ignore[misc]
            steps = len(both.said("StepDone"))
            assert both.said("Paused")[-1]["step"] == both.said("StepDone")[-1]["step"]
            ask(Resume())
            more = random.Random(number).randrange(1, 8)
            both.wait_for(lambda s=steps + more: len(both.said("StepDone")) >= s)  # type: ignore[misc]
        ask(ChangeRate(0.001))
        both.wait_for(lambda: bool(both.said("RateChanged")))
        both.wait_for(lambda: both.said("StepDone")[-1]["learning_rate"] == pytest.approx(0.001, rel=0.2))
        saved = len(both.said("StateSaved"))
        ask(SaveNow())
        both.wait_for(lambda: len(both.said("StateSaved")) > saved)
        both.wait_for(lambda: bool(both.said("CheckpointSaved")))
        ask(Evaluate("net_001.pth"))
        both.wait_for(lambda: bool(both.said("EvaluationDone")))
        done, epoch = both.said("EvaluationDone")[0], both.said("EpochDone")[0]
        assert done["accuracy"] == epoch["test_accuracy"], "one process alone measures what both did"
        ask(FinishEpoch())
        both.wait_for(lambda: bool(both.said("FinishPlanned")))
        assert both.exit_codes() == [0, 0], both.printed
    check(run, Evidence())


@pytest.mark.fault(25)
def test_a_process_that_stands_still_is_named_and_waited_for(tmp_path: Path) -> None:
    with several(tmp_path / "one", "--epochs", "1000") as both, asking(tmp_path / "one") as ask:
        both.wait_for(lambda: len(both.said("StepDone")) > 5)
        both.processes[1].send_signal(signal.SIGSTOP)
        stopped = time.monotonic()
        both.wait_for(lambda: any("Process 1 gives no sign of life" in note["text"] for note in both.said("Noted")))
        assert time.monotonic() - stopped < 10
        steps = len(both.said("StepDone"))
        both.processes[1].send_signal(signal.SIGCONT)
        both.wait_for(lambda: len(both.said("StepDone")) > steps + 5)
        both.wait_for(lambda: any("Process 1 gives signs of life again" in note["text"] for note in both.said("Noted")))
        ask(Stop())
        assert both.exit_codes()[1] == 0
    check(tmp_path / "one", Evidence())


@pytest.mark.fault(25)
def test_sigterm_to_the_launcher_saves_and_leaves_no_process(tmp_path: Path) -> None:
    with several(tmp_path / "one", "--epochs", "1000", launcher=True) as both:
        both.wait_for(lambda: len(both.said("StepDone")) > 5)
        ranks = [both.rank(0), both.rank(1)]
        both.processes[0].send_signal(signal.SIGTERM)
        both.exit_codes()
        assert both.said("RunStopped")[-1]["step"] == both.said("StateSaved")[-1]["step"]
        assert not any(Path(f"/proc/{pid}").exists() for pid in ranks)
    check(tmp_path / "one", Evidence())


@pytest.mark.fault(25)
def test_two_processes_become_one_and_it_is_said_why_that_is_not_exact(tmp_path: Path) -> None:
    run = tmp_path / "one"
    with several(run, "--epochs", "1000") as both, asking(run) as ask:
        both.wait_for(lambda: bool(both.said("EpochDone")))
        ask(Stop())
        codes = both.exit_codes()
        assert codes[1] == 0, both.printed
        assert "2 × CPU, 1 thread" in both.said("TrainingStarted")[0]["device"]
    epochs = both.said("EpochDone")[-1]["epoch"] + 2
    alone = resumed(run, "--epochs", str(epochs))
    assert alone.returncode == 0, alone.stderr
    assert "ranks 2 → 1" in both.said("RunResumed")[0]["inexact_because"]


@pytest.mark.fault(25)
def test_more_processes_than_images_in_a_batch_are_refused(tmp_path: Path) -> None:
    with several(tmp_path / "one", "--batch-size", "1") as both:
        assert both.processes[0].wait(120) == 2
        assert "There are 2 processes, and a batch has 1 image" in both.printed
