"""Trains small runs in processes that are killed, at random moments and at every point of a save, and resumes them.

Prints what came out as JSON. After every kill, what must hold of a run is checked.

A program of its own: it forks its trainers, so torch is imported once and no test's threads are copied.
"""

import dataclasses
import itertools
import os
import random
import shutil
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import torch

from cifar_tui import failpoints
from cifar_tui.control import SetAttended
from cifar_tui.engine.checkpoints.background_writer import BackgroundWriter, WriteTask
from cifar_tui.engine.checkpoints.run_context import Intervals
from cifar_tui.engine.data.dataset import DataSet, Split
from cifar_tui.engine.training import train
from cifar_tui.errors import BadInput
from cifar_tui.events import RunResumed
from cifar_tui.files import append_file, atomic_write
from cifar_tui.files.run_files import journal_path
from cifar_tui.jobs.local import LocalJobs
from cifar_tui.presets import preset
from cifar_tui.recipe import Recipe
from cifar_tui.runs.checkpoints.sidecars import list_sidecars
from cifar_tui.runs.checkpoints.states import list_states
from cifar_tui.runs.folder import RunFolder
from cifar_tui.runs.records.journal import read_events
from tests.invariants import Evidence, check
from tests.waiting import eventually

EPOCHS = 2
SELDOM = 1e9
"""Seconds between two states: at the end alone."""
POINTS = ("opened", "written", "synced", "renamed", "folder-synced")
FILES = ("net_*.pth", "net_*.json", "state_*.pt", "state_*.json")


def recipe() -> Recipe:
    changes = {"epochs": EPOCHS, "batch_size": 20, "learning_rate": 0.05, "width": 8, "device": "cpu"}
    return dataclasses.replace(preset("quick"), **changes)  # type: ignore[arg-type]


def images(*_: object) -> DataSet:
    noise = np.random.default_rng(0)

    def split(count: int) -> Split:
        labels = np.arange(count, dtype=np.int64) % 10
        return Split(noise.integers(0, 255, (count, 32, 32, 3)).astype(np.uint8), labels)

    return DataSet("noise", False, tuple("abcdefghij"), split(120), split(20))


def options(state_seconds: float) -> dict[str, Any]:
    return {"load_data": images, "intervals": Intervals(state_seconds=state_seconds, state_cost=1e9)}


def train_or_resume(folder: Path, state_seconds: float = SELDOM) -> None:
    """What a trainer does: start the run, or go on with it as soon as there is a state.

    Waits until its threads are gone, too: one that ends gives memory back under a lock of MKL's, and a process that is
    forked meanwhile would wait for that lock for ever.
    """
    if (folder / "recipe.json").exists():
        jobs = LocalJobs(recipe(), resumed=RunFolder.reopen(folder), **options(state_seconds))
    else:
        jobs = LocalJobs(recipe(), "one", folder, **options(state_seconds))
    try:
        session = jobs.train()
    except BadInput:
        jobs.close()
        for path in folder.iterdir():
            path.unlink()
        session = LocalJobs(recipe(), "one", folder, **options(state_seconds)).train()
    session.submit(SetAttended(attended=False))
    threads = [thread.native_id for thread in threading.enumerate() if thread is not threading.main_thread()]
    session.join()
    eventually(lambda: not any(Path(f"/proc/self/task/{number}").exists() for number in threads))


def wait_for_every_save() -> None:
    """Have no state take the place of one that waits for the disk, so that how many there are is known."""
    schedule = BackgroundWriter.schedule

    def put_and_wait(saver: BackgroundWriter, save: WriteTask) -> None:
        schedule(saver, save)
        saver.wait()

    BackgroundWriter.schedule = put_and_wait  # type: ignore[assignment, method-assign]


