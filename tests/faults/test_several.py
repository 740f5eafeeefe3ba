"""Several processes that train one run: always at the same step, exact after a loss, and never a hang."""

import contextlib
import hashlib
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import torch
from pseudo_terminal import PseudoTerminal

from cifar_tui.control import (
    ChangeRate,
    DeleteCheckpoint,
    Evaluate,
    FinishEpoch,
    Pause,
    Resume,
    RollBack,
    SaveNow,
    Stop,
)
from cifar_tui.engine.network.ranks import Ranks
from cifar_tui.events import PaceMeasured
from cifar_tui.files.lock_owner import process_here
from cifar_tui.files.run_files import ADDRESS_NAME, LOCK_NAME
from cifar_tui.runs.lock import trainer_of
from cifar_tui.runs.remote.client import RemoteControl
from tests.faults.several import NUMBER, SMALL, asking, several
from tests.faults.trainers import resumed
from tests.invariants import Evidence, check
from tests.program import command

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


@pytest.mark.slow
@pytest.mark.fault(25)
@pytest.mark.parametrize("words", [(), ("--optimizer", "adamw", "--ema", "0.9")], ids=["sgd", "adamw, average"])
def test_a_lost_process_costs_no_bit(
    tmp_path: Path, words: tuple[str, ...], often: bool, record_property: Callable[[str, object], None]
) -> None:
    """torchrun ends the other, and starts both again: from the newest state to the weights of an unbroken run."""
    with several(tmp_path / "whole", "--epochs", "6", *words, launcher=True) as whole:
        assert whole.exit_codes() == [0], whole.printed
    runs, losses = (10, 2) if often else (1, 1)
    for number in range(runs):
        chance = random.Random(number)
        with several(tmp_path / f"broken{number}", "--epochs", "6", *words, launcher=True) as broken:
            for loss in range(losses):
                broken.wait_for(lambda n=loss: len(broken.said("RunResumed")) == n)  # type: ignore[misc]
                steps = len(broken.said("StepDone")) + chance.randrange(11 if loss == 0 else 1, 15)
                broken.wait_for(lambda s=steps: len(broken.said("StepDone")) >= s)  # type: ignore[misc]
                broken.wait_for(lambda: bool(broken.said("StateSaved")))
                os.kill(broken.rank(chance.randrange(2) if often else 1), signal.SIGKILL)
            assert broken.exit_codes() == [0], broken.printed
            assert len(broken.said("RunResumed")) == losses
            assert {resumed["inexact_because"] for resumed in broken.said("RunResumed")} == {""}
            if not often:
                assert "Process 1 of this run was lost" in broken.said("RunFailed")[0]["reason"]
        assert digest(tmp_path / f"broken{number}" / "net_006.pth") == digest(tmp_path / "whole" / "net_006.pth")
        check(tmp_path / f"broken{number}", Evidence(restarted=True))
    record_property("tries", runs * losses)


@pytest.mark.slow
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


@pytest.mark.slow
@pytest.mark.fault(25)
def test_deleting_checkpoints_costs_no_bit(tmp_path: Path) -> None:
    run = tmp_path / "one"
    with several(tmp_path / "whole", "--epochs", "8") as whole:
        assert whole.exit_codes() == [0, 0], whole.printed
    with several(run, "--epochs", "8") as both, asking(run) as ask:
        both.wait_for(lambda: len(both.said("EpochDone")) >= 3)
        for number in (1, 2):  # an older state, which is kept beside the newest, would need the checkpoints after it
            steps = len(both.said("StepDone"))
            both.wait_for(lambda s=steps: len(both.said("StepDone")) > s)  # type: ignore[misc]
            ask(Pause())
            both.wait_for(lambda n=number: len(both.said("Paused")) == n)  # type: ignore[misc]
            assert both.said("Paused")[-1]["step"] == both.said("StepDone")[-1]["step"]
            ask(SaveNow())
            saved = both.said("Paused")[-1]["step"]
            both.wait_for(lambda s=saved: both.said("StateSaved")[-1]["step"] == s)  # type: ignore[misc]
            if number == 1:
                ask(Resume())
        done = both.said("EpochDone")
        best = max(done, key=lambda epoch: float(epoch["test_accuracy"]))  # the first of several: they may all be equal
        neither = next(epoch for epoch in done[:-1] if epoch is not best)  # the newest nor the best
        unwanted = f"net_{neither['epoch']:03}.pth"
        ask(DeleteCheckpoint(unwanted))
        both.wait_for(lambda: bool(both.said("CheckpointDeleted")))
        ask(Resume())
        assert both.exit_codes() == [0, 0], both.printed
    assert not (run / unwanted).exists()
    assert digest(run / "net_008.pth") == digest(tmp_path / "whole" / "net_008.pth")
    check(run, Evidence())


@pytest.mark.slow
@pytest.mark.fault(25)
def test_rolling_back_gives_the_weights_of_one_history(tmp_path: Path) -> None:
    """After a loss that is not finite, both train on from the state, as if it had been resumed with half the rate."""
    run, copy = tmp_path / "one", tmp_path / "copy"
    with several(run, "--epochs", "4", "--lr", "0.02") as both, asking(run, screen=True) as ask:
        both.wait_for(lambda: len(both.said("StepDone")) > 5)
        ask(Pause())
        both.wait_for(lambda: bool(both.said("Paused")))
        step = both.said("Paused")[0]["step"]
        ask(SaveNow())
        both.wait_for(lambda: bool(both.said("StateSaved")) and both.said("StateSaved")[-1]["step"] == step)
        shutil.copytree(run, copy, ignore=shutil.ignore_patterns(LOCK_NAME, ADDRESS_NAME))
        ask(Resume())
        both.wait_for(lambda: len(both.said("StepDone")) > step)
        ask(ChangeRate(1e30))
        both.wait_for(lambda: any(loss["waiting"] for loss in both.said("LossNotFinite")))
        ask(RollBack())
        assert both.exit_codes() == [0, 0], both.printed
    (back,) = both.said("RolledBack")
    assert back["to_step"] == step < back["from_step"]
    with several(copy, "--lr", "0.01", resume=True) as resumed_run:
        assert resumed_run.exit_codes() == [0, 0], resumed_run.printed
    assert digest(run / "net_004.pth") == digest(copy / "net_004.pth")
    check(run, Evidence())


