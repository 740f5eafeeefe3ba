"""Chooses the front end of a run, and hands over from the screen to plain lines when the screen goes first."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from cifar_tui.files.run_files import OUTPUT_NAME

if TYPE_CHECKING:
    from cifar_tui.jobs.attached import AttachedJobs
    from cifar_tui.jobs.local import LocalJobs
    from cifar_tui.tui.app import ScreenResult


def terminal_fit_for_a_screen() -> bool:
    """Whether a screen can be drawn: textual draws on stderr, reads stdin, and never ends without a terminal."""
    if not (sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty()):
        return False
    if os.environ.get("TERM", "dumb") in ("", "dumb"):
        return False
    # Textual's default of 100 ms, in which an escape may still become an arrow key, is felt on every way back.
    os.environ.setdefault("ESCDELAY", "50")
    return "utf" in (sys.stderr.encoding or "").lower()


def train_on_console(jobs: "LocalJobs", *, resumed: bool) -> int:
    """Train as plain lines. Returns the exit code."""
    from cifar_tui.console import follow

    try:
        return follow(jobs.train(), resumed=resumed)
    finally:
        jobs.close()


def train_on_screen(jobs: "LocalJobs", let_go: Callable[[str], None], **chosen: object) -> int:
    """Train on a screen, and go on without it where it ends first; `let_go` gives the shell its prompt back.

    Returns the exit code.
    """
    from cifar_tui.console import follow, report_outcome
    from cifar_tui.system.output import leave_terminal
    from cifar_tui.tui.app import ScreenOptions, run_screen

    try:
        result = run_screen(jobs, ScreenOptions(**chosen))  # type: ignore[arg-type] # checked by the command
        connection, started = result.connection, result.history.started
        if connection is None or connection.ended:
            report_outcome(result.history)
            return result.exit_code
        if result.ending == "at once":
            os._exit(result.exit_code)
        if result.ending in ("detached", "terminal lost"):
            leave_terminal(Path(started.folder) if started is not None else None)
        if result.ending == "detached" and started is not None:
            let_go(detached_words(started.run, Path(started.folder)))
        return follow(connection, result.history, because=_why_without_screen(result))
    finally:
        jobs.close()


def show_on_screen(jobs: "AttachedJobs", **chosen: object) -> int:
    """Show a run that lives elsewhere until a person leaves; where it was gone on with here, stay for that.

    Returns the exit code.
    """
    from cifar_tui.console import follow
    from cifar_tui.system.output import leave_terminal
    from cifar_tui.tui.app import ScreenOptions, run_screen

    try:
        result = run_screen(jobs, ScreenOptions(**chosen))  # type: ignore[arg-type] # checked by the command
        connection, started = result.connection, result.history.started
        if connection is None or connection.elsewhere or connection.ended:
            return result.exit_code
        if result.ending == "at once":
            os._exit(result.exit_code)
        if result.ending == "terminal lost":
            leave_terminal(Path(started.folder) if started is not None else None)
        return follow(connection, result.history, because=_why_without_screen(result))
    finally:
        jobs.close()


def detached_words(run: str, folder: Path) -> str:
    """How to find a run again that has no screen."""
    from cifar_tui.runs.find import RUNS_FOLDER
    from cifar_tui.text import safe_text

    name = run if folder == (RUNS_FOLDER / run).absolute() else str(folder)
    return f"{safe_text(run, 100)} trains on without a screen. To see it: cifar-tui attach {safe_text(name, 300)}"


def _why_without_screen(result: "ScreenResult") -> str:
    match result.ending:
        case "terminal lost":
            return "The terminal went away: training goes on without a screen."
        case "detached":
            return "The screen was detached: training goes on without it."
    started = result.history.started
    where = f" What broke is in {Path(started.folder) / OUTPUT_NAME}." if started is not None else ""
    print(f"The screen broke; training goes on without it.{where}", file=sys.stderr)
    return "The screen broke: training goes on without it."