def in_a_process(
    folder: Path, kill_after: float | None, fault: str | None = None, state_seconds: float = SELDOM
) -> bool:
    """Returns whether it was killed before it ended by itself."""
    child = os.fork()
    if child == 0:
        if fault is not None:
            for module in (atomic_write, append_file, train):
                module.hit = failpoints.parse(fault).hit  # type: ignore[attr-defined]
            wait_for_every_save()
        train_or_resume(folder, state_seconds)
        os._exit(0)
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if not os.WIFSIGNALED(status) and os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit("a trainer failed")
    if (journal_path(folder)).exists():
        check(folder, Evidence())
    return os.WIFSIGNALED(status)


def result(folder: Path) -> dict[str, object]:
    """All that must not depend on how often the run was killed."""
    return {
        "weights": [(sidecar.checkpoint, sidecar.sha256) for sidecar in list_sidecars(folder)],
        "log": (folder / "log.txt").read_text(),
        "accuracies": (folder / "acc.txt").read_text(),
        "leftovers": [path.name for path in folder.glob(".writing-*")],
    }


def whole_weights(folder: Path) -> dict[str, str]:
    """The epochs' SHA-256, by name."""
    return {one.checkpoint: one.sha256 for one in list_sidecars(folder) if "step" not in one.checkpoint}


def killed_often(
    folder: Path, kills: int, seconds: float, chance: random.Random, state_seconds: float
) -> tuple[int, float]:
    """Kill a run under way so often, and at least until it has gone on from a state once where it saves many.

    `seconds` is what a whole run takes, which a busy machine changes from one moment to the next: longer where a kill
    came before the run had saved or gone on, shorter where it ended. Returns how often it was killed, and what a whole
    run takes by now.
    """
    killed = 0
    while killed < kills or (state_seconds == 0.0 and not resumptions(folder)):
        states, resumed = states_of(folder), resumptions(folder)
        if in_a_process(folder, chance.uniform(0.1, 0.5) * seconds, state_seconds=state_seconds):
            killed += 1
            came_far = resumptions(folder) > resumed if states else states_of(folder)
            seconds *= 1.0 if came_far else 1.2
        else:
            shutil.rmtree(folder)
            killed, seconds = 0, seconds * 0.8
    return killed, seconds


def states_of(folder: Path) -> int:
    return len(list_states(folder)) if folder.exists() else 0


def killed_at_every_point(place: Path) -> list[str]:
    """Kill a run at each point of each file of a save, and go on with it. Returns where that was tried."""
    whole = whole_weights(place / "whole")
    tried = []
    for number, (point, name) in enumerate(itertools.product(POINTS, FILES)):
        folder = place / f"point{number}"
        nth = 1 if "net" in name else 3
        assert in_a_process(folder, None, f"kill:{point}:{name}:{nth}", state_seconds=0.0), (
            f"{point} of {name} was never reached"
        )
        in_a_process(folder, None, state_seconds=0.0)
        check(folder, Evidence(restarted=True, whole=whole))
        tried.append(f"{point} of {name}")
    return tried


def resumptions(folder: Path) -> int:
    """How often the run went on from a state."""
    if not (journal_path(folder)).exists():
        return 0
    return sum(isinstance(event, RunResumed) for event in read_events(journal_path(folder)))


def main(place: Path, runs: int, kills: int, every_point: int) -> None:
    torch.set_num_threads(1)
    chance = random.Random(0)
    # Here first, so that what torch loads at its first step is there in every process to come.
    train_or_resume(place / "whole")
    started = time.monotonic()
    in_a_process(place / "timed", None)
    whole_seconds = time.monotonic() - started
    results, killed, resumed = [], 0, 0
    for number in range(runs):
        # From a state after every step to one now and then.
        state_seconds = (0.0, 0.1, 0.3)[number % 3]
        times, whole_seconds = killed_often(place / f"run{number}", kills, whole_seconds, chance, state_seconds)
        killed += times
        in_a_process(place / f"run{number}", None, state_seconds=state_seconds)
        results.append(result(place / f"run{number}"))
        resumed += resumptions(place / f"run{number}")
    tried = killed_at_every_point(place) if every_point else []
    counts = {"killed": killed, "resumed": resumed, "points": tried}
    print(orjson.dumps({"whole": result(place / "whole"), "results": results, **counts}).decode())


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:5]))
