"""Hands every hostile file of the tests to the road that reads checkpoints, and prints what it is answered.

python -m benchmarks.hostile

Ends with 1 when one of them was not refused, took a second, or ran.
"""

import sys
import tempfile
import time
from pathlib import Path

from cifar_tui.engine.checkpoints.checkpoint import read_network
from cifar_tui.errors import CheckpointDamaged
from cifar_tui.text import safe_text
from tests.engine.formats.hostile_files import CORPUS
from tests.engine.formats.hostile_parts import Hostile

SECONDS = 1.0
"""The most that a refusal may take."""


def main() -> int:
    """Print the table. Returns the exit code."""
    print("| file | what it tries | our sentence | ms |\n|---|---|---|---|")
    bad = sum(not _refused(hostile) for hostile in CORPUS)
    print(f"\n{len(CORPUS)} files, {len(CORPUS) - bad} refused within {SECONDS:g} s with nothing executed")
    return 1 if bad else 0


def _refused(hostile: Hostile) -> bool:
    """Print a file's row. Returns whether it was refused in time, and nothing of it ran."""
    with tempfile.TemporaryDirectory() as folder:
        path, canary = Path(folder) / hostile.name, Path(folder) / "canary"
        path = hostile.build(path, canary) or path
        sentence = ""
        started = time.perf_counter()
        try:
            read_network(path)
        except CheckpointDamaged as error:
            sentence = str(error)
        seconds = time.perf_counter() - started
        row = (safe_text(hostile.name), hostile.tries, sentence or "NOT REFUSED", f"{seconds * 1000:.1f}")
        print(f"| {' | '.join(row)} |")
        return bool(sentence) and seconds < SECONDS and not canary.exists()


if __name__ == "__main__":
    sys.exit(main())
