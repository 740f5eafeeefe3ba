"""A real run on the screen, at the far end of links that are thin, stop, or break."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from pseudo_terminal import NO_LINK, PATIENCE_SECONDS, PseudoTerminal, RunConnection

from tests.waiting import eventually

pytestmark = pytest.mark.slow

SMALL = ["--preset", "smoke", "--width", "8", "--train-images", "200", "--test-images", "100", "--batch-size", "20"]


def watched(run: Path, link: RunConnection = NO_LINK, epochs: int = 5_000) -> PseudoTerminal:
    command = [sys.executable, "-m", "cifar_tui", "train", *SMALL, "--data", "synthetic", "--epochs", str(epochs)]
    return PseudoTerminal([*command, "--outf", str(run)], size=(80, 24), link=link, folder=run.parent)


def records(run: Path) -> list[dict[str, Any]]:
    """The lines of the run's journal."""
    whole = (run / "journal.jsonl").read_bytes().rpartition(b"\n")[0]
    return [json.loads(line) for line in whole.splitlines()]


def said_at(run: Path) -> list[float]:
    """When the run's steps were written down, in seconds since 1970."""
    return [record["at"] for record in records(run) if record["event"] == "StepDone"]


@pytest.mark.fault(3)
def test_a_link_that_stops_costs_the_training_nothing(tmp_path: Path, often: bool) -> None:
    run, stall_seconds = tmp_path / "run", 15.0 if often else 3.0
    with watched(run) as terminal:
        terminal.wait_for("● Training")
        terminal.wait_for("images/s")
        before, over_at, redraws = len(said_at(run)), time.monotonic() + stall_seconds, 0

        def trained_on() -> bool:
            """Nobody reads, and more is to be sent than a terminal holds: the screen waits, and only the screen."""
            nonlocal redraws
            if redraws < 100:
                terminal.press("\x0c")
                redraws += 1
            return time.monotonic() > over_at and redraws >= 20 and len(said_at(run)) > before + 100

        eventually(trained_on)
        terminal.press("p")
        terminal.wait_for("‖ Paused")
        terminal.read_until(lambda: f"step {len(said_at(run)):,}/" in terminal.text, "the very last step")
        terminal.settle(1.5)
        paused, sent = terminal.text, len(terminal.raw)
        terminal.press("\x0c")  # the whole screen is sent again, and is the same
        terminal.read_until(lambda: len(terminal.raw) > sent + 1_000, "the whole screen")
        terminal.settle(1.5)
        assert terminal.text == paused
        assert "Accuracy" in paused


