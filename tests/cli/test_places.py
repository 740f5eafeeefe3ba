"""The command where people start it: in the background, under timeout, in a notebook."""

import pwd
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from made_up_runs import write_finished_run
from pseudo_terminal import PseudoTerminal

from cifar_tui.system.personal_folders import cache_folder
from cifar_tui.tui.settings.preferences import Preferences, PreferencesFile
from cifar_tui.tui.settings.theme_files import theme_names
from tests.cli.test_cli import TINY
from tests.program import command, environment, run

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


@pytest.mark.slow
@pytest.mark.parametrize("script", [f"timeout 100 {TRAIN}", f"set -m; {TRAIN} & wait"], ids=["timeout", "job"])
def test_in_the_background_it_trains_as_plain_lines(tmp_path: Path, script: str) -> None:
    shown = shown_at_the_end(in_a_terminal(tmp_path, f"{script}; echo next line"))
    assert "Not in the foreground of this terminal: training as plain lines." in shown
    assert "Finished 4 steps" in shown
    assert "next line" in shown


@pytest.mark.slow
def test_attach_in_the_background_says_so_and_ends(tmp_path: Path) -> None:
    shown = shown_at_the_end(in_a_terminal(tmp_path, f"timeout 100 {CLI} attach; echo ended with $?"))
    assert "Not in the foreground of this terminal. To see the screen: cifar-tui attach in the foreground." in shown
    assert "ended with 2" in shown


@pytest.mark.slow
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


@pytest.mark.slow
@pytest.mark.parametrize("variables", CELLS, ids=lambda one: next(iter(one)))
def test_a_notebook_cell_gets_plain_lines_and_is_told_of_attach(tmp_path: Path, variables: dict[str, str]) -> None:
    shown = shown_at_the_end(in_a_terminal(tmp_path, f"{TRAIN} && {CLI} attach one", **variables))
    assert "A notebook cell cannot show the screen: training as plain lines." in shown
    assert "cifar-tui attach in a terminal" in shown
    assert "Finished 4 steps" in shown
    assert "A notebook cell cannot show the screen. To see the screen: cifar-tui attach one in a terminal" in shown


@pytest.mark.slow
@pytest.mark.parametrize("words", [["train", *TINY, "--run-name", "one"], []], ids=["train", "all runs"])
def test_a_terminal_of_a_notebook_server_can_have_the_screen(tmp_path: Path, words: Sequence[str]) -> None:
    script = f"{CLI} {' '.join(words)} --screen"
    with in_a_terminal(tmp_path, f"exec {script}", JPY_PARENT_PID="1") as terminal:
        terminal.read_until(lambda: ALTERNATE_SCREEN in terminal.raw, "the screen")


ENCODINGS = [
    {"PYTHONIOENCODING": "latin-1"},
    {"PYTHONIOENCODING": "ascii"},
    {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
]


@pytest.fixture(scope="module")
def folder_with_a_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("place")
    write_finished_run(folder / "runs" / "one", 8_000)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("variables", ENCODINGS, ids=["latin-1", "ascii", "C locale"])
def test_a_locale_without_our_characters_costs_characters_and_no_lines(
    tmp_path: Path, variables: dict[str, str]
) -> None:
    done = run(tmp_path, "train", *TINY, "--epochs", "1", "--run-name", "one", "--headless", **variables)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Loading PyTorch?" in done.stdout
    assert "accuracy" in done.stdout
    evaluated = run(tmp_path, "evaluate", "one", **variables)
    assert (evaluated.returncode, "Traceback" in evaluated.stderr) == (0, False)
    assert "Most confused" in evaluated.stdout
    assert run(tmp_path, "runs", **variables).returncode == 0


@pytest.mark.parametrize("words", ["runs", "runs --json", "presets", "--version", "--help", "export one one.csv"])
def test_a_full_output_is_one_sentence(folder_with_a_run: Path, words: str) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*command(*words.split()), *(["--force"] if "export" in words else [])],
            cwd=folder_with_a_run,
            env=environment(folder_with_a_run),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=120,
            check=False,
        )
    assert (done.returncode, done.stderr) == (1, "The output cannot be written: No space left on device.\n")


@pytest.mark.parametrize("words", ["runs", "presets", "--help"])
def test_a_pipe_that_is_closed_early_is_no_trouble(folder_with_a_run: Path, words: str) -> None:
    assert run_script(folder_with_a_run, f"{CLI} {words} | true").stderr == ""


@pytest.mark.parametrize("words", ["runs", f"train {' '.join(TINY)} --headless", "evaluate one", "pause one"])
def test_a_folder_that_is_gone_is_one_sentence(tmp_path: Path, words: str) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    script = f"cd {gone} && rmdir {gone} && {CLI} {words}"
    done = run_script(tmp_path, script)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "The folder you are in was deleted. Change to another one and try again.\n"


def run_script(folder: Path, script: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env=environment(folder, PYTHONPATH=str(Path(__file__).parents[2])),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


NOWHERE = """
import pwd, sys, tempfile
def nobody(number): raise KeyError(number)
pwd.getpwuid = nobody
tempfile._candidate_tempdir_list = lambda: []
sys.argv[0] = "cifar_tui"
from cifar_tui.cli import main
main()
"""


@pytest.mark.slow
def test_without_a_home_or_a_temporary_folder_the_screen_is_drawn_with_what_is_built_in(
    folder_with_a_run: Path,
) -> None:
    bare = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONPATH": str(Path(__file__).parents[2])}
    words = [sys.executable, "-c", NOWHERE, "attach", "one"]
    with PseudoTerminal(words, folder=folder_with_a_run, environment=bare) as terminal:
        terminal.wait_for("smooth")
        terminal.press("t")
        terminal.wait_for("sixteen")
        terminal.press("\r")
        terminal.read_for(0.5)
        terminal.press("q")
        assert terminal.exit_code() == 0
        assert "Traceback" not in terminal.text


def test_without_a_home_choices_and_cache_are_kept_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(number: int) -> object:
        raise KeyError(number)

    monkeypatch.setattr(pwd, "getpwuid", nobody)
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    file = PreferencesFile()
    assert file.read() == Preferences()
    file.write(Preferences(theme="sixteen"))
    assert (file.trouble, file.path.exists(), cache_folder().exists()) == ("", False, False)
    assert "sixteen" in theme_names()
