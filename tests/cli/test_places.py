"""The command where people start it: in the background, under timeout, in a notebook."""

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from pseudo_terminal import PseudoTerminal

from tests.cli.test_cli import TINY, environment

CLI = f"{sys.executable} -m cifar_tui"
TRAIN = f"{CLI} train {' '.join(TINY)} --epochs 1 --run-name one"
ALTERNATE_SCREEN = b"\x1b[?1049h"


def in_a_terminal(folder: Path, script: str, **variables: str) -> PseudoTerminal:
    """A script in a shell that has a terminal."""
    command = ["bash", "-c", script]
    return PseudoTerminal(command, size=(200, 50), folder=folder, environment=environment(folder, **variables))


def shown_at_the_end(terminal: PseudoTerminal) -> str:
    with terminal:
        terminal.exit_code()
        assert ALTERNATE_SCREEN not in terminal.raw
        return terminal.text


@pytest.mark.parametrize("script", [f"timeout 100 {TRAIN}", f"set -m; {TRAIN} & wait"], ids=["timeout", "job"])
def test_in_the_background_it_trains_as_plain_lines(tmp_path: Path, script: str) -> None:
    shown = shown_at_the_end(in_a_terminal(tmp_path, f"{script}; echo next line"))
    assert "Not in the foreground of this terminal: training as plain lines." in shown
    assert "Finished 4 steps" in shown
    assert "next line" in shown


def test_attach_in_the_background_says_so_and_ends(tmp_path: Path) -> None:
    shown = shown_at_the_end(in_a_terminal(tmp_path, f"timeout 100 {CLI} attach; echo ended with $?"))
    assert "Not in the foreground of this terminal. To see the screen: cifar-tui attach in the foreground." in shown
    assert "ended with 2" in shown


def test_terminal_settings_are_restored_from_the_background_without_a_stop(tmp_path: Path) -> None:
    program = (
        "import termios; from cifar_tui.system.foreground import in_foreground, terminal_settings_allowed as allowed\n"
        "with allowed(): termios.tcsetattr(0, termios.TCSANOW, termios.tcgetattr(0))\n"
        "print('restored in the', 'foreground' if in_foreground() else 'background')\n"
    )
    (tmp_path / "restore.py").write_text(program)
    root = Path(__file__).parents[2]
    script = f"timeout 100 {sys.executable} restore.py; true"  # a shell that becomes timeout has it in front
    assert "restored in the background" in shown_at_the_end(in_a_terminal(tmp_path, script, PYTHONPATH=str(root)))


CELLS = [{"JPY_PARENT_PID": "1"}, {"COLAB_RELEASE_TAG": "release"}, {"KAGGLE_KERNEL_RUN_TYPE": "Interactive"}]


@pytest.mark.parametrize("variables", CELLS, ids=lambda one: next(iter(one)))
def test_a_notebook_cell_gets_plain_lines_and_is_told_of_attach(tmp_path: Path, variables: dict[str, str]) -> None:
    shown = shown_at_the_end(in_a_terminal(tmp_path, f"{TRAIN} && {CLI} attach one", **variables))
    assert "A notebook cell cannot show the screen: training as plain lines." in shown
    assert "cifar-tui attach in a terminal" in shown
    assert "Finished 4 steps" in shown
    assert "A notebook cell cannot show the screen. To see the screen: cifar-tui attach one in a terminal" in shown


@pytest.mark.parametrize("words", [["train", *TINY, "--run-name", "one"], []], ids=["train", "all runs"])
def test_a_terminal_of_a_notebook_server_can_have_the_screen(tmp_path: Path, words: Sequence[str]) -> None:
    script = f"{CLI} {' '.join(words)} --screen"
    with in_a_terminal(tmp_path, f"exec {script}", JPY_PARENT_PID="1") as terminal:
        terminal.read_until(lambda: ALTERNATE_SCREEN in terminal.raw, "the screen")