def test_keys_and_numbers_cross_a_thin_link(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with watched(run, RunConnection(bytes_per_second=125_000, delay_seconds=0.1)) as terminal:
        terminal.wait_for("● Training")
        terminal.wait_for("images/s")
        for _ in range(3):
            terminal.press("p")
            terminal.wait_for("‖ Paused")
            terminal.press("p")
            terminal.wait_for("● Training")


@pytest.mark.fault(3)
def test_a_run_outlives_its_terminal_and_ends_by_itself(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with watched(run, epochs=30) as terminal:
        terminal.wait_for("images/s")
        before = len(said_at(run))
        terminal.hang_up()
        assert terminal.exit_code() == 0
    steps = said_at(run)
    assert len(steps) == 300 > before
    kinds = [record["event"] for record in records(run)]
    assert kinds[-1] == "RunFinished"
    notes = [record["text"] for record in records(run) if record["event"] == "Noted"]
    assert "Terminal closed; training continues." in notes
    output = (run / "output.txt").read_text()
    assert "Finished 300 steps" in output
    assert "\x1b" not in output, "no screen is drawn into the file"


@pytest.mark.fault(3)
def test_sighup_alone_gives_the_terminal_back_and_training_goes_on(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with watched(run) as terminal:
        terminal.wait_for("images/s")
        before = len(said_at(run))
        os.kill(terminal.pid, signal.SIGHUP)
        terminal.read_until(lambda: b"\x1b[?1049l" in terminal.raw, "the terminal's own screen")
        os.kill(terminal.pid, signal.SIGHUP)
        terminal.read_until(lambda: len(said_at(run)) > before + 20, "more training")
        os.kill(terminal.pid, signal.SIGTERM)
        assert terminal.exit_code() == 143
    assert records(run)[-1]["event"] == "RunStopped"


@pytest.mark.fault(3)
def test_a_paused_run_whose_terminal_goes_away_waits_for_another_screen(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with watched(run) as terminal:
        terminal.wait_for("images/s")
        terminal.press("p")
        terminal.wait_for("‖ Paused")
        terminal.hang_up()
        with attached(run) as screen:
            screen.wait_for("‖ Paused  by pts/")
            screen.press("p")
            screen.wait_for("● Training")
            screen.press("q")
            screen.wait_for("Quit while training?")
            screen.press("s")
            assert screen.exit_code() == 0
        assert terminal.exit_code() == 0
    assert records(run)[-1]["event"] == "RunStopped"
    assert list(run.glob("state_*.pt"))


def attached(run: Path) -> PseudoTerminal:
    return PseudoTerminal([sys.executable, "-m", "cifar_tui", "attach", str(run)], size=(80, 24))


@pytest.mark.fault(2)
def test_an_attached_screen_that_goes_away_costs_the_run_nothing(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with watched(run) as terminal:
        terminal.wait_for("images/s")
        for leave in (lambda screen: screen.hang_up(), lambda screen: os.kill(screen.pid, signal.SIGKILL)):
            with attached(run) as screen:
                screen.wait_for("images/s")
                leave(screen)
                assert screen.exit_code() in (129, -signal.SIGKILL)
        before = len(said_at(run))
        terminal.read_until(lambda: len(said_at(run)) > before, "more training")
        terminal.press("p")
        terminal.wait_for("‖ Paused")


@pytest.mark.fault(15)
def test_two_screens_on_one_run_each_show_what_the_other_asked(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with watched(run) as terminal:
        terminal.wait_for("images/s")
        with attached(run) as screen:
            screen.wait_for("p Pause")
            screen.press("p")
            terminal.wait_for("‖ Paused  by pts/")
            screen.wait_for("‖ Paused")
            assert "by pts/" not in screen.text, "one's own pause needs no name"
            terminal.press("p")
            screen.wait_for("● Training")
            screen.press("d")
            assert screen.exit_code() == 0
        before = len(said_at(run))
        terminal.read_until(lambda: len(said_at(run)) > before, "more training")


def test_detaching_gives_the_shell_its_prompt_and_the_run_goes_on(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with watched(run) as terminal:
        terminal.wait_for("images/s")
        before, trainer = len(said_at(run)), terminal.drawing_pid
        terminal.press("d")
        assert terminal.exit_code() == 0
        assert f"cifar-tui attach {run}" in terminal.text.replace("\n", "")
    with attached(run) as screen:
        screen.wait_for("● Training")
        assert len(said_at(run)) > before
        asked = subprocess.run(
            [sys.executable, "-m", "cifar_tui", "stop", str(run)],
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=True,
        )
        assert "Stopped after step" in asked.stdout
        screen.wait_for("■ Stopped")
    eventually(lambda: gone(trainer))


def gone(pid: int) -> bool:
    """Whether there is no such process."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.mark.fault(1)
def test_killing_what_the_shell_waits_for_saves_and_ends_the_run(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with watched(run) as terminal:
        terminal.wait_for("images/s")
        trainer = terminal.drawing_pid
        assert trainer != terminal.pid
        os.kill(terminal.pid, signal.SIGKILL)
        eventually(lambda: gone(trainer))
    assert records(run)[-1]["event"] == "RunStopped"


@pytest.mark.fault(1)
def test_a_trainer_that_is_killed_leaves_the_terminal_as_it_was(tmp_path: Path) -> None:
    with watched(tmp_path / "run") as terminal:
        terminal.wait_for("images/s")
        os.kill(terminal.drawing_pid, signal.SIGKILL)
        assert terminal.exit_code() == 128 + signal.SIGKILL
        assert "Training was killed (SIGKILL)" in terminal.text
        assert terminal.raw.rindex(b"\x1b[?1049l") > terminal.raw.rindex(b"\x1b[?1049h")
