"""The real program alone on a terminal: all runs, one of them opened, one deleted, and back to the shell."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pseudo_terminal import PseudoTerminal

from cifar_tui.runs.find import all_runs
from tests.faults.trainers import trainer
from tests.run_folders import put_finished_run
from tests.waiting import eventually

PROGRAM = [sys.executable, "-m", "cifar_tui"]


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[PseudoTerminal]:
    for name, epochs in (("one", 2), ("two", 3)):
        put_finished_run(tmp_path / "runs", name, epochs)
    environment = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path / "config")}
    with PseudoTerminal(PROGRAM, folder=tmp_path, environment=environment) as opened:
        opened.wait_for("2 runs")
        yield opened


def choose(terminal: PseudoTerminal, name: str) -> None:
    """Open a run by its name."""
    terminal.press(f"/{name}")
    terminal.wait_for("1 of 2 runs")
    terminal.press("\r")
    terminal.settle(0.3)
    terminal.press("\r")
    terminal.wait_for("─ Loss ")


def test_a_run_is_opened_left_and_deleted(terminal: PseudoTerminal, tmp_path: Path) -> None:
    choose(terminal, "two")
    terminal.press("u")
    terminal.wait_for("▸two")
    terminal.press("D")
    terminal.wait_for("Delete the run two?")
    terminal.press("y")
    terminal.wait_for("two is deleted.")
    terminal.press("\x1b")
    terminal.wait_for("  one  ")
    terminal.press("q")
    assert terminal.exit_code() == 0
    assert all_runs(tmp_path / "runs") == [tmp_path / "runs" / "one"]


@pytest.mark.slow
def test_a_signal_ends_it_as_it_ends_any_program(terminal: PseudoTerminal) -> None:
    os.kill(terminal.drawing_pid, signal.SIGTERM)
    assert terminal.exit_code() == 128 + signal.SIGTERM


@pytest.mark.slow
def test_a_run_that_lives_is_opened_and_trains_on_when_it_is_left(tmp_path: Path) -> None:
    put_finished_run(tmp_path / "runs", "other", 2)
    environment = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path / "config")}
    with trainer(tmp_path / "runs" / "alive") as run:
        run.wait_for_steps(1)
        with PseudoTerminal(PROGRAM, folder=tmp_path, environment=environment) as terminal:
            terminal.wait_for("2 runs")
            choose(terminal, "alive")
            steps = len(run.said("StepDone"))
            terminal.press("u")
            terminal.wait_for("▸alive")
            terminal.press("q")
            terminal.wait_for("Quit while training?")
            terminal.press("d")
            assert terminal.exit_code() == 0
        eventually(lambda: len(run.said("StepDone")) > steps)


def test_without_a_terminal_it_prints_help() -> None:
    done = subprocess.run(PROGRAM, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120, check=False)
    assert done.returncode == 0
    assert "attach" in done.stdout
    assert done.stderr == ""
