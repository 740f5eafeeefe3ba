"""Everything that needs a GPU, in one command: tests, speed, faults, accuracy.

python benchmarks/on_gpu.py [--data DIR] [--only NAME ...] [--minutes 9]

Prints a table and, last, one JSON object; the words are in `FIGURES`. A part that fails is named, and the others go on;
ends with 1 then. Parts that would start after `--minutes` are left out, and named. `--try-out` runs every part on the
CPU with a narrow network and few steps: whether this script works, and no figure worth keeping.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from gpu_memory import fill_the_memory, watching_memory
from measured_run import PROGRAM, Bench, Figures, MeasuredRun, images_per_second
from throughput import plain_loop

from cifar_tui import __version__
from cifar_tui.checkpoint_events import EvaluationDone, StateSaved
from cifar_tui.control import Evaluate, Pause, Request, Resume
from cifar_tui.events import EpochDone, Noted, Paused, Resumed, RolledBack, RunResumed, StepDone
from cifar_tui.runs.remote.client import RemoteControl

FIGURES = {
    "gpu_tests": "the tests that need a GPU (pytest -m gpu)",
    "tutorial_images_per_second": "the tutorial's own loop, batches of 128 (the baseline)",
    "eager_images_per_second": "preset default, one kernel at a time, without a screen",
    "graph_images_per_second": "the same with an update recorded as a CUDA graph",
    "compile_images_per_second": "the same with the network compiled",
    "graph_ratio": "graph against the tutorial's loop",
    "compile_ratio": "compiled against the tutorial's loop",
    "eager_first_step_seconds": "from the command to the first step",
    "graph_first_step_seconds": "the same",
    "compile_first_step_seconds": "the same, compiling included",
    "compile_seconds": "spent compiling",
    "eager_peak_gigabytes": "the most of the GPU's memory in use beyond what was before",
    "graph_peak_gigabytes": "the same",
    "compile_peak_gigabytes": "the same",
    "screen_slowdown_percent": "of preset default by its screen, median of pairs in turn",
    "short_screen_slowdown_percent": "the same of preset short, whose batches of 125 leave a GPU little to do",
    "short_images_per_second": "preset short by graph, without a screen",
    "resume_lost_steps": "after kill -9, soon after the first training state was saved: steps made twice",
    "resume_loss_difference": "the largest difference between the losses of those steps, relative",
    "resume_first_step_seconds": "from `train --resume` to its first step",
    "stop_seconds": "from SIGTERM until all is saved and the process has ended",
    "pause_ms": "from the request on the socket until the training stands still, median of five",
    "pause_worst_ms": "the longest of these",
    "evaluate_seconds": "`cifar-tui evaluate` of a checkpoint beside the training, the whole command",
    "evaluate_in_run_seconds": "an evaluation asked for in the run, between two steps",
    "evaluate_difference": "between their accuracy and that of the epoch's own test, the larger, in points",
    "nan_roll_backs": "a rate that breaks every step: times rolled back before it ends with a sentence",
    "memory_sentence": "batches that no GPU holds",
    "filled_sentence": "a GPU that another program has filled but for 1.5 GB",
    "brimful_sentence": "but for 0.2 GB, which is less than a process needs for itself",
    "quick_accuracy_percent": "preset quick, 26 epochs, last epoch, no test-time augmentation",
    "quick_accuracy_tta_percent": "with flip-TTA",
    "quick_seconds": "from the first event of the run to its last",
    "default_accuracy_percent": "preset default, 80 epochs, likewise",
    "default_accuracy_tta_percent": "with flip-TTA",
    "default_seconds": "from the first event of the run to its last",
}


def run_tests(_bench: Bench) -> Figures:
    """Run the tests that are marked `gpu`."""
    command = [sys.executable, "-m", "pytest", "-m", "gpu", "-q", "--all", "-n", "0", "-p", "no:cacheprovider", "tests"]
    command += ["--show-capture=no", "--tb=short", "-W", "default"]  # another version of a library may warn
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, cwd=Path(__file__).parents[1])
    if done.returncode:
        raise RuntimeError(done.stdout[-4_000:] + done.stderr[-1_000:])
    summary = next(line for line in reversed(done.stdout.splitlines()) if " in " in line and "passed" in line)
    return {"gpu_tests": summary.strip("= ")}


def measure_tutorial(bench: Bench) -> Figures:
    """Time the tutorial's own loop."""
    speeds = plain_loop(bench.data, bench.steps(150), 128, bench.device, augmented=False)
    return {"tutorial_images_per_second": statistics.median(speeds)}


