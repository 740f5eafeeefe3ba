"""The surroundings of a command: a terminal that a screen can be drawn on, or a starter that waits for a report."""

import os
import sys
from typing import Annotated

import typer

from cifar_tui.system.foreground import in_foreground
from cifar_tui.system.invocation import command_line
from cifar_tui.system.launcher import ranks_here

REPORT_TO = "CIFAR_TUI_REPORT_TO"
"""Names, in a detached process's environment, the descriptor on which its starter waits for one report."""
NOTEBOOK_VARIABLES = ("JPY_PARENT_PID", "COLAB_RELEASE_TAG", "KAGGLE_KERNEL_RUN_TYPE")
"""Set for the commands in a cell. A terminal that Jupyter opens may have them, too, and nothing tells the two apart."""

DrawScreen = Annotated[
    bool,
    typer.Option(
        "--screen",
        help="Draw the screen in a notebook server's terminal, which looks like a cell.",
        rich_help_panel="Screen",
    ),
]


def obstacle_to_a_screen(*, in_notebook: bool = False) -> str | None:
    """Return why no screen can be drawn, None where it can; empty without a terminal, which a person knows.

    It is empty, too, where a launcher has started several processes: none of them draws. Textual draws on stderr, reads
    stdin, and never ends without a terminal. `in_notebook` draws where a notebook's variables are set.
    """
    if ranks_here() > 1:
        return ""
    if not (sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty()):
        return ""
    if os.environ.get("TERM", "dumb") in ("", "dumb") or "utf" not in (sys.stderr.encoding or "").lower():
        return ""
    if not in_notebook and any(os.environ.get(name) for name in NOTEBOOK_VARIABLES):
        return "A notebook cell cannot show the screen"
    if not in_foreground():
        return "Not in the foreground of this terminal"
    # htop's time in which an escape may still become an arrow key; Textual's, 100 ms, is felt on every way back.
    os.environ.setdefault("ESCDELAY", "25")
    in_gnu_screen = "STY" in os.environ or os.environ["TERM"].startswith("screen")
    if in_gnu_screen and "TMUX" not in os.environ:
        os.environ.pop("COLORTERM", None)  # of the terminal around it: GNU screen itself has 256 colours
    return None


def how_to_see(command: str, obstacle: str) -> str:
    """Return the hint where `command` draws in spite of an obstacle."""
    shown = command_line(command)
    if obstacle.startswith("Not"):
        return f"To see the screen: {shown} in the foreground."
    return f"To see the screen: {shown} in a terminal, and {shown} --screen in one that the notebook server opened."


def report_descriptor() -> int | None:
    """Return the descriptor to report on, in a process that was started detached; it is not handed on."""
    descriptor = os.environ.pop(REPORT_TO, None)
    return int(descriptor) if descriptor is not None else None
