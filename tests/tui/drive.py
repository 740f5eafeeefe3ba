"""Drives the real screen on a scripted engine, and reads the words on it."""

import html
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from textual.pilot import Pilot

from cifar_tui.hardware import Hardware
from cifar_tui.tui.app import NO_OPTIONS, MonitorApp, ScreenOptions
from cifar_tui.tui.preferences import Preferences, PreferencesFile
from cifar_tui.tui.themes import find_themes
from tests.scripted import ScriptedJobs

SHIPPED_THEMES = [Path(__file__).parents[2] / "themes"]
SIZES = [(120, 40), (80, 24), (60, 20)]


@asynccontextmanager
async def screen(
    jobs: ScriptedJobs,
    size: tuple[int, int] = (120, 40),
    theme: str = "night",
    hardware: Hardware | None = None,
    options: ScreenOptions = NO_OPTIONS,
    file: PreferencesFile | None = None,
) -> AsyncIterator[Pilot[int]]:
    """The app on `jobs`, settled after its first events."""
    app = MonitorApp(
        jobs,
        find_themes(SHIPPED_THEMES),
        theme,
        hardware or Hardware(),
        drain_seconds=0.03,
        options=options,
        preferences=file.read() if file else Preferences(),
        preferences_file=file,
    )
    async with app.run_test(size=size, notifications=True) as pilot:
        await settle(pilot)
        yield pilot


async def settle(pilot: Pilot[int]) -> None:
    """Long enough for the events to be drained and for every chart to have had its turn."""
    await pilot.pause(0.15)
    await pilot.pause()


def words(pilot: Pilot[int]) -> str:
    """The screen as lines of text."""
    rows: dict[float, str] = {}
    for attributes, text in re.findall(r"<text([^>]*)>([^<]*)</text>", pilot.app.export_screenshot()):
        place = re.search(r'x="([\d.]+)" y="([\d.]+)"', attributes)
        if place and "-r" in attributes:
            column = round(float(place.group(1)) / 12.2)
            row = rows.get(float(place.group(2)), "")
            rows[float(place.group(2))] = row.ljust(column) + html.unescape(text).replace("\xa0", " ").rstrip("\n")
    return "\n".join(rows[y] for y in sorted(rows))


def app_of(pilot: Pilot[int]) -> MonitorApp:
    """The app with its own type."""
    assert isinstance(pilot.app, MonitorApp)
    return pilot.app
