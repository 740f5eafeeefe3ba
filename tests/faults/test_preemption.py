"""A run that is preempted again and again, and started by the same command each time, ends as one that never was."""

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
from pseudo_terminal import PATIENCE_SECONDS

from tests.faults.several import NUMBER, SMALL
from tests.invariants import Evidence, check, journal_lines
from tests.program import Process, start_program

ROOT = Path(__file__).parents[2]
TIMES = 20
"""Preemptions of one run."""
pytestmark = pytest.mark.slow


@pytest.mark.fault(27)
def test_twenty_preemptions_in_a_row_cost_no_bit(
    tmp_path: Path, often: bool, record_property: Callable[[str, object], None]
) -> None:
    """At random moments, and as soon as it starts; with many runs, every other one is killed at times, too."""
    runs = 6 if often else 1
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.preempted", str(tmp_path), str(runs), str(TIMES)],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    out = orjson.loads(done.stdout)
    assert len(out["codes"]) == runs * TIMES
    assert 128 + signal.SIGUSR1 in out["codes"]
    for result in out["results"]:
        assert result == out["whole"]
    record_property("tries", runs * TIMES)


@pytest.mark.fault(27)
def test_a_run_of_several_processes_is_preempted_and_goes_on(tmp_path: Path) -> None:
    plain = {name: value for name, value in os.environ.items() if name not in NUMBER} | {"OMP_NUM_THREADS": "1"}

    def start(run: str) -> Process:
        words = ["--processes", "2", *SMALL, "--epochs", "12", "--headless", "--auto-resume", "--outf", run]
        return start_program("train", *words, output=tmp_path / "output", folder=tmp_path, variables=plain)

    def steps() -> int:
        lines = journal_lines(tmp_path / "one") if (tmp_path / "one" / "journal.jsonl").exists() else []
        return sum(line["event"] == "StepDone" for line in lines)

    for number in (signal.SIGUSR1, signal.SIGTERM):
        before, launcher = steps(), start("one")
        until = time.monotonic() + PATIENCE_SECONDS
        while steps() < before + 5:
            assert time.monotonic() < until, (tmp_path / "output").read_text()
            time.sleep(0.05)
        launcher.send_signal(number)
        assert launcher.wait(PATIENCE_SECONDS) == 128 + number, (tmp_path / "output").read_text()
    assert [start("one").wait(PATIENCE_SECONDS) for _ in range(2)] == [0, 0]
    assert start("whole").wait(PATIENCE_SECONDS) == 0
    both = [(tmp_path / run / "net_012.pth").read_bytes() for run in ("one", "whole")]
    assert hashlib.sha256(both[0]).digest() == hashlib.sha256(both[1]).digest()
    check(tmp_path / "one", Evidence(restarted=True))
