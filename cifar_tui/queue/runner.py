"""The runner of a queue: starts what waits where a device is free, and records how each run has ended."""

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from cifar_tui.errors import NO_ROOM, BadInput, CifarTuiError, FolderInUse, tells_no_room
from cifar_tui.failpoints import hit
from cifar_tui.files.atomic_write import TEMPORARY_PREFIX
from cifar_tui.queue import notices
from cifar_tui.queue.changes import Change, Entry, QueueState
from cifar_tui.queue.devices import SEPARATOR, DeviceMissing, Devices, Place
from cifar_tui.queue.job import Job
from cifar_tui.queue.notices import Notify
from cifar_tui.queue.progress import RunProgress, RunWatch
from cifar_tui.queue.readiness import waits_for
from cifar_tui.queue.started import Held, RunProcess, StartRun, StopRun, ask_to_stop, by_device
from cifar_tui.queue.store import QueueStore
from cifar_tui.text import counted, safe_text

MOST_LOSSES = 3
"""Times that a run is gone on with that was killed."""
ROOM_BYTES = 1 << 20
"""The disk must take so much before a run is started."""
ROOM_NAME = "room"
ROOM_SECONDS = 30.0
"""Time between two tries of the disk while something runs."""

Ending = Literal["", "empty", "disk full", "nothing to start"]
"""The reason why a runner has ended; empty while it has not."""


