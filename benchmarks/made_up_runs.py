"""Runs that are made up for the benchmarks: one that speaks live, and journals of any length."""

import math
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from cifar_tui.control import DeleteCheckpoint, Pause, PinCheckpoint, Request, Stop
from cifar_tui.event_records import event_to_record
from cifar_tui.events import (
    DataReady,
    EpochDone,
    Event,
    Paused,
    RunFinished,
    RunStarted,
    RunStopped,
    StepDone,
    TrainingStarted,
)
from cifar_tui.files.run_files import journal_path
from cifar_tui.presets import preset
from cifar_tui.runs.folder import RunFolder
from cifar_tui.runs.records.background_recorder import BackgroundRecorder
from cifar_tui.runs.records.recorder import Recorder
from cifar_tui.runs.remote.server import ControlServer

STEPS_PER_SECOND = 100
STEPS_PER_EPOCH = 1_000


@dataclass(frozen=True, slots=True)
class Script:
    """The course of a made-up run."""

    total_steps: int
    steps_per_epoch: int
    events_of: Callable[[int], Iterator[Event]]
    """The events of a step, which is counted from 1, and of the epoch it ends."""

    def opening(self, name: str, folder: Path, began: float) -> list[Event]:
        """Return every event before the first step."""
        return [
            RunStarted(name, str(folder), preset("default"), began, "0"),
            DataReady("CIFAR-10", False, tuple("abcdefghij"), 50_000, 10_000),
            TrainingStarted("scripted", "", "fp32", 11_173_962, self.steps_per_epoch, self.total_steps),
        ]

    def steps(self, began: float, done: int) -> Iterator[Event]:
        """Yield the events of the steps after `done` that are due by now, in a run that began at such a time."""
        due = int((time.time() - began) * STEPS_PER_SECOND)
        for step in range(done + 1, min(due, self.total_steps) + 1):
            yield from self.events_of(step)


def plausible(step: int, steps_per_epoch: int, decay: float, chance: random.Random) -> Iterator[Event]:
    """Yield the events of a step, and of the epoch it ends; the loss falls by e in `decay` steps."""
    loss = (2.3 * math.exp(-step / decay) + 0.2) * chance.uniform(0.8, 1.25)
    epoch = (step - 1) // steps_per_epoch + 1
    rate = preset("default").learning_rate_at(step, steps_per_epoch)
    accuracy = min(max(1 - loss / 2.6, 0.0), 1.0)
    yield StepDone(step, epoch, loss, accuracy, 500, rate, step / STEPS_PER_SECOND)
    if step % steps_per_epoch == 0:
        yield EpochDone(epoch, step, loss, accuracy, loss, accuracy, None, rate, 10.0, 1.0)


def plausible_script() -> Script:
    """Return a long run whose values scatter, as a real run's do."""
    chance = random.Random(0)
    return Script(80 * STEPS_PER_EPOCH, STEPS_PER_EPOCH, lambda step: plausible(step, STEPS_PER_EPOCH, 2_000, chance))


def write_live_run(folder: Path, script: Script, clock: Path) -> None:
    """Write a run's journal as its engine does, and answer on its socket; the time it began at goes to `clock`."""
    recorder = BackgroundRecorder(Recorder(RunFolder.create(folder, folder.name, preset("default"))), print)
    server = ControlServer(folder, lambda _request: None)
    began, done = time.time(), 0
    clock.write_text(str(began))
    for event in script.opening(folder.name, folder, began):
        recorder.append_event(event)
    while done < script.total_steps:
        for event in script.steps(began, done):
            recorder.append_event(event)
            done = max(done, getattr(event, "step", 0))
        time.sleep(1 / STEPS_PER_SECOND)
    recorder.close()
    server.close()


