"""The real program, without a screen, on a few synthetic pictures, for tests of what can go wrong."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pseudo_terminal import PATIENCE_SECONDS

from cifar_tui.failpoints import VARIABLE
from tests.invariants import journal_lines

SMALL = [
    *("--preset", "smoke", "--data", "synthetic", "--width", "8", "--batch-size", "20", "--device", "cpu"),
    *("--train-images", "200", "--test-images", "100", "--precision", "fp32"),
]


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "cifar_tui", *words]


class Trainer:
    """A run that trains in a process of its own."""

    def __init__(self, run: Path, *words: str, fault: str | None = None, environment: Mapping[str, str] = {}) -> None:
        self.run = run
        variables = {**os.environ, "OMP_NUM_THREADS": "1", **environment}
        if fault is not None:
            variables[VARIABLE] = fault
        self._words: list[str] = []
        self.process = subprocess.Popen(
            command("train", "--headless", *words),
            env=variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._listener = threading.Thread(target=self._listen)
        self._listener.start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as stream:
            self._words.extend(stream)

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
        return "".join(self._words)

    @property
    def output(self) -> str:
        """All that it printed, once it has ended."""
        self._listener.join(PATIENCE_SECONDS)
        return self.printed

    def close(self) -> None:
        """Leave no process behind."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self._listener.join(PATIENCE_SECONDS)


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
    return subprocess.run(
        command("train", "--headless", "--resume", str(run), *words),
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
