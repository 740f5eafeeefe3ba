"""A run is told to end, is suspended, or its clock is set: nothing of it is lost."""

import contextlib
import itertools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pseudo_terminal import PATIENCE_SECONDS, PseudoTerminal

from cifar_tui.files.run_files import journal_path
from cifar_tui.history.run_history import RunHistory
from cifar_tui.runs.checkpoints.sidecars import list_sidecars, newest_checkpoint
from cifar_tui.runs.records.journal import read_events
from tests.faults.trainers import SMALL, resumed, trainer
from tests.invariants import Evidence, check
from tests.program import command

pytestmark = pytest.mark.slow

RARE = pytest.mark.fault(4, often=True)


@pytest.mark.fault(4)
@pytest.mark.parametrize(
    ("moment", "fault"),
    [
        ("in mid-step", "term:stepped:*:7"),
        ("in mid-save of the weights", "term:written:net_*.pth:1"),
        pytest.param("in mid-save of the state", "term:synced:state_*.pt:1", marks=RARE),
        pytest.param("in a test", "term:tested:*:1", marks=RARE),
    ],
)
def test_sigterm_saves_and_ends_with_143(tmp_path: Path, moment: str, fault: str) -> None:
    with trainer(tmp_path / "run", fault=fault) as one:
        if "state" in moment:
            one.wait_for_steps(3)
            one.process.send_signal(signal.SIGINT)
        assert one.exit_code() in ((143,) if "state" not in moment else (130, 143))
        assert one.lines[-1]["event"] == "RunStopped"
        if one.lines[-1]["step"]:
            assert one.lines[-1]["checkpoint"]
    check(tmp_path / "run", Evidence(restarted=True))


@pytest.mark.fault(4)
@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGUSR2, signal.SIGXCPU], ids=lambda number: number.name)
def test_a_schedulers_warning_saves_and_ends(tmp_path: Path, number: signal.Signals) -> None:
    with trainer(tmp_path / "run") as one:
        one.wait_for_steps(5)
        one.process.send_signal(number)
        assert one.exit_code() == 128 + number
        assert one.lines[-1]["event"] == "RunStopped"
        assert one.lines[-1]["checkpoint"]
        assert one.lines[-1]["signal"] == number.name
        assert f"Stopped by {number.name} after step" in one.output
    check(tmp_path / "run", Evidence(restarted=True))


@pytest.mark.fault(4)
def test_a_run_that_is_done_when_a_signal_comes_ends_with_0_and_one_that_fails_with_its_own_code(
    tmp_path: Path,
) -> None:
    with trainer(tmp_path / "done", epochs=1, fault="term:renamed:state_*.json:1") as one:
        assert one.exit_code() == 0
        assert one.lines[-1]["event"] == "RunFinished"
    with trainer(tmp_path / "failed", fault="raise:stepped:*:5") as one:
        assert one.exit_code() == 1


