"""Images per second of the tutorial's loop, the same with crop and flip, and ours, bare and with its screen on.

python benchmarks/throughput.py [--data DIR] [--steps N] [--rounds N] [--batch-size N] [--device cuda]

Every way runs in turn and more than once, each time in a process of its own, so that none warms another up and each
one's peak memory is its own. Prints medians; the last line is one JSON object.
"""

import argparse
import dataclasses
import json
import os
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pseudo_terminal import PseudoTerminal

from cifar_tui.events import DataReady, RunStarted, StepDone, TrainingStarted
from cifar_tui.files.run_files import journal_path
from cifar_tui.runs.records.journal import from_line

if TYPE_CHECKING:
    import torch

WAYS = ("tutorial", "augmented", "ours", "ours_watched")
SIZE = (120, 40)
"""Columns and rows of the terminal that the screen is drawn on."""
WARM_UP_STEPS = 2
"""First steps that are not counted: libraries choose their kernels in them."""
MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Sample:
    """One run of one way."""

    images_per_second: float
    """The median over the steps that count: a machine shared with others stalls now and then."""
    peak_megabytes: float
    """The most memory its process had resident."""
    start_seconds: tuple[float, float, float]
    """From the command until the program runs, until the images are there, until the first step is done."""


def main() -> None:
    """Read the options, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="synthetic", help="a folder of pictures, or synthetic")
    parser.add_argument("--steps", type=int, default=10, help="steps that count, each time")
    parser.add_argument("--rounds", type=int, default=3, help="how often each way runs")
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=WAYS, help="only these, for a closer look")
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.way:
        steps, augmented = options.steps + WARM_UP_STEPS, options.way == "augmented"
        print(json.dumps(plain_loop(options.data, steps, options.batch_size, options.device, augmented=augmented)))
        return
    samples: dict[str, list[Sample]] = {way: [] for way in options.ways}
    for number in range(options.rounds):
        for way in options.ways:
            sample = measure(way, options)
            samples[way].append(sample)
            print(f"round {number + 1}  {way:<13} {sample.images_per_second:8.1f} images/s", flush=True)
    if set(options.ways) == set(WAYS):
        report(samples)


def report(samples: dict[str, list[Sample]]) -> None:
    """The medians, and what they mean, in words and as JSON."""
    speed = {way: statistics.median(one.images_per_second for one in found) for way, found in samples.items()}
    memory = {way: round(statistics.median(one.peak_megabytes for one in found)) for way, found in samples.items()}
    parts = [statistics.median(values) for values in zip(*(one.start_seconds for one in samples["ours"]), strict=True)]
    slowdowns = [
        1 - watched.images_per_second / bare.images_per_second
        for bare, watched in zip(samples["ours"], samples["ours_watched"], strict=True)
    ]
    print(
        f"start: {parts[0]:.2f} s until the program runs, {parts[1]:.2f} s until torch and the images are there, "
        f"{parts[2]:.2f} s until the first step is done"
    )
    print(
        json.dumps(
            {
                **{way: round(value, 1) for way, value in speed.items()},
                "ratio": round(speed["ours_watched"] / speed["tutorial"], 2),
                "slowdown_percent": round(100 * statistics.median(slowdowns), 1),
                "peak_megabytes": memory,
                "start_seconds": [round(part, 2) for part in parts],
            }
        )
    )


def measure(way: str, options: argparse.Namespace) -> Sample:
    """Run one way in a process of its own."""
    if way in ("tutorial", "augmented"):
        command = [sys.executable, __file__, "--way", way, "--data", options.data, "--steps", str(options.steps)]
        command += ["--batch-size", str(options.batch_size), "--device", options.device]
        return measure_plain(command)
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        command = [sys.executable, "-m", "cifar_tui", "train", "--preset", "default", "--data", options.data]
        command += ["--batch-size", str(options.batch_size), "--device", options.device, "--outf", str(run)]
        started = time.time()
        if way == "ours":
            peak = run_bare([*command, "--headless"], run, options.steps + WARM_UP_STEPS)
        else:
            peak = run_watched(command, run, options.steps + WARM_UP_STEPS)
        return sample_of(run, started, peak, options.steps)


def measure_plain(command: list[str]) -> Sample:
    """Run a plain loop, which prints the moment of every step."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        output = process.stdout.read() if process.stdout else ""
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit("the plain loop failed")
    return Sample(statistics.median(json.loads(output)), peak_megabytes(usage), (0.0, 0.0, 0.0))


