"""The real screen in a real terminal: resized in a storm, printed over by libraries, broken by an exception."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from pseudo_terminal import PseudoTerminal

from tests.faults.trainers import SMALL
from tests.invariants import Evidence, check, journal_lines

pytestmark = pytest.mark.slow

PROGRAM = """
import sys
sys.argv[0] = "cifar_tui"
{breakage}
from cifar_tui.cli import main
main()
"""


def on_a_screen(run: Path, breakage: str = "", *, epochs: int = 5_000) -> PseudoTerminal:
    """The program on a screen, with something in it broken beforehand."""
    command = [sys.executable, "-c", PROGRAM.format(breakage=breakage), "train", *SMALL]
    return PseudoTerminal([*command, "--epochs", str(epochs), "--outf", str(run)], size=(100, 30))


def steps(run: Path) -> int:
    return sum(line["event"] == "StepDone" for line in journal_lines(run))


@pytest.mark.fault(7)
def test_a_storm_of_resizes_costs_neither_the_screen_nor_the_training(
    tmp_path: Path, often: bool, record_property: Callable[[str, object], None]
) -> None:
    run, count = tmp_path / "run", 900 if often else 150
    sizes = [(1, 1), (500, 200), (30, 100), (12, 40), (2, 300), (60, 20), (40, 120), (5, 5)]
    with on_a_screen(run) as terminal:
        terminal.wait_for("images/s")
        before, resized = steps(run), 0

        def trained_through_it() -> bool:
            """The storm lasts until the training has gone on in it."""
            nonlocal resized
            rows, columns = sizes[resized % len(sizes)]
            terminal.resize(columns, rows)
            terminal.read(10.0 / 900)
            resized += 1
            return resized >= count and steps(run) > before + 10

        terminal.read_until(trained_through_it, "more training")
        terminal.resize(100, 30)
        terminal.wait_for("images/s")
        terminal.press("p")
        terminal.wait_for("‖ Paused")
        terminal.press("q")
        terminal.wait_for("Quit while training?")
        terminal.press("s")
        assert terminal.exit_code() == 0
        check(run, Evidence(terminal=bytes(terminal.raw), restarted=True))
    record_property("tries", count)


PRINTING = """
import logging, os, threading, time, warnings
from cifar_tui.tui import app
mounted = app.MonitorApp.on_mount

def chatter():
    while True:
        os.write(1, b"from a C library on stdout\\n")
        os.write(2, b"from a C library on stderr\\n")
        print("from print", flush=True)
        warnings.warn("from warnings")
        logging.getLogger("library").error("from logging")
        time.sleep(0.05)

def on_mount(self):
    threading.Thread(target=chatter, daemon=True).start()
    mounted(self)

app.MonitorApp.on_mount = on_mount
"""


@pytest.mark.fault(22)
def test_what_libraries_print_goes_to_the_runs_log_and_the_screen_is_clean(tmp_path: Path) -> None:
    run = tmp_path / "run"

    def printed() -> str:
        return (run / "output.txt").read_text() if (run / "output.txt").exists() else ""

    with on_a_screen(run, PRINTING) as terminal:
        terminal.wait_for("images/s")
        sent = len(terminal.raw)
        terminal.read_until(lambda: printed().count("C library on stderr") > 20, "what libraries print")
        terminal.read_for(0.5)  # and what would have reached the terminal by now
        assert b"C library" not in terminal.raw[sent:]
        assert "C library" not in terminal.text
        assert "from logging" not in terminal.text
        terminal.press("q")
        terminal.wait_for("Quit while training?")
        terminal.press("s")
        assert terminal.exit_code() == 0
    assert "from a C library on stdout" in printed()
    check(run, Evidence(terminal=bytes(terminal.raw), restarted=True))


@pytest.mark.fault(23)
def test_an_exception_in_a_widget_ends_the_screen_and_not_the_training(tmp_path: Path) -> None:
    run = tmp_path / "run"
    broken = (
        "import cifar_tui.tui.widgets.status as s\nbefore = s.StatusPanel.show\n"
        "def broken(self, history, asked):\n    if history.step > 12: raise ZeroDivisionError('a bug in a widget')\n"
        "    before(self, history, asked)\ns.StatusPanel.show = broken"
    )
    with on_a_screen(run, broken) as terminal:
        terminal.wait_for("training continues without it")
        assert "a bug in a widget" in (run / "output.txt").read_text()
        before = steps(run)
        terminal.read_until(lambda: steps(run) > before + 10, "more training")
        os.kill(terminal.drawing_pid, signal.SIGTERM)
        assert terminal.exit_code() == 143
    check(run, Evidence(terminal=bytes(terminal.raw), restarted=True))
