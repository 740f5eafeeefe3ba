"""Age of the newest step that each chart on the screen contains, from the first step on, live and attached.

python benchmarks/chart_staleness.py [--size 120x40] [--seconds 20]

A scripted run of 100 steps a second has values that fall or rise with every step, so that a value in a chart's legend
names the step. A chart counts as drawn only when its curve's cells have changed, too. The last line is one JSON object.
"""

import argparse
import json
import math
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from made_up_runs import STEPS_PER_SECOND, Script, ScriptedRun, show, write_live_run
from pseudo_terminal import PATIENCE_SECONDS, PseudoTerminal
from screen_options import parser_with_size, use_a_persons_environment

from cifar_tui.events import EpochDone, Event, StepDone

TOTAL_STEPS, STEPS_PER_EPOCH = 6_000, 200
SAMPLE_SECONDS = 0.05
ATTACH_AFTER_SECONDS = 3.0
"""Age of the run that is attached to."""
FUTURE_STEPS = 10
"""Steps by which rounding may put a value into the future."""
PARTS = {
    "header": "the step in the header",
    "loss": "the loss chart",
    "accuracy": "the accuracy chart",
    "rate": "the chart of the learning rate",
    "epochs": "the table of epochs: from the end of the first epoch that is missing",
}
CHART_FIGURES = {
    "chart_staleness_p95_seconds": "age of the newest step that a chart contains, the oldest chart's, from step 1 on",
    "chart_staleness_worst_seconds": "the same at its worst",
    **{
        f"{way}_{name}_staleness_p95_seconds": f"the same of {part}, {way}"
        for way in ("live", "attached")
        for name, part in PARTS.items()
    },
}
"""Meaning of each figure; a screen too small for a part has no figure of it."""
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?")
Box = tuple[list[str], str]
"""The rows inside a panel, and the text in its lower border."""


def loss_at(step: float) -> float:
    """Return the loss of a step: from 9 down to 0.9."""
    return 9 * float(0.1 ** (step / TOTAL_STEPS))


def accuracy_at(step: float) -> float:
    """Return the accuracy of a step."""
    return 0.02 + 0.96 * step / TOTAL_STEPS


def rate_at(step: float) -> float:
    """Return the learning rate of a step: from 0.9 down to 0.009."""
    return 0.9 * float(0.01 ** (step / TOTAL_STEPS))


STEP_OF: dict[str, Callable[[float], float]] = {
    "Loss": lambda value: -TOTAL_STEPS * math.log10(value / 9),
    "Accuracy": lambda percent: (percent / 100 - 0.02) / 0.96 * TOTAL_STEPS,
    "Learning rate": lambda value: -TOTAL_STEPS / 2 * math.log10(value / 0.9),
}
"""The step of a value in the legend of a chart with such a title."""
TITLES = {"loss": "Loss", "accuracy": "Accuracy", "rate": "Learning rate"}


def telltale(step: int) -> Iterator[Event]:
    """Yield the events of a step whose values name it, and of the epoch it ends."""
    epoch = (step - 1) // STEPS_PER_EPOCH + 1
    loss, accuracy, rate = loss_at(step), accuracy_at(step), rate_at(step)
    yield StepDone(step, epoch, loss, accuracy, 500, rate, step / STEPS_PER_SECOND)
    if step % STEPS_PER_EPOCH == 0:
        yield EpochDone(epoch, step, loss, accuracy, loss, accuracy, None, rate, 2.0, 0.1)


TELLTALE = Script(TOTAL_STEPS, STEPS_PER_EPOCH, telltale)


def panel(lines: Sequence[str], title: str) -> Box | None:
    """Return the panel with such a title, where it is on the screen."""
    head = re.compile(rf"╭─ {re.escape(title)}\b[^╮]*╮")
    for top, line in enumerate(lines):
        found = head.search(line)
        if found:
            part = slice(*found.span())
            inside: list[str] = []
            for row in lines[top + 1 :]:
                if row[part].startswith("╰"):
                    return inside, row[part]
                inside.append(row[part][1:-1])
    return None


def curve_cells(inside: Sequence[str]) -> tuple[tuple[int, int, str], ...]:
    """Return the cells in which a curve is drawn, with their places: braille, blocks, and dots of tests."""
    return tuple(
        (row, column, cell)
        for row, line in enumerate(inside)
        for column, cell in enumerate(line)
        if "⠁" <= cell <= "⣿" or "▀" <= cell <= "▟" or cell == "●"
    )


def charts_drawn(lines: Sequence[str]) -> bool:
    """Return True if every chart on the screen has a curve."""
    boxes = [box for box in (panel(lines, title) for title in TITLES.values()) if box is not None]
    return bool(boxes) and all(curve_cells(inside) for inside, _ in boxes)


def newest_step(title: str, text: str, due: int) -> int:
    """Return the newest step that a value in a legend stands for; 0 without any. None lies in the future."""
    numbers = (float(found.replace(",", "")) for found in NUMBER.findall(text))
    steps = (round(STEP_OF[title](number)) for number in numbers if number > 0)
    return max((min(step, due) for step in steps if 0 < step <= due + FUTURE_STEPS), default=0)


@dataclass
class PartWatch:
    """Age of one part of the screen over time."""

    seen_at: float = math.inf
    """The moment it was first on the screen."""
    step: int = 0
    """The newest step it contains."""
    ages: list[float] = field(default_factory=list)
    """Its ages in seconds, at equal intervals."""
    cells: tuple[tuple[int, int, str], ...] = ()
    """The cells of its curves at the last look."""