def run_bare(command: list[str], run: Path, steps: int) -> float:
    """Train without a screen until so many steps are done. Returns the peak memory in megabytes."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    stop_after(run, steps, process.terminate)
    _, _, usage = os.wait4(process.pid, 0)
    process.returncode = 0
    return peak_megabytes(usage)


def run_watched(command: list[str], run: Path, steps: int) -> float:
    """Train with the screen on in a pseudo-terminal that is read all the while."""
    terminal = PseudoTerminal(command, size=SIZE)
    gone = threading.Event()

    def read_all() -> None:
        while not gone.is_set():
            terminal.read(0.1)

    reader = threading.Thread(target=read_all)
    reader.start()
    stop_after(run, steps, lambda: os.kill(terminal.pid, signal.SIGTERM))
    _, _, usage = os.wait4(terminal.pid, 0)
    gone.set()
    reader.join()
    return peak_megabytes(usage)


def stop_after(run: Path, steps: int, stop: Callable[[], object]) -> None:
    """Wait until the run's log has so many lines, then stop it."""
    log = run / "log.txt"
    while not log.exists() or log.read_bytes().count(b"\n") < steps:
        time.sleep(0.2)
    stop()


def sample_of(run: Path, started: float, peak: float, steps: int) -> Sample:
    """Return speed and start of a run by its journal."""
    lines = [from_line(line) for line in (journal_path(run)).read_bytes().splitlines()]
    said = {type(event): at for at, event in reversed(lines)}
    done = [event for _, event in lines if isinstance(event, StepDone)][: steps + WARM_UP_STEPS]
    counted = zip(done[WARM_UP_STEPS - 1 :], done[WARM_UP_STEPS:], strict=False)
    speeds = [after.images / (after.seconds - before.seconds) for before, after in counted]
    parts = (
        said[RunStarted] - started,
        said[DataReady] - said[RunStarted],
        said[StepDone] - said[TrainingStarted],
    )
    return Sample(statistics.median(speeds), peak, parts)


def peak_megabytes(usage: resource.struct_rusage) -> float:
    """The peak of a process that has ended; Linux counts in KiB."""
    return usage.ru_maxrss * 1_024 / MEGABYTE


def decoded_pictures(data: str, batch_size: int, *, augmented: bool) -> "torch.utils.data.DataLoader[Any]":
    """The tutorial's loader, on images already decoded; kuangliu's crop and flip on top where `augmented`."""
    import torch
    from PIL import Image
    from torchvision import transforms

    from cifar_tui.engine.data.load import load
    from cifar_tui.presets import preset

    recipe = dataclasses.replace(preset("tutorial"), data=data)
    split = load(recipe, lambda _: None, lambda: False).train
    random = [transforms.RandomCrop(32, padding=4), transforms.RandomHorizontalFlip()] if augmented else []
    plain = [transforms.Resize((32, 32)), transforms.ToTensor(), transforms.Normalize(recipe.mean, recipe.std)]
    transform = transforms.Compose([*random, *plain])

    class Pictures(torch.utils.data.Dataset[tuple[torch.Tensor, int]]):
        """Do as torchvision's CIFAR10: make an image of an array, then transform it, one at a time."""

        def __len__(self) -> int:
            return len(split.labels)

        def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
            image: torch.Tensor = transform(Image.fromarray(split.pixels[index]))
            return image, int(split.labels[index])

    return torch.utils.data.DataLoader(Pictures(), batch_size=batch_size, shuffle=True)


def plain_network() -> "torch.nn.Module":
    """Return the tutorial's network with torch's own convolutions."""
    from torch import nn

    from cifar_tui.engine.network.model import ResNet18

    network = ResNet18(64)
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            layer.forward = nn.Conv2d.forward.__get__(layer)  # type: ignore[method-assign]
    return network


def plain_loop(data: str, steps: int, batch_size: int, device: str, *, augmented: bool) -> list[float]:
    """The tutorial's loop, and kuangliu's: fp32, a DataLoader, `.item()` and prints at every step.

    Returns the images per second of every step that counts. Each step waits for the device, as the tutorial's does.
    """
    import torch
    from torch import nn

    loader = decoded_pictures(data, batch_size, augmented=augmented)
    network = plain_network().to(device)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)
    sum_loss, correct, total, length = 0.0, 0.0, 0.0, len(loader)
    speeds: list[float] = []
    before = time.monotonic()
    with Path(os.devnull).open("w") as nowhere:
        for i, (inputs, labels) in enumerate(loader):
            if i == steps:
                break
            inputs, labels = inputs.to(device), labels.to(device)
            optimizer.zero_grad()
            outputs = network(inputs)
            loss = criterion(outputs, labels)
            loss.backward()
            optimizer.step()
            sum_loss += loss.item()
            _, predicted = torch.max(outputs.data, 1)
            total += labels.size(0)
            correct += predicted.eq(labels.data).cpu().sum().item()
            for value in (outputs.data, loss.item(), predicted, total, labels.data, correct):
                print(value, file=nowhere)
            print(f"[{i + 1}/{length}] {sum_loss / (i + 1):.03f} {100.0 * correct / total:.3f}", file=nowhere)
            now = time.monotonic()
            if i >= WARM_UP_STEPS:
                speeds.append(len(labels) / (now - before))
            before = now
    return speeds


if __name__ == "__main__":
    main()
