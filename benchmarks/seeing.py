"""Slowdown of a real training by its health panel's norms and by event files: blocks of steps with and without.

python benchmarks/seeing.py --data DIR [--pairs 50] [--ways norms tensorboard] [any option of train]

One training each way, in which every other block of 20 steps goes with what is measured. Prints two figures:

- The share of its blocks' time that the training spends in the functions that measure, report and write it: exact, and
  blind to what they do to everything else, such as the caches.
- How much slower those blocks are than their neighbours, with an interval (95 %, by drawing the pairs again): sees
  everything, and on a machine that others use, too, it is seldom sharper than a per cent. Of a pair, the first block is
  with in every other pair, so that a machine that becomes slower favours neither.

The last line is one JSON object.
"""

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cifar_tui.events import Event, StepDone
from cifar_tui.files.run_files import journal_path
from cifar_tui.layer_events import EVERY, NormsMeasured, is_measured
from cifar_tui.runs.records.journal import read_events

Timed = Callable[[Callable[..., Any]], Callable[..., Any]]
"""Has the seconds that a function takes counted."""

TRAIN_ONLY = "--train-this-way"
FIRST_BLOCK = 2
"""Blocks before are not counted: libraries choose their kernels, graphs are recorded."""
RESAMPLED, SEED = 10_000, 0


def main() -> None:
    """Measure in pairs and print the figures."""
    if TRAIN_ONLY in sys.argv[1:2]:
        train_every_other_block(sys.argv[2], sys.argv[3], sys.argv[4:])
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="synthetic", help="a folder of images, or synthetic")
    parser.add_argument("--pairs", type=int, default=50, help="pairs of blocks of 20 steps, each way")
    parser.add_argument("--ways", nargs="+", choices=list(WAYS), default=list(WAYS))
    options, more = parser.parse_known_args()
    figures = {way: slowdown(way, ["--data", options.data, *more], options.pairs) for way in options.ways}
    print(json.dumps(figures))


