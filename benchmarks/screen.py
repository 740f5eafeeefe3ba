"""What watching costs: bytes, CPU, staleness and answers to keys, measured on the real screen in a pseudo-terminal.

python benchmarks/screen.py [--size 120x40] [--seconds 20]

A scripted run of 100 steps a second is followed; a terminal emulator reads the screen. The same is then sent the way
Textual sends it, as the baseline. The last line is one JSON object; what the words mean is in `FIGURES`.
"""

import argparse
import json
import math
import os
import random
import re
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

from pseudo_terminal import PseudoTerminal

from cifar_tui.control import Pause, Request, Stop
from cifar_tui.events import (
    DataReady,
    EpochDone,
    Event,
    Paused,
    RunStarted,
    RunStopped,
    StepDone,
    TrainingStarted,
)
from cifar_tui.recipe import preset

STEPS_PER_SECOND = 100
STEPS_PER_EPOCH = 1_000
KEY_PRESSES = 30
QUIET_SECONDS = 0.06
"""A screen that was quiet for so long has settled; less than the time between two drains of the screen."""
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")

FIGURES = {
    "bytes_per_second": "written to the terminal while following 100 steps a second",
    "bytes_per_second_paused": "the same, while the run is paused",
    "screen_cpu_percent": "of one core, used by the thread that draws, while following",
    "staleness_p95_seconds": "from a step's end until its number is on the emulated screen",
    "key_p95_ms": "from a key until the screen has settled, while paused",
    "open_p95_ms": "the same for keys that open a screen",
    "first_frame_ms": "from the command `cifar-tui train` to the first frame, before torch is there",
    "help_ms": "of `cifar-tui --help`",
    "first_paint_bytes": "of the first whole screen",
    "panel_change_bytes": "of a change to another panel, median",
    "textual_bytes_per_second": "what following costs when Textual sends what changed (the baseline)",
    "textual_ratio": "the baseline over ours",
}


