"""The real program, without a screen, on a few synthetic pictures, for tests of what can go wrong."""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pseudo_terminal import PATIENCE_SECONDS

from cifar_tui.failpoints import VARIABLE
from tests.invariants import journal_lines
from tests.program import run_program, start_program

SMALL = [
    *("--preset", "smoke", "--data", "synthetic", "--width", "8", "--batch-size", "20", "--device", "cpu"),
    *("--train-images", "200", "--test-images", "100", "--precision", "fp32"),
]


class Trainer:
    """A run that trains in a process of its own."""

    def __init__(self, run: Path, *words: str, fault: str | None = None, environment: Mapping[str, str] = {}) -> None:
        self.run = run
        variables = {**os.environ, **environment}
        if fault is not None:
            variables[VARIABLE] = fault
        self._place = tempfile.TemporaryDirectory()
        self._output = Path(self._place.name, "output")
        self.process = start_program("train", "--headless", *words, output=self._output, variables=variables)

    @property
    def lines(self) -> list[dict[str, Any]]:
        """What its journal says so far."""
        return journal_lines(self.run) if (self.run / "journal.jsonl").exists() else []

    def said(self, kind: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["event"] == kind]

    def wait_for(self, condition: Callable[[], bool]) -> None:
        until = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            assert time.monotonic() < until, (self.lines[-3:], self.printed)
            assert self.process.poll() is None or condition(), self.printed
            time.sleep(0.02)

    def wait_for_steps(self, count: int) -> None:
        self.wait_for(lambda: len(self.said("StepDone")) >= count)

    def interrupt(self, answer: str) -> None:
        """Press Ctrl-C, and wait until it is answered: two that arrive at once would count as one."""
        self.process.send_signal(signal.SIGINT)
        self.process.send_signal(signal.SIGCONT)
        self.wait_for(lambda: answer in self.printed or self.process.poll() is not None)

    def exit_code(self) -> int:
        return self.process.wait(PATIENCE_SECONDS)

    @property
    def suspended(self) -> bool:
        """Whether its process is stopped (Linux)."""
        state = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()[0]
        return state == "T"

    @property
    def printed(self) -> str:
        """What it has printed so far."""
        return self._output.read_text(encoding="utf-8", errors="replace")

    @property
    def output(self) -> str:
        """All that it prints, once it has ended."""
        self.process.wait(PATIENCE_SECONDS)
        return self.printed

    def close(self) -> None:
        """Leave no process behind."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self._place.cleanup()


@contextmanager
def trainer(
    run: Path,
    *words: str,
    epochs: int = 5_000,
    resume: bool = False,
    fault: str | None = None,
    environment: Mapping[str, str] = {},
) -> Iterator[Trainer]:
    """A run that trains until the block ends."""
    place = ["--resume", str(run)] if resume else [*SMALL, "--epochs", str(epochs), "--outf", str(run)]
    one = Trainer(run, *place, *words, fault=fault, environment=environment)
    try:
        yield one
    finally:
        one.close()


def resumed(run: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """Go on with a run, to its end."""
    return run_program("train", "--headless", "--resume", str(run), *words)
