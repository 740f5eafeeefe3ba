"""Runs a benchmark and adds its figures to docs/figures.jsonl, with the version, the commit, the day and the machine.

python benchmarks/record.py startup [options of startup.py]

Another checkout is measured with PYTHONPATH. `python docs/performance.py` then writes the page and its graphs anew.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import torch

from cifar_tui import __version__
from cifar_tui.engine.network.device import processor_name
from cifar_tui.engine.network.torch_private import cpu_computes_bf16, cpu_has_bf16_tiles

HERE = Path(__file__).parent
FIGURES = HERE.parent / "docs" / "figures.jsonl"
BY_INSTRUCTIONS = ("evaluation", "throughput")
"""Benchmarks whose figures say nothing about processors with other instructions."""


def main() -> None:
    """Run the benchmark and write the row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = sorted(path.stem for path in HERE.glob("*.py"))
    parser.add_argument("benchmark", choices=names, metavar="NAME", help="a benchmark in this folder, as startup")
    options, more = parser.parse_known_args()
    with subprocess.Popen(
        [sys.executable, HERE / f"{options.benchmark}.py", *more], stdout=subprocess.PIPE, text=True
    ) as benchmark:
        assert benchmark.stdout is not None
        line = ""
        for line in benchmark.stdout:
            print(line, end="", flush=True)
    if benchmark.returncode:
        raise SystemExit(benchmark.returncode)
    row = {
        "benchmark": options.benchmark,
        "version": __version__,
        "commit": commit(Path(os.environ.get("PYTHONPATH", "").split(os.pathsep)[0] or HERE)),
        "day": time.strftime("%Y-%m-%d"),
        "machine": f"{len(os.sched_getaffinity(0))} cores, {processor_name()}",
        "figures": json.loads(line),
    }
    if options.benchmark in BY_INSTRUCTIONS:
        row["instructions"] = instructions()
    with FIGURES.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


def instructions() -> str:
    """Return the best instructions for a network's numbers that this processor has."""
    if cpu_has_bf16_tiles():
        return "AMX"
    return "AVX512_BF16" if cpu_computes_bf16() else torch.backends.cpu.get_cpu_capability()


def commit(folder: Path) -> str:
    """Return the short name of a checkout's commit."""
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=folder, capture_output=True, text=True)
    return done.stdout.strip()


if __name__ == "__main__":
    main()
