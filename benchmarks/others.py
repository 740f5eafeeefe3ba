"""Opens the same run of 100,000 steps with ours, W&B LEET and terminalboard, one after the other.

python benchmarks/others.py --python DIR/bin/python [--size 120x40] [--rounds 3] [--steps 100000]

The other two have an environment of their own, for their plotext is an older one than ours:

    python3 -m venv DIR && DIR/bin/pip install wandb tensorboard terminalboard "plotext<6"

One that is not there is skipped. The last line is one JSON object.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from screen_options import parser_with_size, use_a_persons_environment

QUIET_SECONDS = 2.0
"""A screen that shows nothing new for so long is complete."""
FIGURES = {
    "complete_ms": "from the command until every chart in view is complete",
    "times_ours": "that over ours",
    "first_bytes": "written to the terminal until then",
    "cpu_seconds": "of processor time until then",
    "peak_mb": "of memory, all of its processes together",
}


def main() -> None:
    """Read the options, write the run in each one's format, open it, print."""
    parser = parser_with_size(__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often each is opened; the median counts")
    parser.add_argument("--steps", type=int, default=100_000, help="steps of the run")
    parser.add_argument("--python", default=sys.executable, help="of the environment that has the others")
    parser.add_argument("--write", choices=list(WRITERS), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.write:
        WRITERS[options.write](options.folder, options.steps)
        return
    use_a_persons_environment()
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(WANDB_CONFIG_DIR=folder, WANDB_SILENT="true", WANDB_MODE="offline")
        commands = written(Path(folder), options.steps, options.python)
        found: dict[str, list[dict[str, float]]] = {name: [] for name in commands}
        for number in range(options.rounds + 1):  # in turn; the first round fills the caches
            for name, command in commands.items():
                figures = opened(command, options.size)
                found[name] += [figures] if number else []
    medians = {
        name: {figure: statistics.median(one[figure] for one in each) for figure in each[0]}
        for name, each in found.items()
    }
    for figures in medians.values():
        figures["times_ours"] = figures["complete_ms"] / medians["cifar-tui"]["complete_ms"]
    for name, words in FIGURES.items():
        print(f"{name:<14}" + "".join(f"{one}: {each[name]:>10,.2f}   " for one, each in medians.items()) + words)
    print(json.dumps({one: {name: round(each[name], 2) for name in FIGURES} for one, each in medians.items()}))


def written(folder: Path, steps: int, python: str) -> dict[str, list[str]]:
    """Write the run in everyone's format. Returns the commands that open it."""
    from made_up_runs import write_finished_run

    write_finished_run(folder / "ours", steps)
    commands = {"cifar-tui": [sys.executable, "-m", "cifar_tui", "attach", str(folder / "ours")]}
    for name, viewer in VIEWERS.items():
        write = [python, __file__, "--write", name, "--folder", str(folder), "--steps", str(steps)]
        done = subprocess.run(write, check=False, capture_output=True, text=True)
        if done.returncode:
            print(f"{name} is skipped: {done.stderr.strip().splitlines()[-1]}")
        else:
            commands[name] = [python, *viewer, *map(str, folder.glob(PLACES[name]))]
    return commands


def opened(command: Sequence[str], size: tuple[int, int]) -> dict[str, float]:
    """Open a run and wait until nothing new comes."""
    import psutil
    from pseudo_terminal import PseudoTerminal

    began = time.monotonic()
    with PseudoTerminal(command, size=size) as terminal:
        shown, changed, written = "", began, 0
        while not shown.strip() or time.monotonic() - changed < QUIET_SECONDS:
            terminal.read(0.02)
            if terminal.text != shown:
                shown, changed, written = terminal.text, time.monotonic(), len(terminal.raw)
        root = psutil.Process(terminal.pid)
        if root.status() == psutil.STATUS_ZOMBIE:
            raise SystemExit(f"{' '.join(command)} has ended:\n{terminal.text}")
        processes = [root, *root.children(recursive=True)]
        cpu = sum(sum(one.cpu_times()[:2]) for one in processes)
        memory = sum(one.memory_info().rss for one in processes)
    return {
        "complete_ms": 1_000 * (changed - began),
        "first_bytes": written,
        "cpu_seconds": float(cpu),
        "peak_mb": memory / 1e6,
    }


def write_wandb(folder: Path, steps: int) -> None:
    """Write the run as an offline one of W&B."""
    import wandb

    with wandb.init(project="benchmark", dir=folder, mode="offline") as run:
        for step in range(1, steps + 1):
            run.log(values(step), step=step)


def write_tensorboard(folder: Path, steps: int) -> None:
    """Write the run as TensorBoard's events."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    writer = EventFileWriter(str(folder / "events"))
    for step in range(1, steps + 1):
        scalars = [Summary.Value(tag=tag, simple_value=value) for tag, value in values(step).items()]
        writer.add_event(Event(wall_time=step / 10, step=step, summary=Summary(value=scalars)))
    writer.close()


def values(step: int) -> dict[str, float]:
    """Return what is charted of a step."""
    loss = 2.3 * math.exp(-step / 30_000) + 0.2 * math.sin(step * 12.9898) ** 2
    return {"loss": loss, "accuracy": 1 - loss / 2.5, "learning_rate": 0.1 * (1 - step / 1e6)}


WRITERS = {"wandb leet": write_wandb, "terminalboard": write_tensorboard}
VIEWERS = {"wandb leet": ["-m", "wandb", "leet"], "terminalboard": ["-m", "terminalboard"]}
PLACES = {"wandb leet": "wandb/offline-run-*/run-*.wandb", "terminalboard": "events"}
"""Places of the files that they open."""

if __name__ == "__main__":
    main()
