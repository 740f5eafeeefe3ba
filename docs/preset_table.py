"""Writes README's table of presets: how accurate each gets and how long it takes, from what was measured.

python docs/preset_table.py

A time in italics is calculated, as the screen does it, from images a second: of `benchmarks/throughput.py` on a CPU
(docs/figures.jsonl), of the longest run on a GPU (docs/results.jsonl).
"""

import json
from pathlib import Path
from typing import Any

from performance import rows
from results import TEN, data_of

from cifar_tui.presets import PRESETS, Preset
from cifar_tui.report.run_time import run_seconds
from cifar_tui.text import rough_duration

HERE = Path(__file__).parent
README = HERE.parent / "README.md"
BEGIN, END = "<!-- presets: python docs/preset_table.py -->\n", "<!-- end of presets -->"
GPUS = ("NVIDIA H100", "NVIDIA H200")
FP32_SHARE = 0.4
"""Share of its images a second that a CPU with bf16 makes in fp32: 80 of 200."""
IMAGES = (50_000, 10_000)
"""Training and test images of CIFAR-10."""

# Any: what a line of JSON holds.
Result = dict[str, Any]


def main() -> None:
    """Write the table into README."""
    text = README.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    README.write_text(before + BEGIN + table() + END + rest.partition(END)[2], encoding="utf-8")


def table() -> str:
    """Return the table."""
    results = [json.loads(line) for line in (HERE / "results.jsonl").read_text(encoding="utf-8").splitlines()]
    ten = [row for row in results if data_of(row) == TEN]
    newest = {row.benchmark: row for row in rows((HERE / "figures.jsonl").read_text(encoding="utf-8"))}
    amx, avx2 = (newest[f"throughput_{name}"].figures["ours"] for name in ("amx", "avx2"))
    head = ["preset", "epochs", "test accuracy", *GPUS, f"2 cores with AMX, {amx:.0f} images/s"]
    head.append(f"2 shared cores, AVX2 alone, {avx2:.0f} images/s")
    lines = []
    for name, preset in PRESETS.items():
        found = [row for row in ten if row["preset"] == name and row["epochs"] == preset.recipe.epochs]
        fp32 = preset.recipe.precision == "fp32"
        times = [on_gpu(preset, found, ten, gpu) for gpu in GPUS]
        times.append(measured(found, "CPU, 2 threads") or calculated(preset, amx * (FP32_SHARE if fp32 else 1)))
        times.append(calculated(preset, avx2))
        lines.append([f"`{name}`", epochs(preset), accuracy(preset, found), *times])
    written = [f"| {' | '.join(line)} |\n" for line in (head, *lines)]
    return "".join([written[0], f"|{'---|' * len(head)}\n", *written[1:]])


def epochs(preset: Preset) -> str:
    """Return its epochs, and what is unusual about them."""
    recipe = preset.recipe
    of = f" of {recipe.train_images:,} images" if recipe.train_images else ""
    in_fp32 = ", in fp32" if recipe.precision == "fp32" else ""
    return f"{recipe.epochs}{of}{in_fp32}{', on images that grow' if recipe.sizes != 'whole' else ''}"


def accuracy(preset: Preset, found: list[Result]) -> str:
    """Return the mean of what was measured on the JPEG copy, and what others have published."""
    expected = preset.expectation
    if not found:
        return expected
    mean = 100 * sum(row["test_accuracy"] for row in found) / len(found)
    published = f"{expected} on the original" if "JPEG" not in expected else ""
    return f"{mean:.1f} % measured{f', {published}' if published else ''}"


def on_gpu(preset: Preset, found: list[Result], results: list[Result], gpu: str) -> str:
    """Return its time on a GPU, measured or calculated."""
    fastest = max(row["images_per_second"] for row in results if row["device"] == gpu)
    return measured(found, gpu) or ("not known" if preset.recipe.precision == "fp32" else calculated(preset, fastest))


def measured(found: list[Result], device: str) -> str:
    """Return the time of an unbroken run from its first event to its last; empty where there is none."""
    times = [
        row["seconds"] for row in found if row["device"] == device and "seconds" in row and not row["interruptions"]
    ]
    return shown(min(times)) if times else ""


def calculated(preset: Preset, images_per_second: float) -> str:
    """Return a time by the recipe's work."""
    train, test = preset.recipe.train_images or IMAGES[0], preset.recipe.test_images or IMAGES[1]
    return f"*{shown(run_seconds(preset.recipe, train, test, images_per_second))}*"


def shown(seconds: float) -> str:
    """Return a time in seconds up to two minutes, roughly above."""
    return f"{max(seconds, 1):.0f} s" if seconds < 120 else rough_duration(seconds).strip()


if __name__ == "__main__":
    main()
