"""The real program on terminals of few colours, without a mouse, without braille; on a run that has finished."""

import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from made_up_runs import write_finished_run
from pseudo_terminal import PseudoTerminal

COLOUR = re.compile(rb"\x1b\[([0-9;]*)m")
BRAILLE = re.compile("[\u2801-\u28ff]")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "one"
    write_finished_run(folder, 8_000)
    return folder


def shown(run: Path, options: Sequence[str] = (), **environment: str) -> PseudoTerminal:
    """The screen on the run, left again by key q, in a terminal that says nothing of its colours but its name."""
    plain = {"PATH": "/usr/bin:/bin", "HOME": str(run.parent), "LANG": "C.UTF-8"}
    command = [sys.executable, "-m", "cifar_tui", "attach", str(run), *options]
    terminal = PseudoTerminal(
        command, environment={**plain, **environment}, term=environment.get("TERM", "xterm-256color")
    )
    with terminal:
        terminal.wait_for("smooth")
        terminal.settle(0.5)
        terminal.press("q")
        assert terminal.exit_code() == 0
    return terminal


def parameters(raw: bytearray) -> list[list[str]]:
    """Every SGR sequence's parameters."""
    return [found.decode().split(";") for found in COLOUR.findall(raw)]


def colours(raw: bytearray) -> set[str]:
    """Which kinds of colour were sent: `true`, `256`, `16`."""
    kinds = set()
    for codes in parameters(raw):
        joined = ";".join(codes)
        kinds |= {kind for mark, kind in (("8;2;", "true"), ("8;5;", "256")) if mark in joined}
        if "8;" not in joined and any(30 <= int(code or 0) <= 37 or 90 <= int(code or 0) <= 97 for code in codes):
            kinds.add("16")
    return kinds


@pytest.mark.slow
def test_without_colorterm_256_colours_are_sent_and_a_mouse_is_asked_for(run: Path) -> None:
    terminal = shown(run)
    assert "true" not in colours(terminal.raw)
    assert "256" in colours(terminal.raw)
    assert b"\x1b[?1000h" in terminal.raw


@pytest.mark.slow
def test_true_colour_is_used_where_the_terminal_has_it(run: Path) -> None:
    assert "true" in colours(shown(run, COLORTERM="truecolor").raw)


@pytest.mark.slow
@pytest.mark.parametrize("variables", [{"TERM": "screen-256color"}, {"STY": "1.pts-0.host"}], ids=["TERM", "STY"])
def test_gnu_screen_gets_256_colours_whatever_the_terminal_around_it_has(run: Path, variables: dict[str, str]) -> None:
    assert colours(shown(run, COLORTERM="truecolor", **variables).raw) >= {"256"}
    assert "true" not in colours(shown(run, COLORTERM="truecolor", **variables).raw)


@pytest.mark.slow
def test_tmux_which_has_true_colour_keeps_it(run: Path) -> None:
    assert "true" in colours(shown(run, COLORTERM="truecolor", TERM="screen-256color", TMUX="/tmp/tmux").raw)


@pytest.mark.slow
def test_the_linux_console_is_drawn(run: Path) -> None:
    assert "smooth" in shown(run, TERM="linux").raw.decode("utf-8", "replace")


@pytest.mark.slow
def test_the_16_colour_theme_needs_16_colours(run: Path) -> None:
    assert colours(shown(run, ["--theme", "sixteen"]).raw) == {"16"}


@pytest.mark.slow
def test_no_color_leaves_greys(run: Path) -> None:
    terminal = shown(run, COLORTERM="truecolor", NO_COLOR="1")
    for codes in parameters(terminal.raw):
        for place, code in enumerate(codes):
            if code in ("38", "48") and codes[place + 1] == "2":
                assert len(set(codes[place + 2 : place + 5])) == 1, codes


@pytest.mark.slow
@pytest.mark.parametrize("marker", ["hd", "dot"])
def test_curves_can_do_without_braille_and_the_mouse_can_stay_the_terminals(run: Path, marker: str) -> None:
    terminal = shown(run, ["--marker", marker, "--no-mouse"])
    seen = terminal.raw.decode("utf-8", "replace")
    assert not BRAILLE.search(seen)
    assert "Accuracy" in seen
    assert "\x1b[?1000h" not in seen


@pytest.mark.slow
def test_answers_that_a_slow_line_brings_late_are_not_typed_into_the_shell(run: Path) -> None:
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(run.parent), "LANG": "C.UTF-8"}
    program = shlex.join([sys.executable, "-m", "cifar_tui", "attach", str(run)])
    with PseudoTerminal(["sh", "-c", f"{program}; sleep 1"], environment=environment) as terminal:
        terminal.read_until(lambda: b"\x1b[?2048$p" in terminal.raw, "the question")
        terminal.press("q")
        terminal.read_for(0.25)
        terminal.press("\x1b[?2026;2$y\x1b[?2048;0$y")
        assert terminal.exit_code() == 0
    assert "^[[?2" not in terminal.text
    assert b"$y" not in terminal.raw


@pytest.mark.slow
def test_a_terminal_of_no_size_gets_its_screen_once_it_has_one(run: Path) -> None:
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(run.parent), "LANG": "C.UTF-8"}
    program = shlex.join([sys.executable, "-m", "cifar_tui", "attach", str(run)])
    shell = ["sh", "-c", f"unset COLUMNS LINES; stty rows 0 cols 0; exec {program}"]
    with PseudoTerminal(shell, environment=environment) as terminal:
        terminal.read_until(lambda: b"\x1b[?2048$p" in terminal.raw, "the screen")
        terminal.read_for(1.0)
        terminal.resize(100, 30)
        terminal.wait_for("best on the test set")
        terminal.press("q")
        assert terminal.exit_code() == 0


@pytest.mark.slow
def test_of_the_sizes_that_a_terminal_writes_few_are_drawn_and_the_last(run: Path) -> None:
    program = [sys.executable, "-m", "cifar_tui", "attach", str(run)]
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(run.parent), "LANG": "C.UTF-8"}
    with PseudoTerminal(program, environment=environment, size=(100, 30)) as terminal:
        terminal.wait_for("best on the test set")
        terminal.press("\x1b[?2048;2$y")
        terminal.read_until(lambda: b"\x1b[?2048h" in terminal.raw, "sizes that are wanted")
        before = terminal.raw.count(b"Epochs")
        for columns in range(99, 40, -1):
            terminal.press(f"\x1b[48;30;{columns};0;0t")
            terminal.read_for(0.05)
        terminal.resize(80, 24)
        terminal.press("\x1b[48;24;80;0;0t")
        terminal.read_until(lambda: "? Keys" in terminal.text.splitlines()[23], "the last size")
        assert terminal.raw.count(b"Epochs") - before < 10
        terminal.press("q")
        assert terminal.exit_code() == 0
