"""Cost of a lost terminal, a stalled link and a storm of resizes: for the training, and for a screen that waits.

python benchmarks/faults.py [--rounds 3] [--seconds 10]

A small run trains for real behind a screen in a pseudo-terminal. Its steps per second while something goes wrong are
compared with those just before, in the same process; the baseline is the same training with no terminal at all, of
which one stretch is compared with the next. Then a run that keeps every core busy is watched: the longest time without
anything new on the screen, where a quarter of a second is meant and there is a step to show, and the longest that a key
waits for its answer; the baseline is a scripted run, with no training beside the screen. Gaps between steps are between
their lines in the journal, which come every tenth of a second. Takes some minutes. The last line is one JSON object;
what the words mean is in `FIGURES`.
"""

import argparse
import contextlib
import itertools
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import orjson
from pseudo_terminal import PATIENCE_SECONDS, PseudoTerminal
from screen_options import use_a_persons_environment

from cifar_tui.control import SaveNow
from cifar_tui.files.run_files import journal_path
from cifar_tui.runs.remote.client import RemoteControl

SIZE = (120, 40)
SMALL = ["--preset", "smoke", "--width", "8", "--batch-size", "20", "--train-images", "10000", "--test-images", "100"]
"""Some hundred steps a second on one core, and hundreds of them in an epoch."""
BUSY = ["--preset", "default", "--width", "64", "--batch-size", "8", "--train-images", "10000", "--test-images", "100"]
"""Every core busy, several steps between two looks of the screen, and checkpoints of 45 MB."""
STALL_SECONDS = 15.0
STORM_SECONDS, RESIZES = 10.0, 900
STORM_SIZES = ((1, 1), (500, 200), (100, 30), (40, 12), (300, 2), (20, 60), (120, 40), (5, 5))
"""Columns and rows."""
SAVES = 5
ALL_KEYS = "Measure the newest checkpoint"
"""Words of the list of all keys alone."""
REDRAWS = 30
"""Whole screens that are asked for first of a terminal that nobody reads: far more than it holds."""

FIGURES = {
    "bare_percent": "steps per second of a stretch against the one before, with no terminal (the baseline)",
    "closed_percent": "the same after its terminal was closed, against before",
    "stalled_percent": "while nobody reads its terminal for 15 s, against before",
    "storm_percent": "during 900 resizes in 10 s, from 1×1 to 500×200, against before",
    "bare_gap_ms": "the longest time without a step, with no terminal (the baseline)",
    "closed_gap_ms": "the same, from two seconds before its terminal is closed until after",
    "stalled_gap_ms": "while nobody reads",
    "storm_gap_ms": "during the resizes",
    "attach_again_ms": "from `cifar-tui attach`, after a killed screen, until the run is on the new one",
    "screen_scripted_ms": "the longest time without anything new on the screen, on a scripted run (the baseline)",
    "screen_training_ms": "the same beside a training on every core",
    "training_gap_ms": "the longest time without a step of that training: there was nothing new to show",
    "screen_storm_ms": "the same during 900 resizes in 10 s, in which few of the sizes are drawn",
    "answer_scripted_ms": "the longest from the key ? until all keys are on the screen, or off it, on a scripted run",
    "answer_training_ms": "the same beside a training on every core",
    "answer_saving_ms": "the same while that saves checkpoints of 45 MB, five times",
}