def write_finished_run(folder: Path, steps: int) -> None:
    """Make the folder of a run of so many steps that has finished, in 80 epochs."""
    recipe = preset("default")
    chance, steps_per_epoch = random.Random(0), steps // 80
    RunFolder.create(folder, folder.name, recipe).close()
    with (journal_path(folder)).open("wb") as file:

        def say(event: Event) -> None:
            file.write(orjson.dumps({"at": time.time(), **event_to_record(event)}, option=orjson.OPT_APPEND_NEWLINE))

        say(RunStarted(folder.name, str(folder), recipe, time.time(), "0"))
        say(DataReady("CIFAR-10", False, tuple("abcdefghij"), 50_000, 10_000))
        say(TrainingStarted("made up", "", "fp32", 11_173_962, steps_per_epoch, steps))
        for step in range(1, steps + 1):
            for event in plausible(step, steps_per_epoch, steps / 20, chance):
                say(event)
        say(RunFinished(steps, 0.9))


class ScriptedRun:
    """A run that emits a hundred steps a second; it is its own job, feed and control."""

    def __init__(
        self,
        work: Callable[[], None] = lambda: time.sleep(1 / STEPS_PER_SECOND),
        script: Script | None = None,
        clock: Path | None = None,
    ) -> None:
        """Start silent; `work` is done between two looks at the clock, and the time it began at goes to `clock`."""
        self._work = work
        self._script = script or plausible_script()
        self._clock = clock
        self._events: list[Event] = []
        self._lock = threading.Lock()
        self._paused = threading.Event()
        self.ended = False
        self.elsewhere = False
        self.silent_seconds = 0.0
        self.other_user = ""

    @property
    def current(self) -> "ScriptedRun":
        """These jobs."""
        return self

    def train(self, data: str | None = None) -> "ScriptedRun":  # noqa: ARG002
        """Begin to speak."""
        threading.Thread(target=self._speak, daemon=True).start()
        return self

    def train_preset(self, preset: str) -> "ScriptedRun":  # noqa: ARG002
        """Start nothing."""
        return self

    def resume(self) -> "ScriptedRun":
        """Nothing goes on."""
        return self

    def branch(self, checkpoint: str, epochs: int, learning_rate: float) -> "ScriptedRun":  # noqa: ARG002
        """Nothing new is started."""
        return self

    def compare(self, checkpoints: Sequence[Path], *, beside: bool) -> "ScriptedRun":  # noqa: ARG002
        """Nothing is compared."""
        return self

    def evaluate(self, checkpoint: str) -> "ScriptedRun":  # noqa: ARG002
        """Nothing is measured."""
        return self

    def manage_checkpoint(self, request: DeleteCheckpoint | PinCheckpoint) -> "ScriptedRun":  # noqa: ARG002
        """Nothing is deleted."""
        return self

    def close(self) -> None:
        """Nothing is held."""

    def poll(self) -> list[Event]:
        """Return the events since the last call."""
        with self._lock:
            events, self._events = self._events, []
        return events

    def submit(self, request: Request) -> None:
        """Heed pause and stop."""
        if isinstance(request, Pause):
            self._paused.set()
            self._say(Paused(1))
        elif isinstance(request, Stop):
            self._paused.set()
            self.ended = True
            self._say(RunStopped(1, ""))

    def accepts(self, _verb: type[Request]) -> bool:
        """Everything."""
        return True

    def join(self, seconds: float | None = None) -> bool:  # noqa: ARG002
        """There is nothing to wait for."""
        return True

    def _say(self, event: Event) -> None:
        with self._lock:
            self._events.append(event)

    def _speak(self) -> None:
        began, done = time.time(), 0
        if self._clock is not None:
            self._clock.write_text(str(began))
        for event in self._script.opening(f"t{began * 1_000:.0f}", Path("/tmp/scripted"), began):
            self._say(event)
        while not self._paused.is_set():
            for event in self._script.steps(began, done):
                self._say(event)
                done = max(done, getattr(event, "step", 0))
            self._work()


def show(run: ScriptedRun) -> None:
    """Put a run on the screen, as the commands do."""
    from cifar_tui.jobs.run_in_view import RunInView
    from cifar_tui.tui.app import ScreenOptions, run_screen

    run_screen(RunInView(run), ScreenOptions())