def main() -> None:
    """Read the options, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="120x40", help="columns x rows")
    parser.add_argument("--seconds", type=float, default=20.0, help="how long to follow")
    parser.add_argument("--worker", choices=["ours", "textual"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        follow_scripted_run(thin=options.worker == "ours")
        return
    columns, rows = (int(part) for part in options.size.split("x"))
    figures = {"help_ms": help_ms(), "first_frame_ms": first_frame_ms((columns, rows))}
    figures |= following((columns, rows), options.seconds, "ours")
    baseline = following((columns, rows), options.seconds, "textual")["bytes_per_second"]
    figures["textual_bytes_per_second"] = baseline
    figures["textual_ratio"] = baseline / figures["bytes_per_second"]
    for name, meaning in FIGURES.items():
        print(f"{name:<26} {figures[name]:>10,.1f}  {meaning}")
    print(json.dumps({name: round(figures[name], 2) for name in FIGURES}))


def help_ms() -> float:
    """The median of some calls."""

    def once() -> float:
        started = time.perf_counter()
        subprocess.run([sys.executable, "-m", "cifar_tui", "--help"], check=True, capture_output=True)
        return 1_000 * (time.perf_counter() - started)

    return statistics.median(once() for _ in range(5))


def first_frame_ms(size: tuple[int, int]) -> float:
    """From the command until the words of the dashboard are on the screen; the median of three."""

    def once() -> float:
        started = time.perf_counter()
        folder = f"/tmp/cifar-tui-benchmark-{os.getpid()}"
        command = [sys.executable, "-m", "cifar_tui", "train", "--data", "synthetic", "--outf", folder]
        with PseudoTerminal(command, size=size) as terminal:
            terminal.wait_for("Accuracy")
            taken = 1_000 * (time.perf_counter() - started)
        subprocess.run(["rm", "-rf", folder], check=True)
        return taken

    return statistics.median(once() for _ in range(3))


def following(size: tuple[int, int], seconds: float, worker: str) -> dict[str, float]:
    """Figures from one scripted run."""
    with PseudoTerminal([sys.executable, __file__, "--worker", worker], size=size) as terminal:
        return followed(terminal, seconds)


def followed(terminal: PseudoTerminal, seconds: float) -> dict[str, float]:
    """Figures from the scripted run in a terminal."""
    terminal.wait_for("step 1")
    terminal.settle(QUIET_SECONDS, 1.0)
    figures: dict[str, float] = {"first_paint_bytes": len(terminal.raw)}
    terminal.read_for(3.0)
    bytes_before, cpu_before, began = len(terminal.raw), cpu_seconds(terminal.pid), time.monotonic()
    ages: list[float] = []
    shown = 0
    while time.monotonic() < began + seconds:
        terminal.read(0.05)
        found = re.search(r"step ([\d,]+)/", terminal.text)
        step = int(found.group(1).replace(",", "")) if found else 0
        if step > shown:
            shown = step
            ages.append(time.time() - began_at(terminal) - (step + 1) / STEPS_PER_SECOND)
    taken = time.monotonic() - began
    figures["bytes_per_second"] = (len(terminal.raw) - bytes_before) / taken
    figures["screen_cpu_percent"] = 100 * (cpu_seconds(terminal.pid) - cpu_before) / taken
    # A number is oldest just before the next one takes its place.
    figures["staleness_p95_seconds"] = quantile(ages, 0.95) + gap(ages)
    terminal.press("p")
    terminal.wait_for("Paused")
    terminal.read_for(4.0)  # charts take turns, and the last one's is still to come
    bytes_before = len(terminal.raw)
    terminal.read_for(5.0)
    figures["bytes_per_second_paused"] = (len(terminal.raw) - bytes_before) / 5.0
    return figures | answers(terminal)


def answers(terminal: PseudoTerminal) -> dict[str, float]:
    """How fast keys are answered, and what they cost."""
    panels = [pressed(terminal, "v") for _ in range(KEY_PRESSES)]
    opened = [pressed(terminal, key) for _ in range(KEY_PRESSES // 6) for key in ("?", "\x1b", "c", "c")]
    return {
        "key_p95_ms": quantile([milliseconds for milliseconds, _ in panels], 0.95),
        "open_p95_ms": quantile([milliseconds for milliseconds, _ in opened], 0.95),
        "panel_change_bytes": statistics.median(size for _, size in panels),
    }


def pressed(terminal: PseudoTerminal, key: str) -> tuple[float, float]:
    """Milliseconds until the screen has settled after a key, and the bytes that took."""
    terminal.settle(0.3)
    before, began = len(terminal.raw), time.monotonic()
    terminal.press(key)
    settled = began
    while terminal.read(0.3 if settled == began else QUIET_SECONDS):
        settled = time.monotonic()
    return 1_000 * (settled - began), len(terminal.raw) - before


def cpu_seconds(pid: int) -> float:
    """CPU time of a process's main thread, which draws."""
    fields = Path(f"/proc/{pid}/task/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS


def began_at(terminal: PseudoTerminal) -> float:
    """When the scripted run began (seconds since 1970): its name on the screen says so."""
    found = re.search(r"run t(\d+)", terminal.text)
    return int(found.group(1)) / 1_000 if found else 0.0


def quantile(values: list[float], share: float) -> float:
    """The value below which a share of them lies."""
    return sorted(values)[int(share * (len(values) - 1))]


def gap(ages: list[float]) -> float:
    """The usual time between two numbers on the screen, in seconds; zero when there is but one."""
    return 0.25 if len(ages) > 1 else 0.0


def follow_scripted_run(*, thin: bool) -> None:
    """Show a run that a thread scripts, with no torch in the process; `thin` as we send it, else as Textual does."""
    from textual.app import App

    from cifar_tui.hardware import Hardware
    from cifar_tui.tui.app import MonitorApp
    from cifar_tui.tui.base_app import BaseApp
    from cifar_tui.tui.themes import find_themes, theme_folders

    if not thin:
        BaseApp._display = App._display  # type: ignore[method-assign]
    themes = find_themes(theme_folders())
    MonitorApp(ScriptedRun(), themes, themes.chosen(None), Hardware()).run()


class ScriptedRun:
    """A run that says a hundred plausible steps a second; it is its own job, feed and control."""

    def __init__(self) -> None:
        """Start silent."""
        self._events: list[Event] = []
        self._lock = threading.Lock()
        self._paused = threading.Event()
        self.ended = False
        self.heeds = True

    def train(self, data: str | None = None) -> "ScriptedRun":  # noqa: ARG002
        """Begin to speak."""
        threading.Thread(target=self._speak, daemon=True).start()
        return self

    def resume(self) -> "ScriptedRun":
        """Nothing goes on."""
        return self

    def evaluate(self, checkpoint: str) -> "ScriptedRun":  # noqa: ARG002
        """Nothing is measured."""
        return self

    def drain(self) -> list[Event]:
        """What was said since the last call."""
        with self._lock:
            events, self._events = self._events, []
        return events

    def ask(self, request: Request) -> None:
        """Heed pause and stop."""
        if isinstance(request, Pause):
            self._paused.set()
            self._say(Paused(1))
        elif isinstance(request, Stop):
            self._paused.set()
            self.ended = True
            self._say(RunStopped(1, ""))

    def join(self, seconds: float | None = None) -> bool:  # noqa: ARG002
        """There is nothing to wait for."""
        return True

    def _say(self, event: Event) -> None:
        with self._lock:
            self._events.append(event)

    def _speak(self) -> None:
        began, total, chance = time.time(), 80 * STEPS_PER_EPOCH, random.Random(0)
        recipe = preset("default")
        self._say(RunStarted(f"t{began * 1_000:.0f}", "/tmp/scripted", recipe, began, "0"))
        self._say(DataReady("CIFAR-10", False, tuple("abcdefghij"), 50_000, 10_000))
        self._say(TrainingStarted("scripted", "", "fp32", 11_173_962, STEPS_PER_EPOCH, total))
        step = 0
        while not self._paused.is_set():
            due = int((time.time() - began) * STEPS_PER_SECOND)
            while step < due:
                step += 1
                loss = (2.3 * math.exp(-step / 2_000) + 0.2) * chance.uniform(0.8, 1.25)
                epoch = (step - 1) // STEPS_PER_EPOCH + 1
                rate = recipe.learning_rate_at(step, STEPS_PER_EPOCH)
                accuracy = min(max(1 - loss / 2.6, 0.0), 1.0)
                self._say(StepDone(step, epoch, loss, accuracy, 500, rate, step / STEPS_PER_SECOND))
                if step % STEPS_PER_EPOCH == 0:
                    self._say(EpochDone(epoch, step, loss, accuracy, loss, accuracy, None, rate, 10.0, 1.0))
            time.sleep(1 / STEPS_PER_SECOND)


if __name__ == "__main__":
    main()