def main() -> None:
    """Read the options, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="how often each fault is set off")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long to watch before and after")
    options = parser.parse_args()
    use_a_persons_environment()
    figures: dict[str, float] = {}
    for name, fault in {"bare": None, "closed": closed, "stalled": stalled, "storm": storm}.items():
        found = [rates_around(fault, options.seconds) for _ in range(options.rounds)]
        figures[f"{name}_percent"] = statistics.median(100 * share for share, _ in found)
        figures[f"{name}_gap_ms"] = statistics.median(1_000 * gap for _, gap in found)
        print(f"{name}: {figures[f'{name}_percent']:.1f} %, {figures[f'{name}_gap_ms']:.0f} ms", flush=True)
    figures["attach_again_ms"] = attached_again(options.rounds)
    figures |= standing_still(options.seconds)
    for name, meaning in FIGURES.items():
        print(f"{name:<22} {figures[name]:>8,.1f}  {meaning}")
    print(json.dumps({name: round(figures[name], 1) for name in FIGURES}))


def command(run: Path, choices: list[str], *more: str) -> list[str]:
    """A training that outlasts every measurement."""
    words = ["train", "--data", "synthetic", "--device", "cpu", "--epochs", "5000", *choices, "--outf", str(run)]
    return [sys.executable, "-m", "cifar_tui", *words, *more]


def rates_around(fault: Callable[[PseudoTerminal, float], None] | None, seconds: float) -> tuple[float, float]:
    """Steps per second during a fault over those before, and the longest time without a step during it."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        run = Path(folder) / "run"
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}  # the other cores are the terminal's
        if fault is None:
            process = subprocess.Popen(command(run, SMALL, "--headless"), env=environment, stdout=subprocess.DEVNULL)
            stack.callback(process.wait)
            stack.callback(process.kill)
            wait_until(lambda: len(steps_at(run)) > 100)
            began = time.time()
            time.sleep(2 * seconds)
            return compared(run, began, began + seconds, began + seconds, time.time())
        terminal = stack.enter_context(PseudoTerminal(command(run, SMALL), size=SIZE, environment=environment))
        terminal.wait_for("images/s")
        terminal.blind = True  # an emulator would take its share of the machine
        terminal.read_for(2.0)
        before = time.time()
        terminal.read_for(seconds)
        began, child = time.time(), terminal.drawing_pid
        fault(terminal, seconds)
        found = compared(run, before, began, began - (2.0 if fault is closed else 0.0), time.time())
        os.kill(child, signal.SIGKILL)
        return found


def closed(terminal: PseudoTerminal, seconds: float) -> None:
    """Close the terminal, and let the run train on."""
    terminal.hang_up()
    time.sleep(seconds)


def stalled(terminal: PseudoTerminal, _seconds: float) -> None:
    """Leave unread what is sent, after more was sent than a terminal holds."""
    until = time.monotonic() + STALL_SECONDS
    for _ in range(REDRAWS):
        terminal.press("\x0c")
        time.sleep(0.05)
    time.sleep(until - time.monotonic())


def storm(terminal: PseudoTerminal, _seconds: float) -> None:
    """Give the terminal one size after the other."""
    began = time.monotonic()
    for number in range(RESIZES):
        terminal.resize(*storm_size(number))
        while (left := began + (number + 1) * STORM_SECONDS / RESIZES - time.monotonic()) > 0:
            terminal.read(left)


def storm_size(number: int) -> tuple[int, int]:
    """Return the size after so many; in no order, for a screen drawn every second would see half of them."""
    return random.Random(number).choice(STORM_SIZES)


def steps_at(run: Path) -> list[float]:
    """Return the time at which each step was written down, in seconds since 1970."""
    if not (journal_path(run)).exists():
        return []
    lines = (journal_path(run)).read_bytes().rpartition(b"\n")[0].splitlines()
    return [orjson.loads(line)["at"] for line in lines if b'"StepDone"' in line]


def compared(run: Path, before: float, began: float, looked_from: float, ended: float) -> tuple[float, float]:
    """The rate from `began` to `ended` over the one from `before`, and the longest gap from `looked_from` on."""
    steps = steps_at(run)
    return rate(steps, began, ended) / rate(steps, before, began), longest_gap(run, looked_from, ended)


def longest_gap(run: Path, since: float, until: float) -> float:
    """The longest time without a step, in seconds."""
    return max(after - at for at, after in itertools.pairwise(steps_at(run)) if since < after < until)


def rate(steps: list[float], since: float, until: float) -> float:
    """Steps per second, from the first batch of lines in this time to the last."""
    inside = [at for at in steps if since <= at <= until]
    first, last = inside[0], inside[-1]
    return sum(at > first + 0.01 for at in inside) / (last - first)