def measure_tier(tier: str) -> Callable[[Bench], Figures]:
    """Return the part that measures one way of driving a GPU."""

    def measure(bench: Bench) -> Figures:
        with watching_memory() as peak:
            run = bench.run(tier, "--acceleration", tier)
            run.wait_for_steps(bench.steps(700))
            run.stop()
        found = run.events(StepDone)
        notes = [note for _, note in run.events(Noted)]
        if bench.device == "cuda" and any("does not work here" in note.text for note in notes):
            raise RuntimeError("; ".join(note.text for note in notes))
        figures: Figures = {
            f"{tier}_images_per_second": images_per_second([step for _, step in found][-bench.steps(400) :]),
            f"{tier}_first_step_seconds": found[0][0] - run.began,
            f"{tier}_peak_gigabytes": max(peak, default=0) / 1e9,
        }
        compiling = [at for at, note in run.events(Noted) if note.text.startswith("Compiling")]
        if compiling:
            figures["compile_seconds"] = found[0][0] - compiling[0]
        return figures

    return measure


def measure_screen(bench: Bench) -> Figures:
    """Compare runs with and without their screen, in turn."""
    figures: Figures = {}
    for preset, name in (("default", ""), ("short", "short_")):
        pairs = []
        for number in range(2):
            speeds = []
            for watched in (False, True):
                options = ("--preset", preset, "--acceleration", "graph")
                run = bench.run(f"{preset}-{number}-{watched}", *options, watched=watched)
                run.wait_for_steps(bench.steps(900))
                run.stop()
                speeds.append(images_per_second(run.steps()[-bench.steps(700) :]))
            pairs.append(speeds)
        figures[f"{name}screen_slowdown_percent"] = statistics.median(100 * (1 - on / off) for off, on in pairs)
        if name:
            figures["short_images_per_second"] = statistics.median(off for off, _ in pairs)
    return figures


def measure_resume(bench: Bench) -> Figures:
    """Kill a run, resume it, and end it in order."""
    run = bench.run("killed")
    run.wait_until(lambda: bool(run.events(StateSaved)), "a training state")
    run.wait_for_steps(len(run.steps()) + bench.steps(50))
    run.kill()
    before = {step.step: step.loss for step in run.steps()}
    again = MeasuredRun(run.folder, ["--resume", str(run.folder)])
    again.wait_for_steps(len(before) + bench.steps(100))
    began = time.time()
    again.stop()
    stopped = time.time()
    resumed_at, resumed = again.events(RunResumed)[-1]
    after = [(at, step) for at, step in again.events(StepDone) if at >= resumed_at]
    numbers = [step.step for _, step in after]
    if numbers != list(range(resumed.at_step + 1, resumed.at_step + 1 + len(numbers))):
        raise RuntimeError(f"the steps after {resumed.at_step} are {numbers[:5]} ...")
    twice = [(before[step.step], step.loss) for _, step in after if step.step in before]
    return {
        "resume_lost_steps": float(len(twice)),
        "resume_loss_difference": max((abs(one - other) / one for one, other in twice), default=0.0),
        "resume_first_step_seconds": after[0][0] - again.began,
        "stop_seconds": stopped - began,
    }


def measure_requests(bench: Bench) -> Figures:
    """Pause a run, and evaluate its checkpoint: in the run, and by a command beside it."""
    run = bench.run("asked")
    run.wait_until(lambda: len(run.events(EpochDone)) >= 1, "an epoch")
    _, epoch = run.events(EpochDone)[0]
    remote = RemoteControl(run.folder, screen=False)

    def answered(request: Request, answer: type[Paused | Resumed | EvaluationDone]) -> float:
        known, began = len(run.events(answer)), time.time()
        remote.submit(request)
        run.wait_until(lambda: len(run.events(answer)) > known, answer.__name__)
        return run.events(answer)[-1][0] - began

    pauses = []
    for _ in range(5):
        pauses.append(1_000 * answered(Pause(), Paused))
        still = len(run.steps())
        time.sleep(0.3)
        if len(run.steps()) != still:
            raise RuntimeError("steps were made while the run was paused")
        answered(Resume(), Resumed)
    checkpoint = "net_001.pth"
    answered(Evaluate(checkpoint), EvaluationDone)
    in_run = run.events(EvaluationDone)[-1][1]
    began = time.time()
    command = [*PROGRAM, "evaluate", str(run.folder / checkpoint), "--device", bench.device, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200)
    seconds = time.time() - began
    remote.close()
    run.stop()
    if done.returncode:
        raise RuntimeError(done.stderr[-1_000:])
    accuracies = (in_run.accuracy, json.loads(done.stdout)["accuracy"])
    return {
        "pause_ms": statistics.median(pauses),
        "pause_worst_ms": max(pauses),
        "evaluate_seconds": seconds,
        "evaluate_in_run_seconds": in_run.seconds,
        "evaluate_difference": max(100 * abs(accuracy - epoch.test_accuracy) for accuracy in accuracies),
    }


def break_the_loss(bench: Bench) -> Figures:
    """Train with a rate that breaks every step."""
    run = bench.run("broken", "--lr", "1e30")
    code = run.wait()
    if code != 1 or "rolled back" not in run.last_line():
        raise RuntimeError(f"ended with {code}: {run.last_line()}")
    return {"nan_roll_backs": float(len(run.events(RolledBack)))}


