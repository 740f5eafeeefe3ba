"""Time until the checkpoint browser has its rows, on the real screen in a pseudo-terminal.

python benchmarks/browser.py [--size 120x40]

Two runs are made up: one of 150 checkpoints of 45 MB (sparse files), one of 10,000 whose weights are missing. From the
key `c` to the first row and to the whole list; the baseline opens each of the 150 files with torch.load(mmap=True).
Then 1,000 runs of 800 steps: from the key `u` to the newest run on the screen, and to all of them.
The last line is one JSON object; what the words mean is in `FIGURES`.
"""

import contextlib
import dataclasses
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

import orjson
import torch
from made_up_runs import write_finished_run
from pseudo_terminal import PseudoTerminal
from screen_options import parser_with_size, use_a_persons_environment

from cifar_tui.engine.network.model import ResNet18
from cifar_tui.runs.checkpoints.sidecars import Sidecar, epoch_checkpoint, sidecar_path

FEW, MANY = 150, 10_000
RUNS = 1_000
TIMES = 5
FIGURES = {
    "first_rows_150_ms": "from the key to the newest of 150 checkpoints on the screen, median of five",
    "list_150_ms": "to all of them, and their size in the title",
    "first_rows_10k_ms": "from the key to the newest of 10,000",
    "list_10k_ms": "to all of them",
    "torch_load_150_ms": "torch.load(mmap=True, weights_only=True) of each of the 150 files (the baseline)",
    "first_rows_1k_runs_ms": "from the key to the newest of 1,000 runs on the screen, each time in a new process",
    "list_1k_runs_ms": "to all of them",
    "ratio": "the baseline over the whole list of 150",
}


def main() -> None:
    """Measure and print."""
    size = parser_with_size(__doc__).parse_args().size
    use_a_persons_environment()
    with tempfile.TemporaryDirectory(prefix="browser-") as place:
        few, many = made_up(Path(place) / "few", FEW), made_up(Path(place) / "many", MANY)
        put_weights(few)
        figures = opened(few, FEW, "150", size) | opened(many, MANY, "10k", size)
        figures["torch_load_150_ms"] = opening_each(few)
        figures |= runs_opened(Path(place) / "runs", size)
    figures["ratio"] = figures["torch_load_150_ms"] / figures["list_150_ms"]
    for name, meaning in FIGURES.items():
        print(f"{name:<22} {figures[name]:>10,.1f}  {meaning}")
    print(json.dumps({name: round(figures[name], 1) for name in FIGURES}))


def made_up(run: Path, count: int) -> Path:
    """The folder of a finished run with the sidecars of so many epochs."""
    write_finished_run(run, 800)
    for epoch in range(1, count + 1):
        sidecar = Sidecar(
            checkpoint=epoch_checkpoint(epoch),
            run=run.name,
            data="CIFAR-10",
            synthetic=False,
            width=64,
            epoch=epoch,
            step=epoch * 10,
            train_loss=0.1,
            train_accuracy=0.9,
            test_loss=0.2,
            test_accuracy=0.9,
            size=45_000_000,
            sha256="0" * 64,
            saved_at=time.time() - 60 * (count - epoch),
        )
        content = orjson.dumps(dataclasses.asdict(sidecar), option=orjson.OPT_INDENT_2)
        sidecar_path(run / sidecar.checkpoint).write_bytes(content)
    return run


def put_weights(run: Path) -> None:
    """Files that torch opens as a network's weights, with nothing but holes where the numbers are."""
    first = run / epoch_checkpoint(1)
    torch.save({name: torch.zeros_like(value) for name, value in ResNet18().state_dict().items()}, first)
    content = first.read_bytes()
    for epoch in range(1, FEW + 1):
        with (run / epoch_checkpoint(epoch)).open("wb") as file:
            for start in range(0, len(content), 4_096):
                page = content[start : start + 4_096]
                if page.count(0) == len(page):
                    file.seek(len(page), os.SEEK_CUR)
                else:
                    file.write(page)
            file.truncate(len(content))
    for sidecar in run.glob("net_*.json"):
        record = orjson.loads(sidecar.read_bytes())
        sidecar.write_bytes(orjson.dumps({**record, "size": len(content)}))


def opened(run: Path, count: int, name: str, size: tuple[int, int]) -> dict[str, float]:
    """Milliseconds from the key to the first rows and to the whole list, the medians of some times."""
    first, whole = [], []
    command = [sys.executable, "-m", "cifar_tui", "attach", str(run)]
    with PseudoTerminal(command, size=size) as terminal:
        terminal.wait_for("Finished")
        terminal.settle(0.5)
        for _ in range(TIMES):
            started = time.perf_counter()
            terminal.press("c")
            read_until(terminal, epoch_checkpoint(count))
            first.append(1_000 * (time.perf_counter() - started))
            read_until(terminal, f"{count:,} checkpoints,")
            whole.append(1_000 * (time.perf_counter() - started))
            terminal.settle(0.5)
            terminal.press("c")
            terminal.settle(0.5)
        terminal.press("q")
        with contextlib.suppress(AssertionError):
            terminal.exit_code(10)
    return {f"first_rows_{name}_ms": statistics.median(first), f"list_{name}_ms": statistics.median(whole)}


def runs_opened(place: Path, size: tuple[int, int]) -> dict[str, float]:
    """Milliseconds from the key to the first runs and to all of them, the medians of some programs."""
    write_finished_run(place / "run-0000", 800)
    for number in range(1, RUNS):
        shutil.copytree(place / "run-0000", place / f"run-{number:04}")
        os.utime(place / f"run-{number:04}", (1_700_000_000 + number, 1_700_000_000 + number))
    first, complete = [], []
    for _ in range(TIMES):
        with PseudoTerminal(
            [sys.executable, "-m", "cifar_tui", "attach", str(place / "run-0500")], size=size
        ) as terminal:
            terminal.wait_for("Finished")
            terminal.settle(0.5)
            started = time.perf_counter()
            terminal.press("u")
            read_until(terminal, " run-0999 ")
            first.append(1_000 * (time.perf_counter() - started))
            read_until(terminal, f"{RUNS:,} runs, ")
            complete.append(1_000 * (time.perf_counter() - started))
            terminal.press("q")
            with contextlib.suppress(AssertionError):
                terminal.exit_code(10)
    return {"first_rows_1k_runs_ms": statistics.median(first), "list_1k_runs_ms": statistics.median(complete)}


def read_until(terminal: PseudoTerminal, words: str) -> None:
    """Read until the words are on the screen, looking often."""
    while words not in terminal.text:
        terminal.read(0.005)


def opening_each(run: Path) -> float:
    """Milliseconds to open every file the usual way."""
    started = time.perf_counter()
    for weights in sorted(run.glob("net_*.pth")):
        torch.load(weights, mmap=True, weights_only=True, map_location="cpu")
    return 1_000 * (time.perf_counter() - started)


if __name__ == "__main__":
    main()
