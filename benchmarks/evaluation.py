"""Images per second of a test on a CPU: of the tutorial's loop, and of ours.

python benchmarks/evaluation.py [--images N] [--rounds N] [--precision fp32]

The images lie in memory, so that what is compared is the network alone. Both measure in turn; the last line is one JSON
object of medians.
"""

import argparse
import dataclasses
import json
import statistics
import time
from collections.abc import Callable

import torch
from throughput import plain_network

from cifar_tui.engine.data.augment import DeviceDataset
from cifar_tui.engine.data.load import load
from cifar_tui.engine.evaluation.evaluate import evaluate
from cifar_tui.engine.network.device import choose_device, prepare_processor
from cifar_tui.engine.network.model import ResNet18
from cifar_tui.presets import preset

TUTORIALS_BATCH = 100
"""Images that the tutorial tests at once."""


def main() -> None:
    """Read the options, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=1_000, help="images of a test")
    parser.add_argument("--rounds", type=int, default=7, help="how often each is measured, after a first time")
    parser.add_argument("--precision", default="auto", help="as in cifar-tui train")
    options = parser.parse_args()
    changes = {"data": "synthetic", "device": "cpu", "precision": options.precision, "batch_size": 100}
    sizes = {"train_images": 100, "test_images": options.images}
    recipe = dataclasses.replace(preset("default"), **changes, **sizes)
    device = choose_device(recipe)
    prepare_processor(device)
    data = load(recipe, lambda _: None, lambda: False)
    test = DeviceDataset(data.test.pixels, data.test.labels, recipe, device.torch, 0)
    plain, ours = plain_network().eval(), ResNet18(64).to(memory_format=device.memory_format)
    ways: dict[str, Callable[[], object]] = {
        "tutorial": lambda: tutorials_test(plain, test),
        "ours": lambda: evaluate(ours, test, device, lambda _: True),
    }
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(options.rounds + 1):
        for way, measure in ways.items():
            began = time.perf_counter()
            measure()
            seconds[way].append(time.perf_counter() - began)
    speed = {way: options.images / statistics.median(taken[1:]) for way, taken in seconds.items()}
    for way, images_per_second in speed.items():
        print(f"{way:<9} {images_per_second:8.1f} images/s")
    figures = {way: round(images_per_second, 1) for way, images_per_second in speed.items()}
    print(json.dumps({**figures, "ratio": round(speed["ours"] / speed["tutorial"], 2), "precision": device.precision}))


@torch.no_grad()
def tutorials_test(network: torch.nn.Module, test: DeviceDataset) -> float:
    """Return the accuracy, in per cent, as the tutorial finds it."""
    correct, total = 0.0, 0.0
    for start in range(0, test.count, TUTORIALS_BATCH):
        images, labels = test.plain(start, start + TUTORIALS_BATCH)
        outputs = network(images.contiguous())
        _, predicted = torch.max(outputs.data, 1)
        total += labels.size(0)
        correct += float((predicted == labels).sum())
    return 100.0 * correct / total


if __name__ == "__main__":
    main()