def attached_again(rounds: int) -> float:
    """Milliseconds until a run that lost its screen is on another, the median."""
    took = []
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        process = subprocess.Popen(command(run, SMALL, "--headless"), stdout=subprocess.DEVNULL)
        attach = [sys.executable, "-m", "cifar_tui", "attach", str(run)]
        try:
            wait_until(lambda: len(steps_at(run)) > 100)
            for _ in range(rounds):
                with PseudoTerminal(attach, size=SIZE) as killed:
                    killed.wait_for("images/s")
                    os.kill(killed.pid, signal.SIGKILL)
                    began = time.perf_counter()
                    with PseudoTerminal(attach, size=SIZE) as terminal:
                        while "images/s" not in terminal.text:
                            terminal.read(0.01)
                        took.append(1_000 * (time.perf_counter() - began))
        finally:
            process.kill()
            process.wait()
    return statistics.median(took)


def standing_still(seconds: float) -> dict[str, float]:
    """The longest times without anything new on the screen, in milliseconds."""
    scripted = [sys.executable, str(Path(__file__).with_name("screen.py")), "--worker", "ours"]
    with PseudoTerminal(scripted, size=SIZE) as terminal:
        terminal.wait_for("step 1")
        terminal.read_for(3.0)
        figures = {"screen_scripted_ms": max(gaps_while(terminal, with_epochs(seconds)))}
        figures["answer_scripted_ms"] = max(answers_while(terminal, with_epochs(seconds)))
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        with PseudoTerminal(command(run, BUSY), size=SIZE) as terminal:
            terminal.wait_for("images/s")
            terminal.read_for(3.0)
            began = time.time()
            figures["screen_training_ms"] = max(gaps_while(terminal, with_epochs(seconds)))
            figures["training_gap_ms"] = 1_000 * longest_gap(run, began, time.time())
            figures["answer_training_ms"] = max(answers_while(terminal, with_epochs(seconds)))
            figures["answer_saving_ms"] = max(answers_while(terminal, saving(run)))
            terminal.blind = True
            figures["screen_storm_ms"] = max(gaps_while(terminal, storming(terminal)))
    return figures


def gaps_while(terminal: PseudoTerminal, going_on: Callable[[], bool]) -> list[float]:
    """Milliseconds between one update of the screen and the next, as long as something goes on."""
    gaps, last = [], time.monotonic()
    while going_on():
        if terminal.read(0.01):
            now = time.monotonic()
            gaps.append(1_000 * (now - last))
            last = now
    return [gap for gap in gaps if gap > 5.0]  # what comes at once is one update


def answers_while(terminal: PseudoTerminal, going_on: Callable[[], bool]) -> list[float]:
    """Milliseconds from a key until its answer is on the screen, as long as something goes on."""
    answers = []
    while going_on():
        for shown in (True, False):
            began = time.monotonic()
            terminal.press("?")
            while (ALL_KEYS in terminal.text) is not shown and time.monotonic() < began + PATIENCE_SECONDS:
                terminal.read(0.005)
            answers.append(1_000 * (time.monotonic() - began))
            terminal.read_for(0.2)
    return answers


def with_epochs(seconds: float) -> Callable[[], bool]:
    """Goes on for so long."""
    until = time.monotonic() + seconds
    return lambda: time.monotonic() < until


def saving(run: Path) -> Callable[[], bool]:
    """Has checkpoints saved, one after the other, and goes on until they are."""
    remote = RemoteControl(run, screen=False)
    journal = (journal_path(run)).open("rb")
    journal.seek(0, os.SEEK_END)
    asked, saved, due_at = 0, 0, time.monotonic()

    def going_on() -> bool:
        nonlocal asked, saved, due_at
        if time.monotonic() < due_at:
            return True
        due_at = time.monotonic() + 0.5
        saved += journal.read().count(b'"event":"CheckpointSaved"')
        if asked > saved:
            return True
        if asked == SAVES:
            remote.close()
            journal.close()
            return False
        remote.submit(SaveNow())
        asked += 1
        return True

    return going_on


def storming(terminal: PseudoTerminal) -> Callable[[], bool]:
    """Gives the terminal one size after the other."""
    began, number = time.monotonic(), 0

    def going_on() -> bool:
        nonlocal number
        while number < RESIZES and time.monotonic() >= began + number * STORM_SECONDS / RESIZES:
            terminal.resize(*storm_size(number))
            number += 1
        return number < RESIZES

    return going_on


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for something, for some minutes at most."""
    until = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > until:
            raise SystemExit("the training never came that far")
        time.sleep(0.05)


if __name__ == "__main__":
    main()