@pytest.mark.fault(4)
def test_an_attached_screen_shows_which_signal_stopped_the_run(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with trainer(run) as one:
        one.wait_for_steps(1)
        with PseudoTerminal(command("attach", str(run)), size=(120, 40)) as screen:
            screen.wait_for("● Training")
            one.process.send_signal(signal.SIGUSR1)
            screen.wait_for("Stopped by SIGUSR1 after step")
            assert one.exit_code() == 138
    check(run, Evidence())


@pytest.mark.fault(4)
def test_a_warning_before_training_began_loses_nothing_and_has_the_same_code(tmp_path: Path) -> None:
    with trainer(tmp_path / "run") as one:
        one.process.send_signal(signal.SIGUSR1)  # while Python starts
        assert one.exit_code() == -signal.SIGUSR1, "which a shell calls 138"
    with trainer(tmp_path / "run", "--train-images", "50000") as one:  # it takes a while to draw these
        one.wait_for(lambda: "Making synthetic images" in one.printed)
        one.process.send_signal(signal.SIGUSR1)
        assert one.exit_code() == 138
        assert "Stopped before the first step: there was nothing to save." in one.output
    assert not (tmp_path / "run").exists()


@pytest.mark.fault(4)
def test_a_schedulers_warning_saves_and_ends_a_run_with_a_screen(tmp_path: Path) -> None:
    run = tmp_path / "run"
    words = ["train", *SMALL, "--epochs", "5000", "--outf", str(run)]
    with PseudoTerminal(command(*words), size=(80, 24)) as screen:
        screen.wait_for("images/s")  # before its first step there is nothing to save
        os.kill(screen.pid, signal.SIGUSR1)
        assert screen.exit_code() == 128 + signal.SIGUSR1
    check(run, Evidence(restarted=True))
    assert newest_checkpoint(run)


@pytest.mark.fault(4, often=True)
def test_sigterm_in_a_test_does_not_wait_for_its_end(tmp_path: Path) -> None:
    with trainer(tmp_path / "run", "--width", "64", "--test-images", "2000") as one:
        one.wait_for_steps(10)  # and now it tests, for some twenty seconds
        one.process.send_signal(signal.SIGTERM)
        assert one.exit_code() == 143
        assert one.lines[-1]["event"] == "RunStopped"
        assert not one.said("EpochDone")
    check(tmp_path / "run", Evidence(restarted=True))


@pytest.mark.fault(5)
@pytest.mark.parametrize("times", [pytest.param(1, marks=pytest.mark.fault(5, often=True)), 2])
def test_ctrl_c_once_stops_and_saves_and_twice_saves_now(tmp_path: Path, times: int) -> None:
    # The second comes in the very middle of a save, so that it cannot come too late.
    with trainer(tmp_path / "run", fault="stop:synced:net_*_step_*.pth:1" if times == 2 else None) as one:
        one.wait_for_steps(5)
        one.interrupt("Stopping after this step")
        if times == 2:
            one.wait_for(lambda: one.process.poll() is not None or one.suspended)
            one.interrupt("Saving now")
        assert one.exit_code() == 130
        assert one.lines[-1]["event"] == "RunStopped"
        assert "Stopping after this step" in one.output
        assert times == 1 or "Saving now" in one.output
    check(tmp_path / "run", Evidence(restarted=True))


@pytest.mark.fault(5)
def test_ctrl_c_three_times_leaves_at_once_and_the_last_state_stands(tmp_path: Path) -> None:
    with trainer(tmp_path / "run", fault="stop:synced:net_*_step_*.pth:1") as one:
        one.wait_for(lambda: len(one.said("CheckpointSaved")) >= 1)
        one.wait_for_steps(len(one.said("StepDone")) + 1)
        one.interrupt("Stopping after this step")
        # In the very middle of its save, as on a disk that hangs; or it has just ended an epoch, and is through.
        one.wait_for(lambda: one.process.poll() is not None or one.suspended)
        one.interrupt("Saving now")
        one.interrupt("no answer: it leaves")
        assert one.exit_code() == 130
    check(tmp_path / "run", Evidence())


@pytest.mark.fault(6)
def test_a_suspended_process_is_seen_to_be_keeps_its_lock_and_its_gap_counts_nowhere(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with contextlib.ExitStack() as stack:
        one = stack.enter_context(trainer(run))
        one.wait_for_steps(5)
        screen = stack.enter_context(PseudoTerminal(command("attach", str(run)), size=(80, 24)))
        screen.wait_for("● Training")
        os.kill(one.process.pid, signal.SIGSTOP)
        suspended_at = time.monotonic()
        screen.wait_for("No sign of life")
        with trainer(run) as second:
            assert second.exit_code() == 3
            assert "is being trained by" in second.output
        stopped_at = len(one.said("StepDone"))
        suspended_seconds = time.monotonic() - suspended_at
        os.kill(one.process.pid, signal.SIGCONT)
        one.wait_for_steps(stopped_at + 20)
        screen.read_until(
            lambda: "● Training" in screen.text and "No sign of life" not in screen.text, "a run that trains"
        )
        seconds = [line["seconds"] for line in one.said("StepDone")]
        assert max(after - before for before, after in itertools.pairwise(seconds)) < suspended_seconds
        one.process.send_signal(signal.SIGTERM)
        assert one.exit_code() == 143
    check(run, Evidence(restarted=True))


CLOCK = """
import sys, time
real, began = time.time, time.monotonic()
time.time = lambda: real() + (0, 86_400, -86_400)[int((time.monotonic() - began) / 0.4) % 3]
sys.argv[0] = "cifar_tui"
from cifar_tui.cli import main
main()
"""


@pytest.mark.fault(20)
def test_a_clock_that_is_set_a_day_forth_and_back_changes_no_rate_and_no_order(tmp_path: Path) -> None:
    run = tmp_path / "run"
    words = ["train", "--headless", *SMALL, "--epochs", "12", "--outf", str(run)]
    done = subprocess.run(
        [sys.executable, "-c", CLOCK, *words],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    check(run, Evidence(restarted=True))
    history = RunHistory()
    for event in read_events(journal_path(run)):
        history.apply(event)
    assert 1 < history.images_per_second < 1e6
    assert history.last_step is not None
    assert history.last_step.seconds < 3_600
    assert [one.epoch for one in list_sidecars(run)] == list(range(1, 13))
    assert newest_checkpoint(run) == "net_012.pth"
    assert resumed(run, "--epochs", "13").returncode == 0