class Runner:
    """One runner, which holds the queue's runner lock. `step` does all that can be done now."""

    def __init__(
        self,
        store: QueueStore,
        devices: Devices,
        start: StartRun,
        say: Callable[[str], None],
        *,
        keep_going: bool = False,
        allowed: Callable[[Job], str] = lambda _job: "",
        stop: StopRun = ask_to_stop,
        notify: Notify = lambda _event, _facts: None,
    ) -> None:
        """Take the queue, its devices, and ways to start a run and to stop one.

        `say` gets each line for people. `allowed` tells why a job may not be started here; empty where it may.
        `notify` tells people who look elsewhere.
        """
        self.failures = 0
        """Jobs that have failed since."""
        self._store = store
        self._devices = devices
        self._start = start
        self._say = say
        self._keep_going = keep_going
        self._allowed = allowed
        self._stop = stop
        self._notify = notify
        self._held: dict[int, Held] = {}
        self._disk_full = False
        self._disk_at = 0.0
        self._said: dict[str, str] = {}

    @property
    def running(self) -> Sequence[Held]:
        """The runs that have been started and have not ended."""
        return tuple(self._held.values())

    def step(self) -> Ending:
        """Look at every run that was started, and start what can be. Returns why it has ended. Raises CifarTuiError."""
        state = self._store.read()
        self._adopt(state)
        for number in list(self._held):
            self._look_at(number, state.entries.get(number))
        self._watch_disk()
        state = self._store.read()
        started = 0 if state.paused or self._disk_full else self._start_waiting(state)
        if self._disk_full:
            return "" if self._held else "disk full"
        self._say_once("paused", _paused_text(state) if state.paused else "")
        if self._held or started or state.paused or self._keep_going:
            return ""
        waiting = [entry.job for entry in state.in_order("waiting")]
        if not waiting:
            return "empty"
        return "nothing to start" if all(map(self._allowed, waiting)) else ""

    def stop_all(self) -> None:
        """Have every run save and end; its job waits again, in its place."""
        for number, held in self._held.items():
            if not held.told_to_stop:
                self._record(Change(change="back", number=number))
                self._tell_to_stop(held)

    def wait_for_all(self) -> bool:
        """Forget the runs that have ended. Returns True if there are none any more."""
        for number, held in list(self._held.items()):
            if held.look().state != "running":
                del self._held[number]
        return not self._held

    def _folder(self, job: Job) -> Path:
        return self._store.folder_of(job.run)

    def _hold(self, job: Job, devices: tuple[str, ...], process: RunProcess | None = None) -> Held:
        held = Held(job, devices, RunWatch(self._folder(job)), process)
        self._held[job.number] = held
        return held

    def _adopt(self, state: QueueState) -> None:
        """Take over the runs that an earlier runner has started."""
        for entry in state.in_order("started"):
            number = entry.job.number
            if number not in self._held and not entry.slurm:
                held = self._hold(entry.job, tuple(entry.device.split(SEPARATOR)))
                if held.look().state == "running":
                    self._say(f"{entry.job.run} was started before, and is running.")

    def _look_at(self, number: int, entry: Entry | None) -> None:
        """Record the end of a run; one whose job was dropped is asked to stop."""
        held = self._held[number]
        seen = held.look()
        if seen.state == "running":
            if entry is None and not held.told_to_stop:
                self._say(f"{held.job.run} was dropped: it saves and ends.")
                self._tell_to_stop(held)
            return
        del self._held[number]
        if entry is None or entry.state != "started":
            return
        self._record_end(held, entry, seen)

    def _record_end(self, held: Held, entry: Entry, seen: RunProgress) -> None:
        code = held.process.poll() if held.process is not None else None
        trouble = held.process.trouble() if held.process is not None else ""
        if seen.state == "interrupted" and code == 0:
            seen = RunProgress("stopped", "stopped by a person")
        if seen.state in ("finished", "stopped"):
            self._end(entry, seen)
        elif not _takes_more(self._store.folder):
            self._disk_is_full()
            self._record(Change(change="back", number=held.job.number))
        elif seen.state == "absent" and code is None:
            self._record(Change(change="back", number=held.job.number))  # it was never started, or deleted
        elif seen.state == "failed" and tells_no_room(seen.text):
            self._lose(entry, "had no room on a disk")
        elif seen.state == "failed":
            self._end(entry, seen)
        elif code == FolderInUse.exit_code:
            self._lose(entry, "was being trained by another process")
        elif code is not None and code > 0 and trouble:
            self._end(entry, RunProgress("failed", trouble))
        elif seen.state == "absent" and code is not None and code >= 0:
            self._end(entry, RunProgress("failed", f"It ended with code {code} before there was a run."))
        else:
            self._lose(entry, "was killed")

    def _lose(self, entry: Entry, how: str) -> None:
        if entry.losses >= MOST_LOSSES:
            self._end(entry, RunProgress("failed", f"It {how}, and had been started {entry.losses + 1} times."))
            return
        nth = entry.losses + 1
        self._record(Change(change="lost", number=entry.job.number, at=time.time()))
        self._say(f"{entry.job.run} {how}; it resumes from its last state ({nth} of {MOST_LOSSES} times).")

    def _end(self, entry: Entry, seen: RunProgress) -> None:
        assert seen.state in ("finished", "stopped", "failed")
        number, reason = entry.job.number, safe_text(seen.text, 500)
        self.failures += seen.state == "failed"
        ended = Change(change="end", number=number, outcome=seen.state, text=reason, at=time.time())
        self._record(ended)
        self._say(f"{entry.job.run} {seen.state}{f': {reason}' if reason else ''}")
        if seen.state == "failed":
            self._notify(*notices.job_failed(entry.job, self._folder(entry.job), reason))
        for event in notices.sweeps_done(self._store.read(), entry.job, self._store.place):
            self._notify(*event)

    def _disk_is_full(self) -> None:
        if not self._disk_full:
            self._disk_full = True
            self._say("The disk is full: nothing more is started.")
            self._notify(*notices.disk_full(self._store.place))

    def _record(self, change: Change) -> None:
        """Write one change down; one that a full disk refuses is found again by the next runner."""
        try:
            self._store.change(lambda state: [change] if change.number in state.entries else [])
        except BadInput as error:
            self._disk_full = True
            self._say_once("disk", str(error))

    def _start_waiting(self, state: QueueState) -> int:
        """Start what can be started. Returns how many."""
        started = 0
        others = self._devices.others_on(by_device(self.running, self._store.folder_of))
        self._say_once("others", self._others_text(others))
        reserved = set(others)
        for entry in list(state.in_order("waiting")):
            job, busy = entry.job, [device for held in self._held.values() for device in held.devices]
            if not self._devices.any_room(busy, reserved):
                break
            if job.number in self._held or waits_for(job, state, self._store.place):
                continue
            refusal = self._allowed(job)
            if refusal:
                self._say_once(job.run, refusal)
                continue
            try:
                place = self._devices.place_for(job, busy, reserved)
                if place is None:
                    reserved.update(self._devices.gpus if job.gpus else ())  # else smaller ones would pass it for ever
                    continue
                if not _takes_more(self._store.folder):
                    self._disk_is_full()
                    return started
                started += self._start_one(job, place)
            except DeviceMissing as error:
                self._end(entry, RunProgress("failed", str(error)))
        return started

    def _start_one(self, job: Job, place: Place) -> bool:
        """Write down that a run is started, and start it; where one of the two fails, it is not. Raises BadInput."""

        def decide(state: QueueState) -> list[Change]:
            entry = state.entries.get(job.number)
            if entry is None or entry.state != "waiting" or state.paused:
                return []
            return [Change(change="start", number=job.number, text=str(place), at=time.time())]

        if not self._store.change(decide):
            return False
        where = f" on {self._devices.names(str(place))}" if self._devices.gpus else ""
        self._say(f"{job.run} starts{where}.")
        try:
            process = self._start(job, place.environment)
        except (CifarTuiError, OSError) as error:
            self._end(self._store.read().entries[job.number], RunProgress("failed", str(error)))
            return True
        self._hold(job, place.devices, process)
        return True

    def _tell_to_stop(self, held: Held) -> None:
        held.told_to_stop = self._stop(self._folder(held.job), held.process)

    def _watch_disk(self) -> None:
        """While something runs, say when the disk is full, and start jobs again once it takes more."""
        if not self._held or time.monotonic() < self._disk_at:
            return
        self._disk_at = time.monotonic() + ROOM_SECONDS
        if not _takes_more(self._store.folder):
            self._disk_is_full()
        elif self._disk_full:
            self._disk_full = False
            self._say("There is room on the disk again.")

    def _others_text(self, others: dict[str, int]) -> str:
        parts = [f"{self._devices.name(gpu)} ({counted(count, 'process')})" for gpu, count in others.items()]
        return f"Waiting for what somebody else computes on: {', '.join(parts)}." if parts else ""

    def _say_once(self, about: str, line: str) -> None:
        """Say what has changed about something; an empty line means that it is over."""
        if line and self._said.get(about) != line:
            self._say(line)
        self._said[about] = line


def _takes_more(folder: Path) -> bool:
    """Return True if a folder's disk takes more."""
    path = folder / f"{TEMPORARY_PREFIX}{ROOM_NAME}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            hit("opened", ROOM_NAME)
            file.write(bytes(ROOM_BYTES))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return error.errno not in NO_ROOM
    finally:
        path.unlink(missing_ok=True)
    return True


def _paused_text(state: QueueState) -> str:
    return f"The queue is paused{f': {state.pause_reason}' if state.pause_reason else ''}."
