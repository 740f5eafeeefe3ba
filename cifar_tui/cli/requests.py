"""`cifar-tui pause`, `resume`, `stop`, `save` and `note`: requests to a live run, for scripts."""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from cifar_tui.control import MOST_NOTE, AddNote, Pause, Request, Resume, SaveNow, Stop, requester_name
from cifar_tui.errors import BadInput, CifarTuiError
from cifar_tui.events import NoteAdded
from cifar_tui.history.run_history import RunHistory
from cifar_tui.report import run_summary
from cifar_tui.runs.find import find_run, only_live_run
from cifar_tui.runs.lock import is_being_trained
from cifar_tui.runs.remote.follow import RemoteRun

RunArgument = Annotated[
    str | None, typer.Argument(metavar="RUN", help="A run's name or folder; without one, the one that is training.")
]
Wait = Annotated[float, typer.Option("--wait", metavar="SECONDS", help="How long to wait until it is confirmed.")]
WAIT_SECONDS = 120.0
"""A step, or a test, may have to end first; on a CPU that takes a while."""
FREE_SECONDS = 5.0
"""Time that a stopped run may take to release its folder."""
POLL_SECONDS = 0.05


def pause(run: RunArgument = None, wait: Wait = WAIT_SECONDS) -> None:
    """Pause a run before its next step."""
    submit_and_wait(
        run, wait, Pause(requester_name()), lambda history: history.state == "paused", "Paused at step {step:,}."
    )


def resume(run: RunArgument = None, wait: Wait = WAIT_SECONDS) -> None:
    """Let a paused run go on. For a run that has ended: train --resume."""
    submit_and_wait(run, wait, Resume(), lambda history: history.state != "paused", "Going on after step {step:,}.")


def stop(run: RunArgument = None, wait: Wait = WAIT_SECONDS) -> None:
    """Stop a run after the step under way, with everything saved."""
    submit_and_wait(run, wait, Stop(requester_name()), lambda history: not history.live, "")


def save(run: RunArgument = None, wait: Wait = WAIT_SECONDS) -> None:
    """Save a run's weights and training state now."""
    before: list[int] = []

    def saved(history: RunHistory) -> bool:
        if not before:
            before.append(history.state_step)
        return history.state_step > before[0] or history.state_step == history.step > 0

    submit_and_wait(run, wait, SaveNow(), saved, "Saved step {state_step:,}.")


def note(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run's name or folder.")],
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What to write down.")],
    wait: Wait = WAIT_SECONDS,
) -> None:
    """Write a note into a live run's journal, at the step it has come to."""
    if not 0 < len(text) <= MOST_NOTE:
        raise BadInput(f"A note has 1 to {MOST_NOTE:,} characters, not {len(text):,}.")
    request = AddNote(text, requester_name())

    def noted(history: RunHistory) -> bool:
        return any(isinstance(one, NoteAdded) and (one.text, one.by) == (text, request.by) for one in history.notes)

    submit_and_wait(run, wait, request, noted, "Noted at step {step:,}.")


def submit_and_wait(
    run: str | None, wait: float, request: Request, is_confirmed: Callable[[RunHistory], bool], confirmation: str
) -> None:
    """Send a request to a live run, wait until it is confirmed, and print that. Raises CifarTuiError otherwise."""
    folder = live_run(run)
    connection, history = RemoteRun(folder, screen=False), RunHistory()
    until = time.monotonic() + wait
    try:
        _wait(
            connection,
            history,
            lambda: connection.caught_up and connection.accepts(type(request)),
            until,
            _unreachable(folder),
        )
        already = is_confirmed(history)
        connection.submit(request)
        _wait(connection, history, lambda: is_confirmed(history) or not history.live, until, _unconfirmed(wait))
        if not history.live:
            _wait_for_process(connection)
    finally:
        connection.join()
    confirmed = confirmation.format(step=history.step, state_step=history.state_step)
    print(confirmed or run_summary.outcome(history))
    if already and confirmation:
        print("It was so before.", file=sys.stderr)


def live_run(run: str | None) -> Path:
    """Return the folder of a live run. Raises BadInput when it is not being trained."""
    folder = find_run(run) if run is not None else only_live_run()
    if not is_being_trained(folder):
        raise BadInput(f"{folder} is not being trained: there is nobody to ask.")
    return folder


def _wait(
    connection: RemoteRun,
    history: RunHistory,
    condition: Callable[[], bool],
    until: float,
    timeout_error: CifarTuiError,
) -> None:
    while True:
        for event in connection.poll():
            history.apply(event)
        if condition():
            return
        if time.monotonic() > until or connection.ended or connection.remote.refused:
            raise CifarTuiError(connection.remote.refused) if connection.remote.refused else timeout_error
        time.sleep(POLL_SECONDS)


def _wait_for_process(connection: RemoteRun) -> None:
    """Wait until the run's folder is free, as resuming it needs; a screen may still hold it."""
    until = time.monotonic() + FREE_SECONDS
    while not connection.ended and time.monotonic() < until:
        time.sleep(POLL_SECONDS)


def _unreachable(folder: Path) -> CifarTuiError:
    return CifarTuiError(
        f"The run in {folder} cannot be reached: it ends, is stopped (Ctrl-Z), or was started by somebody else."
    )


def _unconfirmed(seconds: float) -> CifarTuiError:
    return CifarTuiError(
        f"The run was asked, and has not confirmed it within {seconds:g} seconds: a step may take that long. "
        "It was not asked in vain; --wait waits longer."
    )