def block_of(step: int) -> int:
    """Return the number of a step's block; norms are measured in the middle of it."""
    return (step + EVERY // 2) // EVERY


def goes_with(step: int) -> bool:
    """Return True in the blocks that go with what is measured: of four, the second and the third."""
    return block_of(step) % 4 in (1, 2)


def norms_in_turn(timed: Timed) -> list[str]:
    """Have norms measured in these blocks alone."""
    from cifar_tui.engine.network.stepper import Stepper
    from cifar_tui.engine.training import train
    from cifar_tui.engine.training.step_reporter import StepReporter

    vars(train)["is_measured"] = lambda step: is_measured(step) and goes_with(step)
    for owner, name in ((Stepper, "_measure_norms"), (StepReporter, "_report_norms")):
        setattr(owner, name, timed(getattr(owner, name)))
    return []


def files_in_turn(timed: Timed) -> list[str]:
    """Have steps written for TensorBoard in these blocks alone."""
    from cifar_tui.runs.records.tensorboard_files import TensorBoardFiles

    whole = timed(TensorBoardFiles.write)

    def write(files: TensorBoardFiles, event: Event, at: float, *, tested_again: bool) -> None:
        if not isinstance(event, StepDone) or goes_with(event.step):
            whole(files, event, at, tested_again=tested_again)

    setattr(TensorBoardFiles, "write", write)  # noqa: B010 - a method, which a type checker lets nobody assign
    return ["--tensorboard"]


WAYS: dict[str, Callable[[Timed], list[str]]] = {"norms": norms_in_turn, "tensorboard": files_in_turn}
"""Each changes this process, and returns the options to train with."""


def train_every_other_block(way: str, sum_path: str, arguments: list[str]) -> None:
    """Train in this process as the program does, every other block with what is measured; its seconds go to a file."""
    from cifar_tui.cli import main as program

    seconds = np.memmap(sum_path, np.float64, "w+", shape=1)  # there at any moment, however the program ends

    def timed(function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*values: Any, **named: Any) -> Any:
            began = time.perf_counter()
            try:
                return function(*values, **named)
            finally:
                seconds[0] += time.perf_counter() - began

        return run

    sys.argv = ["cifar-tui", *arguments, *WAYS[way](timed)]
    program()


def slowdown(way: str, train: Sequence[str], pairs: int) -> dict[str, float]:
    """Return the steps a second without and with something, and the slowdown in per cent, from so many pairs."""
    events, inside = trained(way, train, (FIRST_BLOCK + 2 * pairs) * EVERY)
    if way == "norms" and not all(goes_with(event.step) for event in events if isinstance(event, NormsMeasured)):
        raise SystemExit("The norms were measured in other blocks, too.")
    taken = seconds_by_block([event for event in events if isinstance(event, StepDone)])
    blocks = range(FIRST_BLOCK, FIRST_BLOCK + 2 * pairs, 2)
    ratios, found = [], {False: [0.0], True: [0.0]}
    for first in blocks:
        by_way = {goes_with(block * EVERY): taken[block] for block in (first, first + 1)}
        ratios.append(by_way[True] / by_way[False])
        for goes, seconds in by_way.items():
            found[goes].append(seconds)
    with_it = sum(taken[block] for block in taken if goes_with(block * EVERY))
    without, after = (EVERY * pairs / sum(found[goes]) for goes in (False, True))
    per_cent = [100 * (ratio - 1) for ratio in (statistics.median(ratios), *interval(ratios))]
    share = 100 * inside / with_it
    print(
        f"{way}: {share:.3f} % of the time. {without:.2f} steps/s without, {after:.2f} with: {per_cent[0]:.2f} % "
        f"slower, {per_cent[1]:.2f} to {per_cent[2]:.2f}, from {pairs} pairs of {EVERY} steps",
        flush=True,
    )
    names = ("share_per_cent", "without", "with", "slower_per_cent", "low", "high", "pairs")
    return dict(zip(names, (share, without, after, *per_cent, pairs), strict=True))


def trained(way: str, train: Sequence[str], steps: int) -> tuple[list[Event], float]:
    """Return what a training of so many steps wrote down, and the seconds spent in what is measured.

    Raises SystemExit where it ends before.
    """
    with tempfile.TemporaryDirectory() as folder:
        run, sum_path = Path(folder) / "run", Path(folder) / "seconds"
        options = ["train", "--headless", *train, "--outf", str(run)]
        program = [sys.executable, __file__, TRAIN_ONLY, way, str(sum_path), *options]
        with subprocess.Popen(program, stdout=subprocess.DEVNULL) as process:
            log = run / "log.txt"
            while process.poll() is None and not (log.exists() and log.read_bytes().count(b"\n") >= steps):
                time.sleep(1)
            process.terminate()
        events = list(read_events(journal_path(run)))
        inside = float(np.fromfile(sum_path)[0])
    if sum(isinstance(event, StepDone) for event in events) < steps:
        raise SystemExit(f"The run ended before its {steps} steps: choose fewer --pairs or more --epochs.")
    return events, inside


def seconds_by_block(steps: Sequence[StepDone]) -> dict[int, float]:
    """Return how long each block took, by the clock of training, which stands still in tests."""
    ends = {block_of(step.step): step.seconds for step in steps}  # the last step of each stays
    return {block: seconds - ends[block - 1] for block, seconds in ends.items() if block - 1 in ends}


def interval(ratios: Sequence[float]) -> tuple[float, float]:
    """Return the bounds of the middle 95 % of the medians of pairs that are drawn again, with replacement."""
    draw = random.Random(SEED)
    medians = sorted(statistics.median(draw.choices(ratios, k=len(ratios))) for _ in range(RESAMPLED))
    return medians[round(0.025 * RESAMPLED)], medians[round(0.975 * RESAMPLED) - 1]


if __name__ == "__main__":
    main()
