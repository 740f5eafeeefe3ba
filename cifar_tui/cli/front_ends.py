"""Chooses the front end of a run, and hands over from the screen to plain lines when the screen goes first."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cifar_tui.jobs import AttachedJobs, LocalJobs


def terminal_fit_for_a_screen() -> bool:
    """Whether a screen can be drawn: textual draws on stderr, reads stdin, and never ends without a terminal."""
    if not (sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty()):
        return False
    if os.environ.get("TERM", "dumb") in ("", "dumb"):
        return False
    return "utf" in (sys.stderr.encoding or "").lower()


def train_on_console(jobs: "LocalJobs", *, resumed: bool) -> int:
    """Train as plain lines. Returns the exit code."""
    from cifar_tui.console import follow

    try:
        return follow(jobs.train(), resumed=resumed)
    finally:
        jobs.close()


def on_screen(jobs: "LocalJobs | AttachedJobs", **chosen: object) -> int:
    """Show a run until a person leaves, and go on as plain lines where it trains on. Returns the exit code."""
    from cifar_tui.console import follow, leave_terminal, report_outcome
    from cifar_tui.tui.app import ScreenOptions, run_screen

    try:
        result = run_screen(jobs, ScreenOptions(**chosen))  # type: ignore[arg-type] # checked above
        link, started = result.link, result.history.started
        if link is None or link.ended or not link.heeds:
            if link is None or link.heeds:
                report_outcome(result.history)
            return result.exit_code
        if result.terminal_lost:
            leave_terminal(Path(started.folder) if started is not None else None)
            return follow(link, result.history, because="The terminal went away: training goes on without a screen.")
        print("The screen has ended; training goes on without it.", file=sys.stderr)
        return follow(link, result.history, because="The screen has ended: training goes on without it.")
    finally:
        jobs.close()
