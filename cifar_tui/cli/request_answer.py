"""Sends a request to a live run and waits for its answer."""

import time
from collections.abc import Callable
from pathlib import Path

from cifar_tui.control import Request
from cifar_tui.dataclass import dataclass
from cifar_tui.errors import BadInput, CifarTuiError
from cifar_tui.files.lock_owner import process_here
from cifar_tui.history.run_history import RunHistory
from cifar_tui.report import run_summary
from cifar_tui.runs.checkpoints.states import resumable
from cifar_tui.runs.checkpoints.unreadable import unreadable_states
from cifar_tui.runs.find import find_run, only_live_run, run_argument
from cifar_tui.runs.lock import is_being_trained, other_user, trainer_of
from cifar_tui.runs.overview import read_overview
from cifar_tui.runs.remote.follow import RemoteRun
from cifar_tui.system.invocation import command_line

FREE_SECONDS = 5.0
"""Time that a stopped run may take to release its folder."""
POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Answer:
    """A run's confirmation of a request."""

    run: str
    """The run, as commands name it."""
    already: bool
    """True where it was so before."""
    history: RunHistory
    """The run as it is now."""

    def text(self, confirmation: str, already: str) -> str:
        """Return the first sentence filled in, or the second, if there is one, where it was so before."""
        return (already if self.already and already else confirmation).format(
            run=self.run,
            step=self.history.step,
            state_step=self.history.state_step,
            outcome=run_summary.outcome(self.history),
        )

    def record(self) -> dict[str, object]:
        """Return the same as plain data: `step` is the last one trained, `saved_step` the newest in a saved state."""
        return {
            "run": self.run,
            "state": self.history.state,
            "already": self.already,
            "step": self.history.step,
            "epochs": len(self.history.epochs),
            "saved_step": self.history.state_step,
            "outcome": run_summary.outcome(self.history),
        }


def submit_and_wait(folder: Path, wait: float, request: Request, is_confirmed: Callable[[RunHistory], bool]) -> Answer:
    """Send a request to a live run and wait until it is confirmed. Raises CifarTuiError where it is not."""
    _check_ours(folder)
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
    return Answer(run_argument(folder), already, history)


def live_run(run: str | None) -> Path:
    """Return the folder of a live run. Raises BadInput when it is not being trained, with the way to have it so."""
    folder = find_run(run) if run is not None else only_live_run()
    if is_being_trained(folder):
        return folder
    name = run_argument(folder)
    if read_overview(folder).state == "finished":
        raise BadInput(f"{name} is not running: it has finished.")
    if resumable(folder):
        raise BadInput(f"{name} is not running. To resume it: {command_line(f'train --resume {name}')}")
    raise BadInput(f"{name} is not running. {unreadable_states(folder) or 'It ended before anything was saved.'}")


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


def _check_ours(folder: Path) -> None:
    """Raise CifarTuiError at once for a run of another user, which nothing that is sent from here can reach."""
    try:
        user = other_user(folder)
    except OSError as error:
        raise BadInput(f"{run_argument(folder)} cannot be read: {error.strerror or error}.") from error
    if user:
        process = trainer_of(folder) or "a process"
        raise CifarTuiError(f"{run_argument(folder)} belongs to {user} ({process}): only {user} can do that.")


def _unreachable(folder: Path) -> CifarTuiError:
    trainer = trainer_of(folder)
    pid = process_here(trainer)
    advice = f" Its trainer is {trainer}{f': kill {pid} saves and ends it' if pid else ''}." if trainer else ""
    return CifarTuiError(
        f"{run_argument(folder)} cannot be reached: it is ending, is suspended (Ctrl-Z), or its socket was deleted, "
        f"which comes back within seconds.{advice}"
    )


def _unconfirmed(seconds: float) -> CifarTuiError:
    return CifarTuiError(
        f"The request was delivered, but the run has not answered within {seconds:g} seconds; a step may take that "
        "long. Use --wait to wait longer for the answer."
    )