@pytest.mark.slow
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


@pytest.mark.slow
@pytest.mark.fault(25)
def test_a_process_that_holds_the_others_up_is_told_to_screens(tmp_path: Path) -> None:
    run = tmp_path / "one"
    remote = RemoteControl(run, screen=False)
    with several(run, "--epochs", "1000") as both, contextlib.closing(remote):
        both.wait_for(lambda: len(both.said("StepDone")) > 5)

        def held_up() -> bool:
            for number in (signal.SIGSTOP, signal.SIGCONT):
                both.processes[1].send_signal(number)
                time.sleep(0.1)
            found = [event for event in remote.poll() if isinstance(event, PaceMeasured)]
            return any(one.slowest == 1 and one.longer > 0.5 for one in found)

        both.wait_for(held_up)
        remote.submit(Stop())
        assert both.exit_codes()[1] == 0
    assert not both.said("PaceMeasured"), "it is of the moment, and not recorded"
    check(run, Evidence())


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
@pytest.mark.fault(25)
def test_more_processes_than_images_in_a_batch_are_refused(tmp_path: Path) -> None:
    with several(tmp_path / "one", "--batch-size", "1") as both:
        assert both.processes[0].wait(120) == 2
        assert "There are 2 processes, and a batch has 1 image" in both.printed


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def stop_and_leave(terminal: PseudoTerminal) -> None:
    terminal.press("s")
    terminal.wait_for("Stop and save")
    terminal.press("\r")
    terminal.wait_for("■ Stopped")
    terminal.press("q")
    assert terminal.exit_code() == 0


def listening_on(pid: int) -> set[str]:
    """The addresses that a process accepts connections on."""
    connections = psutil.Process(pid).net_connections("inet")
    return {one.laddr.ip for one in connections if one.status == psutil.CONN_LISTEN}


@pytest.mark.slow
@pytest.mark.fault(25)
def test_a_screen_on_several_processes_outlives_the_loss_of_one(tmp_path: Path) -> None:
    """`--processes` starts them in the background; the screen is one that is attached, and every key works."""
    words = ("train", "--processes", "2", *SMALL, "--epochs", "1000", "--run-name", "both")
    environment = {name: value for name, value in os.environ.items() if name not in NUMBER}
    with PseudoTerminal(command(*words), size=(120, 40), folder=tmp_path, environment=environment) as terminal:
        terminal.wait_for("Starting 2 processes…")
        terminal.wait_for("2 × CPU")
        run = tmp_path / "runs" / "both"
        terminal.read_until(lambda: any(run.glob("state_*.json")), "a training state")
        leader = process_here(trainer_of(run))
        launcher = int(Path(f"/proc/{leader}/stat").read_text().rpartition(")")[2].split()[1])
        (other,) = [child for child in children(launcher) if child != leader]
        open_to = {host for pid in (launcher, leader, other) for host in listening_on(pid)}
        assert open_to == {"127.0.0.1"}, "nobody else is let in"
        os.kill(other, signal.SIGKILL)
        terminal.wait_for("Process 1 of this run was lost")
        terminal.wait_for("Resumed after step")
        terminal.wait_for("● Training")
        terminal.press("p")
        terminal.wait_for("‖ Paused")
        stop_and_leave(terminal)
    until = time.monotonic() + 30
    while Path(f"/proc/{launcher}").exists():
        assert time.monotonic() < until, "the launcher ends with its run"
        time.sleep(0.1)
    check(run, Evidence(restarted=True))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--gpus", "all"), "There are 0 GPUs here that torch can use"),
        (("--gpus", "some"), "--gpus must be a number or all, not 'some'"),
        (("--gpus", "2", "--processes", "2"), "leave --processes out"),
        (("--processes", "2", "--preset", "none"), "There is no preset 'none'"),
    ],
)
def test_what_cannot_be_started_in_several_processes_is_said_once(
    tmp_path: Path, words: tuple[str, ...], sentence: str
) -> None:
    if torch.cuda.is_available() and "all" in words:
        pytest.skip("there is a GPU here")
    done = subprocess.run(
        command("train", *words, "--data", "synthetic", "--headless"),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert sentence in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.fault(25)
def test_a_run_that_is_resumed_by_several_processes_is_shown_as_it_trains(tmp_path: Path) -> None:
    """Its older records end with a stop: the screen waits until it is taken up."""
    environment = {name: value for name, value in os.environ.items() if name not in NUMBER}
    assert subprocess.run(command("train", *SMALL, "--run-name", "one", "--headless"), cwd=tmp_path).returncode == 0
    words = ("train", "--processes", "2", "--resume", "one", "--epochs", "500")
    with PseudoTerminal(command(*words), size=(120, 40), folder=tmp_path, environment=environment) as terminal:
        terminal.wait_for("Resumed after step")
        terminal.wait_for("● Training")
        stop_and_leave(terminal)
    check(tmp_path / "runs" / "one", Evidence(restarted=True))
