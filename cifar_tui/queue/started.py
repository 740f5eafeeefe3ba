"""Runs that a queue has started: their processes, and asking them to stop."""

import contextlib
import os
import signal
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cifar_tui.control import Stop
from cifar_tui.files.lock_owner import process_here
from cifar_tui.queue.job import Job
from cifar_tui.queue.progress import RunProgress, RunWatch
from cifar_tui.runs.lock import trainer_of
from cifar_tui.runs.remote.client import RemoteControl

DELIVERY_SECONDS = 5.0
"""Time that a run may take to accept a request to stop, until it gets a signal instead."""


class RunProcess(Protocol):
    """The process of a run that this runner has started."""

    @property
    def pid(self) -> int:
        """Its number."""

    def poll(self) -> int | None:
        """Return its exit code, negative for the signal that killed it; None while it lives."""

    def trouble(self) -> str:
        """Return what it said on the way out, where it did not start to train."""


StartRun = Callable[[Job, Mapping[str, str]], RunProcess]
"""Starts a job's run, detached, with more variables in its environment, or resumes it. Raises CifarTuiError, OSError.

A run that has finished ends at once with 0, and one that trains elsewhere at once with an error.
"""

StopRun = Callable[[Path, RunProcess | None], bool]
"""Asks the run in a folder to save and end. Returns False if it was not reached."""


@dataclass(slots=True)
class Held:
    """A run that was started and has not ended, as far as its runner knows."""

    job: Job
    devices: tuple[str, ...]
    """Its devices."""
    watch: RunWatch
    """Looks at its folder."""
    process: RunProcess | None = None
    """None for a run that an earlier runner has started."""
    told_to_stop: bool = False
    """True once it was asked to stop."""

    def look(self) -> RunProgress:
        """Return the state of the run; one whose process lives is running. Raises OSError."""
        alive = self.process is not None and self.process.poll() is None
        return RunProgress("running") if alive else self.watch.look()

    def processes(self, folder: Path) -> Collection[int]:
        """Return the processes of the run on this machine, those included that it has started."""
        first = self.process.pid if self.process is not None else process_here(trainer_of(folder))
        return _with_children(first) if first else frozenset()


def ask_to_stop(folder: Path, process: RunProcess | None = None, by: str = "") -> bool:
    """Ask the run in a folder to save and end, by its socket or else by a signal. Returns False if none was reached.

    `by` names the person, where one has stopped it for good.
    """
    remote = RemoteControl(folder, screen=False)
    try:
        remote.submit(Stop(by))
        if remote.wait_until_delivered(DELIVERY_SECONDS):
            return True
    finally:
        remote.close()
    pid = process.pid if process is not None else process_here(trainer_of(folder))
    with contextlib.suppress(OSError):
        if pid:
            os.kill(pid, signal.SIGTERM)
            return True
    return False


def by_device(held: Sequence[Held], folder_of: Callable[[str], Path]) -> dict[str, list[Collection[int]]]:
    """Return the processes of the runs on each device."""
    found: dict[str, list[Collection[int]]] = {}
    for one in held:
        processes = one.processes(folder_of(one.job.run))
        for device in one.devices:
            found.setdefault(device, []).append(processes)
    return found


def _with_children(pid: int) -> frozenset[int]:
    import psutil

    with contextlib.suppress(psutil.Error):
        return frozenset([pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))])
    return frozenset([pid])
