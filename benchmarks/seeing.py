"""Slowdown of a real training by its health panel's norms and by event files: runs with and without, in pairs, in turn.

python benchmarks/seeing.py --data DIR [--pairs 10] [--steps 300] [--device cuda] [--preset default] [--batch-size N]

Each run is a process of its own. Of a pair, the first one is with in every other pair, so that a machine that becomes
slower favours neither. Prints the steps a second of each, and their ratio with an interval (95 %, by drawing the pairs
again). The last line is one JSON object.
"""

import argparse
import json
import math
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from cifar_tui.events import StepDone
from cifar_tui.files.run_files import journal_path
from cifar_tui.layer_events import NormsMeasured
from cifar_tui.runs.records.journal import read_events

WARM_UP_STEPS = 10
"""First steps that are not counted: libraries choose their kernels, graphs are recorded."""
RESAMPLED, SEED = 10_000, 0
WITHOUT = "--without-norms"
WAYS = {"norms": ([WITHOUT], []), "tensorboard": ([], ["--tensorboard"]), "both": ([WITHOUT], ["--tensorboard"])}
"""Options of a run without and with what is measured."""


def main() -> None:
    """Measure in pairs and print the figures."""
    if WITHOUT in sys.argv[1:2]:
        train_without_norms(sys.argv[2:])
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="synthetic", help="a folder of images, or synthetic")
    parser.add_argument("--pairs", type=int, default=10)
    parser.add_argument("--steps", type=int, default=300, help="steps that count, each time")
    parser.add_argument("--ways", nargs="+", choices=list(WAYS), default=list(WAYS))
    options, more = parser.parse_known_args()
    train = ["train", "--headless", "--data", options.data, *more]
    figures = {way: compare(way, train, options.pairs, options.steps) for way in options.ways}
    print(json.dumps(figures))


def train_without_norms(arguments: list[str]) -> None:
    """Train in this process as the program does, but measure no layer."""
    from cifar_tui.cli import main as program
    from cifar_tui.engine.training import train

    vars(train)["is_measured"] = lambda _step: False  # this process alone
    sys.argv = ["cifar-tui", *arguments]
    program()


def compare(way: str, train: Sequence[str], pairs: int, steps: int) -> dict[str, float]:
    """Return the steps a second without and with something, and their ratio, from so many pairs in turn."""
    found: dict[int, list[float]] = {0: [], 1: []}
    for number in range(pairs):
        for which in (number % 2, 1 - number % 2):
            found[which].append(steps_per_second(WAYS[way][which], train, steps))
        print(f"{way} pair {number + 1}: {found[0][-1]:.2f} steps/s without, {found[1][-1]:.2f} with", flush=True)
    ratios = [after / before for before, after in zip(found[0], found[1], strict=True)]
    low, high = interval(ratios)
    middle, without, after = middle_of(ratios), *(statistics.median(found[which]) for which in (0, 1))
    print(f"{way}: {middle:.4f} times as fast with, {low:.4f} to {high:.4f}, from {pairs} pairs", flush=True)
    return {"without": without, "with": after, "ratio": middle, "low": low, "high": high, "pairs": pairs}


def steps_per_second(options: Sequence[str], train: Sequence[str], steps: int) -> float:
    """Return the speed of a run over the steps that count, by the clock of its training, without tests."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        without = WITHOUT in options
        program = [sys.executable, __file__, WITHOUT] if without else [sys.executable, "-m", "cifar_tui"]
        more = [option for option in options if option != WITHOUT]
        process = subprocess.Popen([*program, *train, *more, "--outf", str(run)], stdout=subprocess.DEVNULL)
        wait_for(process, run, WARM_UP_STEPS + steps)
        process.terminate()
        process.wait()
        events = list(read_events(journal_path(run)))
    done = [event for event in events if isinstance(event, StepDone)][WARM_UP_STEPS - 1 : WARM_UP_STEPS + steps]
    if without and any(isinstance(event, NormsMeasured) for event in events):
        raise SystemExit("The norms were measured all the same.")
    return (len(done) - 1) / (done[-1].seconds - done[0].seconds)


def wait_for(process: "subprocess.Popen[bytes]", run: Path, steps: int) -> None:
    """Wait until a run's log has so many lines. Raises SystemExit where it ends before."""
    log = run / "log.txt"
    while not log.exists() or log.read_bytes().count(b"\n") < steps:
        try:
            process.wait(0.2)
        except subprocess.TimeoutExpired:
            continue
        if log.exists() and log.read_bytes().count(b"\n") >= steps:
            return
        raise SystemExit(f"The run ended before its {steps} steps: choose fewer --steps or more --epochs.")


def middle_of(ratios: Sequence[float]) -> float:
    """Return the geometric mean."""
    return math.exp(statistics.fmean(map(math.log, ratios)))


def interval(ratios: Sequence[float]) -> tuple[float, float]:
    """Return the bounds of the middle 95 % of the means of pairs that are drawn again, with replacement."""
    draw = random.Random(SEED)
    means = sorted(middle_of(draw.choices(ratios, k=len(ratios))) for _ in range(RESAMPLED))
    return means[round(0.025 * RESAMPLED)], means[round(0.975 * RESAMPLED) - 1]


if __name__ == "__main__":
    main()
