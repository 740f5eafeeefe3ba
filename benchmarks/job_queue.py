"""Time to list a queue of 10,000 jobs, by the command as a person types it.

python benchmarks/job_queue.py [--jobs 10000]

`cifar-tui queue list` with its output going to nothing, whole processes, median of five. Beside it: `queue list` of an
empty queue, which is what starting costs; and, as the baseline, reading the same jobs from a file each, here.
The last line is one JSON object.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import orjson

from cifar_tui.queue.changes import Change
from cifar_tui.queue.job import Job
from cifar_tui.queue.store import QueueStore
from cifar_tui.serialization import from_record, to_record

TIMES = 5
FIGURES = {
    "list_ms": "the command, whole",
    "list_empty_ms": "the command on an empty queue: what starting costs",
    "read_ms": "the journal alone, in this process",
    "file_each_ms": "the same jobs from a file each, in this process (the baseline)",
    "ratio": "the baseline over reading the journal",
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=10_000, help="jobs in the queue")
    jobs = made_up(parser.parse_args().jobs)
    with tempfile.TemporaryDirectory(prefix="job-queue-") as place:
        full, empty, apart = (Path(place) / name for name in ("full", "empty", "apart"))
        QueueStore(full).change(lambda _state: [Change(change="add", jobs=tuple(jobs), to=-1)])
        apart.mkdir()
        for job in jobs:
            (apart / f"{job.number:06d}.json").write_bytes(orjson.dumps(to_record(job)))
        figures = {
            "list_ms": median(lambda: listed(full)),
            "list_empty_ms": median(lambda: listed(empty)),
            "read_ms": median(lambda: QueueStore(full).read()),
            "file_each_ms": median(lambda: read_each(apart)),
        }
    figures["ratio"] = figures["file_each_ms"] / figures["read_ms"]
    for name, meaning in FIGURES.items():
        print(f"{name:<15} {figures[name]:>8,.1f}  {meaning}")
    print(json.dumps({name: round(value, 1) for name, value in figures.items()}))


def made_up(count: int) -> list[Job]:
    """Return so many jobs of a sweep."""
    return [
        Job(
            number=number,
            run=f"rates-lr{number / 1e5:g}-seed{number % 5}",
            preset="short",
            options={"learning_rate": f"{number / 1e5:g}", "seed": str(number % 5), "data_dir": "/home/mary/data"},
            tags=("rates",),
            seconds=1_200.0,
            added_at=time.time(),
        )
        for number in range(1, count + 1)
    ]


def median(work: Callable[[], object]) -> float:
    """Return the median time of some work in milliseconds."""
    times = []
    for _ in range(TIMES):
        began = time.perf_counter()
        work()
        times.append((time.perf_counter() - began) * 1_000)
    return statistics.median(times)


def listed(place: Path) -> None:
    """List the queue of a folder."""
    command = [sys.executable, "-P", "-m", "cifar_tui", "queue", "list", "--in", str(place)]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)


def read_each(folder: Path) -> list[Job]:
    """Read jobs that have a file each."""
    return [from_record(Job, orjson.loads(file.read_bytes())) for file in sorted(folder.iterdir())]


if __name__ == "__main__":
    main()
