"""A run that several processes train, as torchrun starts them, on a few synthetic images."""

import contextlib
import os
import random
import signal
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pseudo_terminal import PATIENCE_SECONDS

from cifar_tui.control import Request
from cifar_tui.runs.remote.client import RemoteControl
from tests.invariants import journal_lines
from tests.program import Process, start_program

SMALL = (
    *("--preset", "smoke", "--data", "synthetic", "--width", "8", "--batch-size", "50", "--device", "cpu"),
    *("--train-images", "500", "--test-images", "100", "--precision", "fp32"),
)
NUMBER = {"RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"}


def free_port() -> int:
    """A port that nobody has, and that the system gives to no connection meanwhile: below those that it gives away."""
    while True:
        port = random.randrange(20_000, 30_000)
        with socket.socket() as one, contextlib.suppress(OSError):
            one.bind(("127.0.0.1", port))
            return port


class SeveralProcesses:
    """Two processes of one run, each started here, or both by torchrun."""

    def __init__(
        self,
        run: Path,
        *words: str,
        launcher: bool = False,
        resume: bool = False,
        program: str = "cifar_tui",
        variables: Mapping[str, str] = {},
        of_second: Mapping[str, str] = {},
    ) -> None:
        """`of_second` are variables of the second process alone."""
        self.run = run
        self.output = run.with_suffix(".output")
        where = ("--resume", str(run)) if resume else ("--outf", str(run), *SMALL)
        train = ["train", "--headless", *where, *words]
        plain = {name: value for name, value in os.environ.items() if name not in NUMBER}
        plain |= variables
        if launcher:
            torchrun = ["--standalone", "--max-restarts", "3", "--nproc-per-node", "2", "-m", program, *train]
            self.processes = [self._start("torch.distributed.run", torchrun, plain)]
            return
        meet = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
        self.processes = [
            self._start(program, train, {**plain, **meet, "RANK": str(rank), "LOCAL_RANK": str(rank), **own})
            for rank, own in enumerate(({}, of_second))
        ]

    def _start(self, module: str, words: list[str], variables: dict[str, str]) -> Process:
        return start_program(*words, output=self.output, variables=variables, module=module)

    @property
    def printed(self) -> str:
        return self.output.read_text(errors="replace")

    def said(self, kind: str) -> list[dict[str, Any]]:
        lines = journal_lines(self.run) if (self.run / "journal.jsonl").exists() else []
        return [line for line in lines if line["event"] == kind]

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """Wait for something that the run does; a run that hangs fails by this clock."""
        until = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            assert time.monotonic() < until, self.printed[-2_000:]
            alive = all(process.poll() is None for process in self.processes)
            assert alive or condition(), self.printed[-2_000:]
            time.sleep(0.02)

    def exit_codes(self) -> list[int]:
        return [process.wait(PATIENCE_SECONDS) for process in self.processes]

    def rank(self, number: int) -> int:
        """The process of a rank that torchrun has started."""
        launcher = self.processes[0].pid
        for child in map(int, Path(f"/proc/{launcher}/task/{launcher}/children").read_text().split()):
            if f"RANK={number}".encode() in Path(f"/proc/{child}/environ").read_bytes().split(b"\0"):
                return child
        raise AssertionError(f"there is no rank {number}")

    def close(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
                process.wait()


@contextmanager
def several(run: Path, *words: str, **options: Any) -> Iterator[SeveralProcesses]:
    """Processes with the options of `SeveralProcesses`."""
    one = SeveralProcesses(run, *words, **options)
    try:
        yield one
    finally:
        one.close()


@contextmanager
def asking(run: Path, *, screen: bool = False) -> Iterator[Callable[[Request], None]]:
    """A way to ask the run, as a command in another shell does, or a screen that a person is at."""
    remote = RemoteControl(run, screen=screen)
    try:
        yield remote.submit
    finally:
        remote.close()
