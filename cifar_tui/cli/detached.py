"""`cifar-tui train --detach`: the run gets a process and a session of its own, and the shell its prompt at once."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import orjson

from cifar_tui.cli.environment import REPORT_TO
from cifar_tui.cli.front_ends import detached_text
from cifar_tui.console import follow
from cifar_tui.dataclass import dataclass
from cifar_tui.errors import CifarTuiError
from cifar_tui.events import Noted
from cifar_tui.history.run_history import RunHistory
from cifar_tui.jobs.local import LocalJobs
from cifar_tui.jobs.session import RunConnection
from cifar_tui.report import run_summary
from cifar_tui.system.invocation import SAFE_PATH
from cifar_tui.system.output import leave_terminal

START_SECONDS = 20.0
"""Time that starting may take before the report says that it has started: a download takes its time."""
POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Report:
    """Outcome of starting a detached run."""

    run: str = ""
    """Name of the run."""
    folder: str = ""
    """Folder of the run, absolute."""
    notes: Sequence[str] = ()
    """Sentences that came before it trained."""
    trouble: str = ""
    """Reason why it does not train; empty where it does."""
    exit_code: int = 1
    """Exit code of the starter where it does not train."""


def start_detached(jobs: LocalJobs, arguments: Sequence[str]) -> int:
    """Start the same command again, detached, and wait until it trains or is refused. Returns the exit code.

    The jobs have shown that the command is in order; the new process makes its own.
    """
    jobs.close()
    print(jobs.note, end="\n" if jobs.note else "")
    process, reader = start_again(arguments)
    report = await_report(process, reader, "The run ended before it could report why. Start it without --detach.")
    if report is not None and not report.trouble:
        print("\n".join([*report.notes, detached_text(report.run, Path(report.folder))]))
    return exit_code_of(report)


def await_report(process: "subprocess.Popen[bytes]", reader: int, if_silent: str) -> Report | None:
    """Wait until a process that was started again reports; what troubles it is printed. Ctrl-C ends it: None.

    Raises CifarTuiError, with `if_silent`, where it ends without a report.
    """
    try:
        with os.fdopen(reader, "rb") as answer:
            content = answer.read()
    except KeyboardInterrupt:
        process.terminate()
        process.wait()
        return None
    if not content:
        raise CifarTuiError(if_silent)
    report = Report(**orjson.loads(content))
    if report.trouble:
        print(report.trouble, file=sys.stderr if report.exit_code else sys.stdout)
    else:
        process.returncode = 0  # it is nobody's child any more, and is not to be warned about
    return report


def exit_code_of(report: Report | None) -> int:
    """Return the exit code of who has started a process again."""
    if report is None:
        return 130
    return report.exit_code if report.trouble else 0


def start_again(
    arguments: Sequence[str], environment: Mapping[str, str] | None = None, output: int = subprocess.DEVNULL
) -> tuple["subprocess.Popen[bytes]", int]:
    """Start this program with other arguments, in a session of its own. Returns the descriptor of its report, too."""
    reader, writer = os.pipe()
    try:
        process = subprocess.Popen(
            [sys.executable, SAFE_PATH, "-m", "cifar_tui", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, **(environment or {}), REPORT_TO: str(writer)},
            pass_fds=[writer],
            start_new_session=True,
        )
    except BaseException:
        os.close(reader)
        raise
    finally:
        os.close(writer)
    return process, reader


def train_detached(make_jobs: Callable[[], LocalJobs], descriptor: int) -> int:
    """Train without a terminal, printing into the run's folder, and report once it is known how it starts.

    Returns the exit code.
    """
    jobs = None
    try:
        jobs = make_jobs()
        connection, history = jobs.train(), RunHistory()
        _wait_for_start(connection, history)
        if history.started is not None:
            leave_terminal(Path(history.started.folder))
        _report(descriptor, history)
        return follow(connection, history, because="Started in the background.")
    except CifarTuiError as error:
        send_report(descriptor, Report(trouble=str(error), exit_code=error.exit_code))
        return error.exit_code
    finally:
        if jobs is not None:
            jobs.close()


def _wait_for_start(connection: RunConnection, history: RunHistory) -> None:
    until = time.monotonic() + START_SECONDS
    while history.training is None and history.live and time.monotonic() < until:
        time.sleep(POLL_SECONDS)
        for event in connection.poll():
            history.apply(event)


def _report(descriptor: int, history: RunHistory) -> None:
    if history.started is None or not history.live:
        send_report(
            descriptor, Report(trouble=run_summary.outcome(history), exit_code=run_summary.exit_code(history) or 1)
        )
    else:
        notes = [note.text for note in history.notes if isinstance(note, Noted)]
        send_report(descriptor, Report(history.started.run, history.started.folder, notes))


def send_report(descriptor: int, report: Report) -> None:
    """Report to the starter, if it still waits, and close the descriptor."""
    with contextlib.suppress(OSError):
        os.write(descriptor, orjson.dumps(report))
        os.close(descriptor)
