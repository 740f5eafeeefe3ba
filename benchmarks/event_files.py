"""Cost of writing event files for TensorBoard, beside the same run's records without them, one after the other.

python benchmarks/event_files.py [--rounds 9] [--seconds 3] [--steps-per-second 300]

A loop of tiny torch operations, which need the interpreter for nearly all of their time, is the worst case: real steps
leave it to the thread that writes. Its steps are reported ten times a second, as on a GPU. The last line is one JSON
object.
"""

import argparse
import dataclasses
import json
import statistics
import tempfile
import time
from pathlib import Path

import torch

from cifar_tui.events import RunStarted, StepDone
from cifar_tui.presets import preset
from cifar_tui.recipe import Recipe
from cifar_tui.runs.folder import RunFolder
from cifar_tui.runs.records.background_recorder import BackgroundRecorder
from cifar_tui.runs.records.recorder import Recorder

WITHOUT = dataclasses.replace(preset("default"), tensorboard=False)
WITH = dataclasses.replace(WITHOUT, tensorboard=True)
REPORT_SECONDS = 0.1
RECORDED_STEPS = 20_000
BLOCK_STEPS = 300
"""Steps that come within the second after which the files are written."""


def main() -> None:
    """Measure in pairs and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--steps-per-second", type=int, default=300)
    options = parser.parse_args()
    torch.set_num_threads(1)
    pairs = [(microseconds_a_step(WITHOUT), microseconds_a_step(WITH)) for _ in range(options.rounds)]
    journal, both = (statistics.median(one) for one in zip(*pairs, strict=True))
    slower = [
        1 - operations(WITH, options) / bare for bare in (operations(WITHOUT, options) for _ in range(options.rounds))
    ]
    print(f"a step takes {journal:.1f} µs to be recorded, {both:.1f} µs with event files")
    more = (both - journal) * options.steps_per_second / 1e4
    print(f"{options.steps_per_second} of them a second take {more:.2f} % more of one core")
    figures = {"journal_us": journal, "with_files_us": both, "tiny_slowdown_percent": 100 * statistics.median(slower)}
    print(json.dumps(figures))


def step(number: int) -> StepDone:
    """Return a plausible step."""
    return StepDone(number, 1, 2.3 / number, 0.5, 512, 0.1, number / BLOCK_STEPS)


def microseconds_a_step(recipe: Recipe) -> float:
    """CPU time that one step takes to be recorded, on the thread that does so."""
    with tempfile.TemporaryDirectory() as place:
        folder = RunFolder.create(Path(place) / "one", "one", recipe)
        recorder = Recorder(folder)
        recorder.append_event(started(folder, recipe))
        began = time.thread_time()
        for number in range(1, RECORDED_STEPS + 1):
            recorder.append_event(step(number))
        recorder.close()
        spent = time.thread_time() - began
        folder.close()
    return 1e6 * spent / RECORDED_STEPS


def operations(recipe: Recipe, options: argparse.Namespace) -> float:
    """Tiny operations a second, while steps are recorded on another thread."""
    weights, one = torch.zeros(64), torch.ones(64)
    with tempfile.TemporaryDirectory() as place:
        folder = RunFolder.create(Path(place) / "one", "one", recipe)
        records = BackgroundRecorder(Recorder(folder), print)
        records.append_event(started(folder, recipe))
        done, reported, began = 0, 0, time.monotonic()
        due = began
        while (now := time.monotonic()) < began + options.seconds:
            if now >= due:
                due += REPORT_SECONDS
                last = int((now - began) * options.steps_per_second)
                for number in range(reported + 1, last + 1):
                    records.append_event(step(number))
                reported = last
            for _ in range(50):
                weights.add_(one, alpha=0.1).mul_(0.9)
            done += 50
        speed = done / (time.monotonic() - began)
        records.close()
        folder.close()
    return speed


def started(folder: RunFolder, recipe: Recipe) -> RunStarted:
    """Return the first event of a run."""
    return RunStarted(folder.name, str(folder.path), recipe, time.time(), "")


if __name__ == "__main__":
    main()
