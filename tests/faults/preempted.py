"""Preempts one run again and again, at random moments and as soon as it starts, until it has finished.

Prints what came out as JSON. Each attempt is the same command, in a process that is forked: torch is imported once.
"""

import os
import random
import signal
import sys
import time
from pathlib import Path

import orjson
import torch

from cifar_tui.cli import front_ends, main  # noqa: F401 - loaded before the forks
from cifar_tui.console import follow  # noqa: F401 - likewise
from cifar_tui.engine.training import train  # noqa: F401 - likewise
from cifar_tui.events import StepDone
from cifar_tui.files.run_files import journal_path
from cifar_tui.runs.checkpoints.sidecars import list_sidecars
from cifar_tui.runs.checkpoints.states import list_states
from cifar_tui.runs.records.journal import read_events
from tests.invariants import Evidence, check

SMALL = [
    *("--preset", "smoke", "--data", "synthetic", "--width", "8", "--batch-size", "20", "--device", "cpu"),
    *("--train-images", "200", "--test-images", "100", "--precision", "fp32"),
]
EPOCHS = 15
WARNINGS = (signal.SIGUSR1, signal.SIGTERM, signal.SIGUSR2, signal.SIGXCPU)
MOST_STEPS = 6
"""The most that an attempt trains before it is preempted: twenty of them do not come to the run's end."""
PATIENCE_SECONDS = 120.0


def attempt(run: Path) -> int:
    """Start the command; returns its process."""
    child = os.fork()
    if child == 0:
        devnull = os.open(os.devnull, os.O_WRONLY)
        os.dup2(devnull, 1)
        os.dup2(devnull, 2)
        options = ["--epochs", str(EPOCHS), "--headless", "--auto-resume", "--outf", str(run)]
        sys.argv = ["cifar-tui", "train", *SMALL, *options]
        try:
            main()
        except SystemExit as ending:
            os._exit(int(ending.code or 0))
        os._exit(0)
    return child


def steps_of(run: Path) -> int:
    """Return the newest step by the run's journal, as far as it is written."""
    if not journal_path(run).exists():
        return 0
    events = read_events(journal_path(run))
    return max((event.step for event in events if isinstance(event, StepDone)), default=0)


def saved_step(run: Path) -> int:
    """Return the step of the newest state; 0 without one."""
    states = list_states(run) if run.exists() else []
    return states[0].step if states else 0


def preempt(run: Path, number: signal.Signals, moment: float) -> int:
    """Start it, and send a signal after some seconds (a float) or new steps (an int). Returns its exit code."""
    before = steps_of(run)
    child = attempt(run)
    until = time.monotonic() + PATIENCE_SECONDS
    if isinstance(moment, float):
        time.sleep(moment)
    else:
        while steps_of(run) < before + moment:
            assert time.monotonic() < until, f"it does not train on from step {before}"
            time.sleep(0.005)
    os.kill(child, number)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def preempted_often(run: Path, times: int, chance: random.Random, *, kills: bool) -> list[int]:
    """Preempt a run so often, the first time as soon as it starts. Returns the exit codes."""
    codes = []
    for attempted in range(times):
        number = chance.choice((*WARNINGS, signal.SIGKILL) if kills else WARNINGS)
        steps = chance.randint(1, MOST_STEPS)
        moment = chance.uniform(0.0, 0.4) if attempted and chance.random() < 0.3 else steps if attempted else 0.0
        before = saved_step(run)
        code = preempt(run, number, moment)
        # As a shell says it; a signal that comes before Python handles it kills, and there was nothing to save.
        assert code in (128 + number, -number), code
        saved = saved_step(run)
        assert saved >= before, "an attempt has lost what was saved"
        if code > 0:
            assert saved == steps_of(run), "not all that was trained was saved"
        if isinstance(moment, int) and number != signal.SIGKILL:
            assert saved > before, "an attempt that trained made no progress"
        if journal_path(run).exists():
            check(run, Evidence())
        codes.append(code)
    return codes


def result(run: Path) -> dict[str, object]:
    """All that must not depend on how often the run was preempted."""
    return {
        "weights": [(one.checkpoint, one.sha256) for one in list_sidecars(run) if "step" not in one.checkpoint],
        "log": (run / "log.txt").read_text(),
        "accuracies": (run / "acc.txt").read_text(),
    }


def finish(run: Path) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(attempt(run), 0)[1])


def main_program(place: Path, runs: int, times: int) -> None:
    torch.set_num_threads(1)
    assert finish(place / "whole") == 0
    results, codes = [], []
    for number in range(runs):
        run = place / f"run{number}"
        codes += preempted_often(run, times, random.Random(number), kills=number % 2 == 1)
        assert [finish(run), finish(run)] == [0, 0]
        check(run, Evidence(restarted=True))
        results.append(result(run))
    print(orjson.dumps({"whole": result(place / "whole"), "results": results, "codes": codes}).decode())


if __name__ == "__main__":
    main_program(Path(sys.argv[1]), *map(int, sys.argv[2:4]))
