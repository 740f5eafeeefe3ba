"""Time of each part of a step of several processes, and their losses beside those of one.

python benchmarks/several.py [--data DIR] [--processes 2] [--steps 8]

The processes share this machine's cores, over gloo: the parts are real, their speed is not a GPU's. The baseline is one
process with all cores. Prints a table and, last, one JSON object.
"""

import argparse
import dataclasses
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from cifar_tui.events import EpochDone
from cifar_tui.files.run_files import journal_path
from cifar_tui.presets import preset
from cifar_tui.runs.records.journal import read_events

CURVE = ("--preset", "short", "--width", "16", "--train-images", "5000", "--test-images", "1000", "--epochs", "3")
FIGURES = {
    "one_step_ms": "a step of preset short, 125 images, by one process on all cores (the baseline)",
    "step_ms": "the same by several processes, each with its share of the cores",
    "sum_ms": "summing the buffer of gradients alone",
    "order_ms": "an order of the leader to all alone",
    "megabytes": "summed in every step",
    "order_percent": "of a step, for agreeing on what is done",
    "sum_percent": "of a step, for summing",
}


def main() -> None:
    """Read the options, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="synthetic", help="a folder of images, or synthetic")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        measure(options.steps)
        return
    figures = {"one_step_ms": started(1, options.steps)["step_ms"], **started(options.processes, options.steps)}
    figures["order_percent"] = 100 * figures["order_ms"] / figures["step_ms"]
    figures["sum_percent"] = 100 * figures["sum_ms"] / figures["step_ms"]
    curves = {str(count): curve(options.data, count) for count in (1, options.processes)}
    for name, meaning in FIGURES.items():
        print(f"{name:<16} {figures[name]:>10,.2f}  {meaning}")
    print("epoch   " + "   ".join(f"{count} process(es): loss, test accuracy" for count in curves))
    for number, epochs in enumerate(zip(*curves.values(), strict=True), 1):
        print(f"{number:>5}   " + "   ".join(f"{epoch[0]:.4f}, {100 * epoch[1]:.2f} %" for epoch in epochs))
    print(json.dumps({name: round(figures[name], 3) for name in FIGURES} | {"curves": curves}))


def started(count: int, steps: int) -> dict[str, float]:
    """Return the figures of so many processes, started here."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    command = [sys.executable, __file__, "--worker", "--steps", str(steps)]
    threads = str(max(1, (os.cpu_count() or 1) // count))
    shared = {"WORLD_SIZE": str(count), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "OMP_NUM_THREADS": threads}
    processes = [
        subprocess.Popen(command, env={**os.environ, **shared, "RANK": str(rank)}, stdout=subprocess.PIPE, text=True)
        for rank in range(count)
    ]
    outputs = [process.communicate()[0] for process in processes]
    if any(process.returncode for process in processes):
        raise SystemExit("a process failed")
    figures: dict[str, float] = json.loads(outputs[0])
    return figures


def measure(steps: int) -> None:
    """Time the parts in one of the processes, and print the medians."""
    import torch

    from cifar_tui.engine.network.device import choose_device
    from cifar_tui.engine.network.ranks import Order, Verb, join_ranks
    from cifar_tui.engine.network.stepper import Stepper

    recipe = dataclasses.replace(preset("short"), device="cpu")
    device = choose_device(recipe)
    ranks = join_ranks().on(device.torch)
    stepper = Stepper(recipe, device, ranks=ranks)
    share = ranks.share(0, recipe.batch_size)
    count = len(range(share.start, share.stop, share.step))
    images = torch.randn(count, 3, 32, 32).to(memory_format=torch.channels_last)
    labels = torch.arange(count) % 10
    buffer = torch.zeros(sum(one.numel() for one in stepper.network.parameters()) + 9_602)

    def median(work: Callable[[], object], times: int) -> float:
        took = []
        for _ in range(times + 1):
            ranks.gather(torch.zeros(1))  # all begin at once
            began = time.perf_counter()
            work()
            took.append(1_000 * (time.perf_counter() - began))
        return statistics.median(took[1:])

    figures = {
        "step_ms": median(lambda: stepper.update(images, labels, 0.01, recipe.batch_size), steps),
        "sum_ms": median(lambda: ranks.sum(buffer), 4 * steps),
        "order_ms": median(lambda: ranks.next_order() if ranks.rank else ranks.order(Order(Verb.COPY)), 40 * steps),
        "megabytes": buffer.nbytes / 1e6,
    }
    print(json.dumps(figures))


def curve(data: str, count: int) -> list[tuple[float, float]]:
    """Train a small run in so many processes. Returns each epoch's training loss and test accuracy."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        words = ["train", *CURVE, "--data", data, "--device", "cpu", "--headless", "--outf", str(run)]
        several = ["--processes", str(count)] if count > 1 else []
        subprocess.run([sys.executable, "-m", "cifar_tui", *words, *several], check=True, stdout=subprocess.DEVNULL)
        epochs = [event for event in read_events(journal_path(run)) if isinstance(event, EpochDone)]
        return [(round(epoch.train_loss, 4), epoch.test_accuracy) for epoch in epochs]


if __name__ == "__main__":
    main()
