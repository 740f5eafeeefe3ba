"""Drives the real screen on a scripted engine, and reads the text on it."""

import asyncio
import dataclasses
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual import events
from textual._compositor import LayoutUpdate
from textual.pilot import Pilot

from cifar_tui.jobs.run_in_view import RunInView
from cifar_tui.system.hardware import Hardware
from cifar_tui.tui import app as app_module
from cifar_tui.tui.app import NO_OPTIONS, MonitorApp, ScreenOptions
from cifar_tui.tui.browser.browser import CheckpointBrowser
from cifar_tui.tui.evaluation.comparison_screen import ComparisonScreen
from cifar_tui.tui.intervals import RedrawBudget, ScreenIntervals
from cifar_tui.tui.runs_screen.screen import RunsScreen
from cifar_tui.tui.settings.kept_preferences import KeptPreferences
from cifar_tui.tui.settings.preferences import PreferencesFile
from cifar_tui.tui.settings.themes import find_themes
from tests.scripted import ScriptedJobs
from tests.tui.quick_textual import hurry

SHIPPED_THEMES = [Path(__file__).parents[2] / "themes"]
SIZES = [(120, 40), (80, 24), (60, 20)]
AT_EVERY_SIZE = pytest.mark.parametrize(
    "size", [*(pytest.param(size, marks=pytest.mark.slow) for size in SIZES[:-1]), SIZES[-1]]
)
"""The quick tests look at the smallest screen alone, on which the least fits."""
NOON = 1_700_049_600.0
"""Wednesday, 15 November 2023, 12:00 UTC."""
INTERVALS = ScreenIntervals(
    poll=0.005,
    first_poll=0.005,
    other_runs=0.02,
    redraw=RedrawBudget(core_share=1e9, min_seconds=0.0),
    now=lambda: NOON,
)
"""Those of all screens in tests; their clock stands still."""
PATIENCE_SECONDS = 60.0
"""The longest time for a screen to come to rest, on however busy a machine."""


hurry()


class SetClock:
    """A clock that a test moves, and the intervals of a screen that goes by it."""

    def __init__(self) -> None:
        self.seconds = NOON
        self.intervals = dataclasses.replace(INTERVALS, now=lambda: self.seconds, clock=0.01)


class CountingApp(MonitorApp):
    """The app, and how often it has polled."""

    CSS_PATH = str(Path(app_module.__file__).with_name("app.tcss"))
    polls = 0

    def poll(self) -> None:
        super().poll()
        self.polls += 1


class QuickHardware(Hardware):
    """The machine as it is, read at once."""

    first_seconds = 0.001


@asynccontextmanager
async def screen(
    jobs: ScriptedJobs | None,
    size: tuple[int, int] = (120, 40),
    theme: str = "night",
    hardware: Hardware | None = None,
    options: ScreenOptions = NO_OPTIONS,
    file: PreferencesFile | None = None,
    intervals: ScreenIntervals = INTERVALS,
) -> AsyncIterator[Pilot[int]]:
    """The app on `jobs`, settled after its first events."""
    app = CountingApp(
        RunInView(jobs),
        find_themes(SHIPPED_THEMES),
        theme,
        hardware or QuickHardware(),
        intervals=intervals,
        options=options,
        preferences=KeptPreferences(file.read(), file) if file else None,
    )
    async with app.run_test(size=size, notifications=True) as pilot:
        await settle(pilot)
        yield pilot


async def settle(pilot: Pilot[int]) -> None:
    """Wait until every event so far is on the screen, and nothing more is under way."""
    app = app_of(pilot)
    for _ in range(2):  # what the first round has shown may have asked for more
        await pilot.pause()
        await app.workers.wait_for_complete()
        polled = app.polls
        # Two polls: one may have been under way, and what had no room yet comes with the next.
        await until(lambda polled=polled: not app.is_running or (app.polls >= polled + 2 and at_rest(app)))  # type: ignore[misc]
        await pilot.wait_for_animation()
    await pilot.pause()


def at_rest(app: CountingApp) -> bool:
    """Return True if no screen waits for a folder, for a job's events, or for its turn to draw."""
    for one in app.screen_stack if app.is_running else ():
        if isinstance(one, CheckpointBrowser) and one.shown.busy:
            return False
        if isinstance(one, RunsScreen) and one.busy:
            return False
        if isinstance(one, ComparisonScreen) and not getattr(one._connection, "drained", True):
            return False
    return app.keys_at_rest and not app.history_display.waits


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that the app does by itself. Raises AssertionError when it never does."""
    patience = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < patience, "the screen never came to rest"
        await asyncio.sleep(0.005)


def screen_text(pilot: Pilot[int]) -> str:
    """The screen as lines of text, without the blanks at their ends."""
    app = pilot.app
    drawn = app.screen._compositor.render_update(full=True, screen_stack=app._background_screens)
    assert isinstance(drawn, LayoutUpdate)
    return frame_text(drawn)


def frame_text(frame: LayoutUpdate) -> str:
    """A frame of the whole screen as lines of text, without the blanks at their ends."""
    return "\n".join("".join(strip.text for strip in row).replace("\xa0", " ").rstrip() for row in frame.strips)


def app_of(pilot: Pilot[int]) -> CountingApp:
    """The app with its own type."""
    assert isinstance(pilot.app, CountingApp)
    return pilot.app


def loss_axis(seen: str) -> list[float]:
    """The labels of the loss's vertical axis on a screen with room for several panels."""
    rows = [line.split("│")[1][:7].strip() for line in seen.splitlines() if line.startswith("│")]
    return [float(label) for label in rows[: rows.index("step")] if label]


async def burst(pilot: Pilot[int], *names: str) -> None:
    """Press keys all at once, as they arrive over a link that stood still; text counts letter by letter."""
    named = {"backspace", "space", "down", "up", "enter", "escape", "tab", "home", "end", "left", "right", "ctrl+u"}
    signs = {".": "full_stop", "_": "underscore", "/": "slash", "?": "question_mark", " ": "space"}
    for name in names:
        for key in [name] if name in named else name:
            pilot.app.post_message(
                events.Key(signs.get(key, key), " " if key in (" ", "space") else key if len(key) == 1 else None)
            )
    await settle(pilot)
