"""A training run in a process of its own, with or without a screen, measured by its journal."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pseudo_terminal import PseudoTerminal

from cifar_tui.events import Event, StepDone
from cifar_tui.files.run_files import journal_path
from cifar_tui.runs.records.journal import from_line

PROGRAM = (sys.executable, "-m", "cifar_tui")
SIZE = (120, 40)
"""Columns and rows of the terminal that a screen is drawn on."""
START_SECONDS = 180.0
"""The longest that a run may take to its first steps, compiling included."""

Kind = TypeVar("Kind", bound=Event)
Figures = dict[str, float | str]


class MeasuredRun:
    """One process of a run, from its command on. Its lines are in `output`, beside the run's folder."""

    def __init__(self, folder: Path, options: Sequence[str], *, watched: bool = False) -> None:
        """Start it: `options` follow `train`, and a new run is kept in `folder`; `watched`, its screen is drawn."""
        self.folder = folder
        self.output = folder.with_suffix(".output")
        self.began = time.time()
        self._read_until_gone: threading.Event | None = None
        command = [*PROGRAM, "train", *options, *([] if "--resume" in options else ["--outf", str(folder)])]
        if watched:
            self._terminal = PseudoTerminal(command, size=SIZE)
            self._terminal.blind = True  # an emulator would take its share of the machine
            self.pid = self._terminal.pid
            self._read_until_gone = threading.Event()
            self._reader = threading.Thread(target=self._read, args=(self._read_until_gone,))
            self._reader.start()
            return
        with self.output.open("wb") as output:
            self._process = subprocess.Popen([*command, "--headless"], stdout=output, stderr=subprocess.STDOUT)
        self.pid = self._process.pid

    def _read(self, gone: threading.Event) -> None:
        while not gone.is_set():
            self._terminal.read(0.1)

    def events(self, kind: type[Kind]) -> list[tuple[float, Kind]]:
        """Return every event of a kind so far, each with the time it was written down (seconds since 1970)."""
        if not journal_path(self.folder).exists():
            return []
        lines = journal_path(self.folder).read_bytes().rpartition(b"\n")[0].splitlines()
        marked = f'"{kind.__name__}"'.encode()
        return [(at, event) for at, event in map(from_line, (x for x in lines if marked in x)) if type(event) is kind]

    def steps(self) -> list[StepDone]:
        """Return every step so far, of earlier processes of the run too."""
        return [step for _, step in self.events(StepDone)]

    def wait_for_steps(self, count: int) -> None:
        """Wait until so many steps are in its journal, or it has ended."""
        self.wait_until(lambda: len(self.steps()) >= count, f"{count} steps")

    def wait_until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait for something. Raises RuntimeError, with its last lines, when it ends without that or never does it."""
        until = time.monotonic() + START_SECONDS
        while not condition():
            if time.monotonic() > until or self._ended():
                if condition():
                    return
                self.kill()
                raise RuntimeError(f"{what} did not come: {self.last_line()}")
            time.sleep(0.1)

    def last_line(self) -> str:
        """Return the last line that it printed, without a screen."""
        lines = self.output.read_text(encoding="utf-8", errors="replace").split("\n") if self.output.exists() else []
        return next((line.strip() for line in reversed(lines) if line.strip()), "")

    def _ended(self) -> bool:
        return self._read_until_gone is None and self._process.poll() is not None

    def stop(self) -> int:
        """Ask it to save and end (SIGTERM). Returns its exit code."""
        os.kill(self.pid, signal.SIGTERM)
        return self.wait()

    def kill(self) -> None:
        """End it at once."""
        if not self._ended():
            os.kill(self.pid, signal.SIGKILL)
            self.wait()

    def wait(self) -> int:
        """Wait until it has ended. Returns its exit code."""
        if self._read_until_gone is None:
            return self._process.wait(START_SECONDS)
        self._read_until_gone.set()
        self._reader.join()
        return self._terminal.exit_code()


def images_per_second(steps: Sequence[StepDone]) -> float:
    """Return the speed over steps in a row, by the clock of the training, which tests do not count towards."""
    return sum(step.images for step in steps[1:]) / (steps[-1].seconds - steps[0].seconds)


@dataclass(frozen=True, slots=True)
class Bench:
    """The choices of all parts."""

    data: str
    """A folder of images, or synthetic."""
    device: str
    """cuda, or cpu to try the script out."""
    scale: float
    """The share of the steps that are worth measuring on a GPU."""
    narrow: tuple[str, ...]
    """Options that make a run small; none on a GPU."""
    folder: Path
    """Holds the runs."""

    def steps(self, count: int) -> int:
        """Return so many steps, or fewer for a try-out."""
        return max(4, round(count * self.scale))

    def run(self, name: str, *options: str, watched: bool = False) -> MeasuredRun:
        """Start a run of preset default, unless the options name another."""
        common = ("--preset", "default", "--data", self.data, "--device", self.device, *self.narrow)
        return MeasuredRun(self.folder / name, [*common, *options], watched=watched)
