"""Refuses each system call of the thread that saves, one after the other, in runs that are whole but for that.

The calls are those that strace sees in a run where nothing is refused. Prints what was tried, and what held, as JSON.

A program of its own: it forks its trainers, so torch is imported once and no test's threads are copied.
"""

import ctypes
import os
import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import orjson
import torch

from cifar_tui.checkpoint_events import CheckpointSaved, StateSaved
from cifar_tui.engine.checkpoints.background_writer import BackgroundWriter
from cifar_tui.events import RunFinished, StepDone
from cifar_tui.files.run_files import journal_path
from cifar_tui.runs.records.journal import read_events
from tests.engine.training.killed_runs import train_or_resume, whole_weights
from tests.invariants import Evidence, check

ERRORS = ("ENOSPC", "EIO")
NOT_THE_DISKS = {"mmap", "poll", "ppoll", "select", "pselect6", "epoll_wait"}
"""Calls on descriptors that ask no disk for anything."""
PATIENCE_SECONDS = 120.0
ATTEMPTS = 3
"""Runs that may end without coming to a call."""
STEPS, CHECKPOINTS = 12, ["net_001.pth", "net_002.pth"]
CALL = re.compile(r"(\w+)\(")
NEW_FILE = re.compile(r'"[^"]*(\.writing-[^"]+)", [^)]*O_EXCL')
ALLOW_ANY_TRACER = (0x59616D61, ctypes.c_ulong(-1))


def traced_trainer(folder: Path, log: Path, injection: str) -> int:
    """Train a run to its end while strace watches the thread that saves. Returns the trainer's exit code."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        wait_to_be_traced(writer)
        train_or_resume(folder)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        thread = pipe.readline().decode().strip()
    command = [
        "strace",
        "-q",
        "-e",
        "signal=none",
        "-e",
        "trace=%file,%desc",
        "-s",
        "300",
        "-o",
        str(log),
        "-p",
        thread,
    ]
    with subprocess.Popen([*command, *(["-e", f"inject={injection}"] if injection else [])]) as strace:
        _, status = os.waitpid(child, 0)
        strace.wait(PATIENCE_SECONDS)
    return os.waitstatus_to_exitcode(status)


def wait_to_be_traced(writer: int) -> None:
    """Have the thread that saves tell its number, and let nothing be saved before it is watched."""
    start = BackgroundWriter.__init__
    ctypes.CDLL(None).prctl(*ALLOW_ANY_TRACER)

    def started(saver: BackgroundWriter) -> None:
        start(saver)
        number = saver._thread.native_id
        os.write(writer, f"{number}\n".encode())
        until = time.monotonic() + PATIENCE_SECONDS
        while "TracerPid:\t0\n" in Path(f"/proc/self/task/{number}/status").read_text():
            if time.monotonic() > until:
                os._exit(1)
            time.sleep(0.005)

    BackgroundWriter.__init__ = started  # type: ignore[assignment, method-assign]


def recorded(log: Path) -> list[tuple[str, int]]:
    """The calls from the second checkpoint's first on, when there is one to be lost, each with the number of its like.

    They save the checkpoint, its sidecar, the state and its record, and look for what may be deleted.
    """
    counts: Counter[str] = Counter()
    calls, begun = [], False
    for line in log.read_text().splitlines():
        called = CALL.match(line)
        if called is None:
            continue
        name = called.group(1)
        counts[name] += 1
        begun = begun or f".writing-{CHECKPOINTS[1]}" in line
        if begun and name not in NOT_THE_DISKS:
            calls.append((name, counts[name]))
    return calls


def one_of_each(calls: list[tuple[str, int]]) -> list[str]:
    """One call of each name, somewhere in the middle, refused in one way or the other."""
    numbers: dict[str, list[int]] = {}
    for name, number in calls:
        numbers.setdefault(name, []).append(number)
    return [
        f"{name}:error={ERRORS[place % 2]}:when={of_it[len(of_it) // 2]}"
        for place, (name, of_it) in enumerate(numbers.items())
    ]


def refused(folder: Path, log: Path, injection: str, whole: dict[str, str]) -> str:
    """Train a run with one call refused. Returns what did not hold; empty when all did."""
    try:
        for attempt in range(ATTEMPTS):
            # A state that waits is replaced by the next one: some runs have fewer calls, and do not come to this one.
            tried = folder.with_name(f"{folder.name}-{attempt}")
            assert traced_trainer(tried, log, injection) == 0, "the trainer ended well"
            said = log.read_text()
            if "(INJECTED)" in said:
                break
        assert "(INJECTED)" in said, "the call was refused"
        folder = tried
        files = NEW_FILE.findall(said)
        assert len(set(files)) == len(files), "every try has a temporary file of its own"
        events = list(read_events(journal_path(folder)))
        assert sum(isinstance(event, StepDone) for event in events) == STEPS, "training went on"
        saved = [event.checkpoint for event in events if isinstance(event, CheckpointSaved)]
        assert sorted(set(saved)) == CHECKPOINTS, "it was tried again until it worked"
        assert any(isinstance(event, StateSaved) for event in events), "and so was the state"
        assert isinstance(events[-1], RunFinished), "the run ended by itself"
        check(folder, Evidence(restarted=True, whole=whole))
    except AssertionError as error:
        return f"{injection}: {error}"
    return ""


def main(place: Path, every_call: int) -> None:
    torch.set_num_threads(1)
    train_or_resume(place / "first")
    assert traced_trainer(place / "whole", place / "whole.txt", "") == 0
    calls, whole = recorded(place / "whole.txt"), whole_weights(place / "whole")
    every = [f"{name}:error={error}:when={number}" for name, number in calls for error in ERRORS]
    tried = every if every_call else one_of_each(calls)
    failures = [
        failure
        for number, injection in enumerate(tried)
        if (failure := refused(place / f"run{number}", place / f"run{number}.txt", injection, whole))
    ]
    kinds = Counter(name for name, _ in calls)
    print(orjson.dumps({"calls": dict(kinds), "tried": len(tried), "failures": failures}).decode())


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
