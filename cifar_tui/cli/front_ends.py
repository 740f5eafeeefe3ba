"""The front ends of a run: plain lines, or a screen that hands over to plain lines where it ends first."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from cifar_tui.cli.environment import how_to_see
from cifar_tui.files.run_files import OUTPUT_NAME
from cifar_tui.jobs.run_in_view import RunInView
from cifar_tui.runs.find import RUNS_FOLDER
from cifar_tui.system.invocation import command_line
from cifar_tui.system.output import leave_terminal
from cifar_tui.text import safe_text

if TYPE_CHECKING:
    from cifar_tui.jobs.attached import AttachedJobs
    from cifar_tui.jobs.local import LocalJobs
    from cifar_tui.tui.app import ScreenResult


def train_on_console(jobs: "LocalJobs", *, obstacle: str) -> int:
    """Train as plain lines, and say which obstacle there is to a screen. Returns the exit code."""
    from cifar_tui.console import follow

    try:
        if obstacle:
            print(f"{obstacle}: training as plain lines. {how_to_see('attach', obstacle)}", flush=True)
        return follow(jobs.train(), resumed=jobs.resumed)
    finally:
        jobs.close()


def run_on_screen(
    jobs: "LocalJobs | AttachedJobs | None", release_shell: Callable[[str], None] | None = None, **options: object
) -> int:
    """Show a run, or all of them, until a person leaves; where one trains in this process, continue without a screen.

    `release_shell` gives the shell its prompt back; None for a run that was started elsewhere. Returns the exit code.
    """
    # Loads textual.
    from cifar_tui.tui.app import ScreenOptions, run_screen

    run_in_view = RunInView(jobs)
    try:
        result = run_screen(run_in_view, ScreenOptions(**options))  # type: ignore[arg-type] # checked by the command
        connection, started = result.connection, result.history.started
        if connection is None or connection.elsewhere or connection.ended:
            _report_left(result)
            return result.exit_code
        if result.ending == "at once":
            os._exit(result.exit_code)
        detach = release_shell if result.ending == "detached" else None
        if detach is not None or result.ending == "terminal lost":
            leave_terminal(Path(started.folder) if started is not None else None)
        if detach is not None and started is not None:
            detach(detached_text(started.run, Path(started.folder)))
        # Not before: the first frame does not wait for plain lines.
        from cifar_tui.console import follow

        return follow(connection, result.history, because=_why_without_screen(result))
    finally:
        run_in_view.close()


def detached_text(run: str, folder: Path) -> str:
    """Return the sentence that says how to find a run again that has no screen."""
    name = run if folder == (RUNS_FOLDER / run).absolute() else str(folder)
    shown = command_line(f"attach {safe_text(name, 300)}")
    return f"{safe_text(run, 100)} is training in the background. To see it: {shown}"


def _report_left(result: "ScreenResult") -> None:
    """Say in the shell what became of a run that this process does not train any more, if there still is a shell."""
    if result.ending == "terminal lost":
        return
    started = result.history.started
    if result.history.ending is not None:
        from cifar_tui.console import report_outcome

        report_outcome(result.history)
    elif started is not None and result.connection is not None and result.connection.elsewhere:
        print(detached_text(started.run, Path(started.folder)))


def _why_without_screen(result: "ScreenResult") -> str:
    match result.ending:
        case "terminal lost":
            return "Terminal closed; training continues."
        case "detached":
            return "Screen detached; training continues."
    started = result.history.started
    where = f" Details are in {Path(started.folder) / OUTPUT_NAME}." if started is not None else ""
    print(f"The screen failed; training continues without it.{where}", file=sys.stderr)
    return "The screen failed; training continues."