def train_whole(preset: str, epochs: int) -> Callable[[Bench], Figures]:
    """Return the part that trains a preset to its end."""

    def train(bench: Bench) -> Figures:
        command = [sys.executable, str(Path(__file__).with_name("accuracy.py")), "--preset", preset]
        command += ["--epochs", str(epochs if bench.device == "cuda" else 1), "--data", bench.data]
        command += ["--runs", str(bench.folder), "--results", str(bench.folder / "results.jsonl")]
        done = subprocess.run([*command, "--device", bench.device, *bench.narrow], capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(done.stdout[-1_000:] + done.stderr[-1_000:])
        row = json.loads(done.stdout.strip().split("\n")[-1])
        print(json.dumps(row), flush=True)
        return {
            f"{preset}_accuracy_percent": 100 * row["test_accuracy"],
            f"{preset}_accuracy_tta_percent": 100 * row["test_accuracy_with_tta"],
            f"{preset}_seconds": row["seconds"],
        }

    return train


PARTS: dict[str, Callable[[Bench], Figures]] = {
    "tests": run_tests,
    "graph": measure_tier("graph"),
    "eager": measure_tier("eager"),
    "tutorial": measure_tutorial,
    "quick": train_whole("quick", 26),
    "resume": measure_resume,
    "requests": measure_requests,
    "nan": break_the_loss,
    "memory": fill_the_memory,
    "default": train_whole("default", 80),
    "compile": measure_tier("compile"),
    "screen": measure_screen,
}
SIDE_BY_SIDE = ("tests", "resume", "nan")
"""Parts that are run beside each other: what they show is that something works; their seconds are upper limits."""
NEEDS_A_GPU = ("tests", "memory")
TRY_OUT = ("--width", "8", "--train-images", "2000", "--test-images", "200", "--batch-size", "100")


def main() -> int:
    """Read the options, run every part, print. Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="synthetic", help="a folder of images, or synthetic")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), metavar="NAME", help=", ".join(PARTS))
    parser.add_argument("--minutes", type=float, default=9.0, help="after which no part is started")
    parser.add_argument("--try-out", action="store_true", help="on the CPU, with a narrow network and few steps")
    options = parser.parse_args()
    began = time.monotonic()
    figures: Figures = {}
    failed: dict[str, str] = {}
    left_out: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        device, scale, narrow = ("cpu", 0.02, TRY_OUT) if options.try_out else ("cuda", 1.0, ())
        if options.try_out:
            left_out = [name for name in options.only if name in NEEDS_A_GPU]
            options.only = [name for name in options.only if name not in left_out]
        bench = Bench(options.data, device, scale, narrow, Path(folder))
        together = [name for name in options.only if name in SIDE_BY_SIDE]
        alone = [[name] for name in options.only if name not in SIDE_BY_SIDE]
        for names in [together, *alone] if together else alone:
            seconds = time.monotonic() - began
            if seconds > 60 * options.minutes:
                left_out += names
                continue
            print(f"{seconds:6.1f} s  {', '.join(names)} ...", flush=True)
            with ThreadPoolExecutor() as pool:
                for name, (found, error) in zip(names, pool.map(lambda name: attempt(name, bench), names), strict=True):
                    figures |= found
                    failed |= {name: error} if error else {}
    for tier in ("graph", "compile"):
        if f"{tier}_images_per_second" in figures and "tutorial_images_per_second" in figures:
            ratio = float(figures[f"{tier}_images_per_second"]) / float(figures["tutorial_images_per_second"])
            figures[f"{tier}_ratio"] = ratio
    print()
    for name, meaning in FIGURES.items():
        if name in figures:
            print(f"{name:<32} {shown(figures[name]):>12}  {meaning}")
    report = {**machine(), **figures, "failed": failed, "left_out": left_out, "seconds": time.monotonic() - began}
    print(json.dumps({key: round(value, 4) if isinstance(value, float) else value for key, value in report.items()}))
    return 1 if failed else 0


def attempt(name: str, bench: Bench) -> tuple[Figures, str]:
    """Run one part. Returns its figures, and why it failed."""
    try:
        found = PARTS[name](bench)
    except Exception as error:  # noqa: BLE001 - whatever breaks in one part, the others still count
        traceback.print_exc()
        return {}, f"{type(error).__name__}: {error}"
    print("".join(f"          {key} {shown(value)}\n" for key, value in found.items()), end="", flush=True)
    return found, ""


def shown(value: float | str) -> str:
    """Return a figure in words."""
    return value if isinstance(value, str) else f"{value:,.4g}" if abs(value) < 1_000 else f"{value:,.0f}"


def machine() -> dict[str, str]:
    """Return what was measured on."""
    import torch

    name = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
    return {"device": name, "torch": torch.__version__, "cuda": str(torch.version.cuda), "cifar_tui": __version__}


if __name__ == "__main__":
    sys.exit(main())
