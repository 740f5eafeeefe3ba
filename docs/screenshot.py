"""Draws the pictures of the documentation from a run's folder, by replaying its journal on the real screen.

python docs/screenshot.py runs/NAME --until STEP                # all of docs/screen-*.svg, in every theme
python docs/screenshot.py runs/NAME --inside                    # the browser, and what is in its newest checkpoint
python docs/screenshot.py runs/NAME --view help --size 80x24 --theme day --output help.svg

The newest checkpoint must have been evaluated: its verdict is beside it.
"""

import argparse
import asyncio
import dataclasses
from collections.abc import Sequence
from pathlib import Path

from cifar_tui.control import DeleteCheckpoint, PinCheckpoint, Request
from cifar_tui.events import Event, RunStarted
from cifar_tui.files.run_files import journal_path
from cifar_tui.runs.records.journal import read_events
from cifar_tui.system.hardware import Hardware
from cifar_tui.tui.app import MonitorApp
from cifar_tui.tui.settings.themes import find_themes, theme_folders

SETTLE_SECONDS = 1.5
"""Time for every chart to be drawn."""
PICTURES: dict[str, tuple[tuple[int, int], str, tuple[str, ...]]] = {
    "night": ((120, 40), "night", ()),
    "day": ((120, 40), "day", ()),
    "clear": ((120, 40), "clear", ()),
    "sixteen": ((120, 40), "sixteen", ()),
    "cursor": ((120, 40), "night", ("x", "x", "k", "g", "plus", "left", "shift+left", "shift+left")),
    "small": ((80, 24), "night", ()),
}
"""Size, theme and keys of every picture of the dashboard."""
CHECKPOINT_PICTURES: dict[str, tuple[tuple[int, int], str, tuple[str, ...]]] = {
    "checkpoints": ((120, 40), "night", ("c",)),
    "confusion": ((120, 40), "night", ("c", "o")),
    "wrong-pictures": ((120, 40), "night", ("c", "o", "i")),
    "confusion-80x24": ((80, 24), "night", ("c", "o")),
}
"""And of every picture of the browser and of what is inside a checkpoint."""
SCREEN_KEYS = ("c", "o", "i")
"""Keys that open a screen."""
VIEWS: dict[str, tuple[str, ...]] = {"dashboard": (), "checkpoints": ("c",), "help": ("question_mark",)}


class Replay:
    """A run that emits all events of its journal at once, and the jobs that start it."""

    def __init__(self, events: list[Event]) -> None:
        """Hold the events until they are polled."""
        self._events = events
        self.ended = False
        self.elsewhere = False
        self.silent_seconds = 0.0

    def poll(self) -> list[Event]:
        """Return every event, once."""
        events, self._events = self._events, []
        return events

    def submit(self, request: Request) -> None:
        """Take no request: the run is over."""

    def accepts(self, _verb: type[Request]) -> bool:
        """Accept everything, so that every key is shown."""
        return True

    def join(self, _seconds: float | None = None) -> bool:
        """Wait for no engine."""
        return True

    @property
    def current(self) -> "Replay":
        """These jobs."""
        return self

    def train(self, _data: str | None = None) -> "Replay":
        """Return the replay, which is its own job."""
        return self

    def resume(self) -> "Replay":
        """Resume nothing."""
        return self

    def branch(self, _checkpoint: str, _epochs: int, _learning_rate: float) -> "Replay":
        """Start nothing new."""
        return self

    def compare(self, checkpoints: Sequence[Path], *, beside: bool) -> "Replay":  # noqa: ARG002
        """Compare nothing."""
        return self

    def evaluate(self, _checkpoint: str) -> "Replay":
        """Evaluate nothing."""
        return self

    def manage_checkpoint(self, _request: DeleteCheckpoint | PinCheckpoint) -> "Replay":
        """Delete nothing."""
        return self


def events_until(events: list[Event], step: int | None) -> list[Event]:
    """Return the events up to a step; all of them without one."""
    if step is None:
        return events
    kept = []
    for event in events:
        if getattr(event, "step", 0) > step:
            break
        kept.append(event)
    return kept


async def draw(events: list[Event], size: tuple[int, int], theme: str, keys: Sequence[str] = ()) -> str:
    """Return the screen as SVG, after some keys."""
    themes = find_themes(theme_folders())
    app = MonitorApp(Replay(events), themes, themes.chosen(theme), Hardware())
    async with app.run_test(size=size) as pilot:
        await pilot.pause(SETTLE_SECONDS)
        for key in keys:
            await pilot.press(key)
            await pilot.pause(SETTLE_SECONDS if key in SCREEN_KEYS else 0.0)
        await pilot.pause(SETTLE_SECONDS)
        return app.export_screenshot()


def main() -> None:
    """Read the options, draw, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="the run's folder")
    parser.add_argument("--view", choices=list(VIEWS), default="dashboard")
    parser.add_argument("--inside", action="store_true", help="draw the browser and what is inside a checkpoint")
    parser.add_argument("--size", default="120x40", help="columns x rows")
    parser.add_argument("--theme", default="night")
    parser.add_argument("--until", type=int, metavar="STEP", help="show the run as it was after this step")
    parser.add_argument("--output", type=Path, help="the one picture to draw; without it, all are")
    options = parser.parse_args()
    events = list(read_events(journal_path(options.run)))
    if not events or not isinstance(events[0], RunStarted):
        parser.error(f"{options.run} holds no run")
    # The run may have been moved since.
    events[0] = dataclasses.replace(events[0], folder=str(options.run.absolute()))
    events = events_until(events, options.until)
    if options.output is None:
        for name, (size, theme, keys) in (CHECKPOINT_PICTURES if options.inside else PICTURES).items():
            path = Path(__file__).parent / f"{'' if options.inside else 'screen-'}{name}.svg"
            write(path, asyncio.run(draw(events, size, theme, keys)))
        return
    width, height = (int(part) for part in options.size.split("x"))
    write(options.output, asyncio.run(draw(events, (width, height), options.theme, VIEWS[options.view])))


def write(path: Path, svg: str) -> None:
    """Put a picture into a file."""
    path.write_text(svg, encoding="utf-8")
    print(f"{path}: {len(svg):,} bytes")


if __name__ == "__main__":
    main()