class ScreenWatch:
    """Reads screens of the telltale run, and keeps the age of each of their parts."""

    def __init__(self, began: float) -> None:
        """Watch a run that began at such a time."""
        self._began = began
        self.parts: dict[str, PartWatch] = {}

    def look(self, lines: Sequence[str], now: float) -> None:
        """Take in one screen."""
        due = int((now - self._began) * STEPS_PER_SECOND)
        found = re.search(r"step +([\d,]+)/", "\n".join(lines))
        if found:
            self._note("header", int(found.group(1).replace(",", "")), now)
        for name, title in TITLES.items():
            box = panel(lines, title)
            if box is not None:
                self._look_at_chart(name, title, box, due, now)
        box = panel(lines, "Epochs")
        if box is not None:
            numbers = [int(row.split()[0]) for row in box[0] if row.strip() and row.split()[0].isdigit()]
            missing = (max(numbers, default=0) + 1) * STEPS_PER_EPOCH
            self._note("epochs", min(due, missing), now)

    def _look_at_chart(self, name: str, title: str, box: Box, due: int, now: float) -> None:
        cells, part = curve_cells(box[0]), self.parts.get(name)
        moved = part is None or cells != part.cells
        self._note(name, newest_step(title, box[1], due) if moved and cells else 0, now)
        self.parts[name].cells = cells

    def _note(self, name: str, step: int, now: float) -> None:
        part = self.parts.setdefault(name, PartWatch())
        part.seen_at = min(part.seen_at, now)
        part.step = max(part.step, step)
        newest = self._began + max(part.step, 1) / STEPS_PER_SECOND
        if not part.step or name == "epochs":
            newest = max(newest, part.seen_at)  # it had no chance to show anything before
        if now - self._began > 1 / STEPS_PER_SECOND:
            part.ages.append(now - newest)


def quantile(values: Sequence[float], share: float) -> float:
    """Return the value below which a share of them lies."""
    return sorted(values)[int(share * (len(values) - 1))]


def watched(terminal: PseudoTerminal, clock: Path, seconds: float) -> dict[str, PartWatch]:
    """Watch the telltale run on a terminal for so many seconds, from its first step or the first frame on."""
    terminal.read_until(lambda: clock.exists() and clock.read_text() != "", "the run")
    watch = ScreenWatch(float(clock.read_text()))
    ends_at = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < ends_at:
        terminal.read_for(SAMPLE_SECONDS)
        while terminal.read(0.005):
            pass  # a screen is looked at when it is complete
        known = len(watch.parts)
        watch.look(terminal.screen.display, time.time())
        if len(watch.parts) > known:
            ends_at = time.monotonic() + seconds
    return watch.parts


def live(size: tuple[int, int], seconds: float) -> dict[str, PartWatch]:
    """Watch a run that is trained in the screen's own process."""
    with tempfile.TemporaryDirectory() as folder:
        clock = Path(folder) / "clock"
        with PseudoTerminal([sys.executable, __file__, "--live", str(clock)], size=size) as terminal:
            return watched(terminal, clock, seconds)


def attached(size: tuple[int, int], seconds: float) -> dict[str, PartWatch]:
    """Watch a run that is trained by another process, which has trained for a while."""
    with tempfile.TemporaryDirectory() as folder:
        clock, run = Path(folder) / "clock", Path(folder) / "scripted"
        writer = subprocess.Popen([sys.executable, __file__, "--write", str(run), str(clock)])
        try:
            while not clock.exists():
                time.sleep(SAMPLE_SECONDS)
            time.sleep(ATTACH_AFTER_SECONDS)
            with PseudoTerminal([sys.executable, "-m", "cifar_tui", "attach", str(run)], size=size) as terminal:
                return watched(terminal, clock, seconds)
        finally:
            writer.kill()
            writer.wait()


def chart_staleness(size: tuple[int, int], seconds: float) -> dict[str, float]:
    """Return the age that every part of the screen is below 95 % of the time, and the worst of the charts."""
    figures: dict[str, float] = {}
    charts, worst = [], []
    for way, watch in {"live": live, "attached": attached}.items():
        for name, part in watch(size, seconds).items():
            figures[f"{way}_{name}_staleness_p95_seconds"] = age = quantile(part.ages, 0.95)
            if name in TITLES:
                charts.append(age)
                worst.append(max(part.ages))
    return {"chart_staleness_p95_seconds": max(charts), "chart_staleness_worst_seconds": max(worst), **figures}


def main() -> None:
    """Read the options, measure, print."""
    parser = parser_with_size(__doc__)
    parser.add_argument("--seconds", type=float, default=20.0, help="how long to watch")
    parser.add_argument("--live", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--write", type=Path, nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.live:
        show(ScriptedRun(script=TELLTALE, clock=options.live))
    elif options.write:
        write_live_run(options.write[0], TELLTALE, options.write[1])
    else:
        use_a_persons_environment()
        figures = chart_staleness(options.size, options.seconds)
        for name, age in figures.items():
            print(f"{name:<40} {age:>6.2f}  {CHART_FIGURES[name]}")
        print(json.dumps({name: round(age, 3) for name, age in figures.items()}))


if __name__ == "__main__":
    main()
