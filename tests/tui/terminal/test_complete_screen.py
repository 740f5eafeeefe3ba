"""A screen that opens, or is laid out anew, is drawn complete at once."""

import asyncio
import time
from pathlib import Path

import pytest
from textual._compositor import LayoutUpdate
from textual.screen import Screen

from cifar_tui.jobs.session import RunConnection
from cifar_tui.tui.terminal.complete_screen import MOST_SECONDS, TURNS
from cifar_tui.tui.terminal.screen_output import DiffApp
from tests import scripted
from tests.scripted import ScriptedConnection, ScriptedJobs
from tests.tui.charts.test_overlay import beside
from tests.tui.drive import app_of, frame_text, screen, screen_text, settle


@pytest.fixture
def frames(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Every frame that is drawn: the name of the screen, and all that then is to be seen."""
    drawn: list[tuple[str, str]] = []

    def note(app: DiffApp, drawn_screen: Screen[object], renderable: object) -> None:
        if renderable is not None:
            whole = drawn_screen._compositor.render_update(full=True, screen_stack=app._background_screens)
            assert isinstance(whole, LayoutUpdate)
            drawn.append((type(drawn_screen).__name__, frame_text(whole)))

    monkeypatch.setattr(DiffApp, "_display", note)
    return drawn


@pytest.mark.parametrize(
    ("key", "opened"),
    [
        ("c", "CheckpointBrowser"),
        ("l", "RateQuestion"),
        ("s", "Question"),
        ("?", "Help"),
        ("v", "Dashboard"),
        ("L", "Dashboard"),
    ],
)
async def test_the_first_frame_says_everything(frames: list[tuple[str, str]], key: str, opened: str) -> None:
    connection = ScriptedConnection([*scripted.opening(), *scripted.epochs(2), scripted.step(101)])
    async with screen(ScriptedJobs(connection)) as pilot:
        before = screen_text(pilot)
        frames.clear()
        await pilot.press(key)
        await settle(pilot)
        assert type(app_of(pilot).screen).__name__ == opened
        assert screen_text(pilot) != before
        assert [text for name, text in frames if name == opened and text != before][:1] == [screen_text(pilot)]


async def test_a_screen_that_is_closed_before_it_is_drawn_leaves_the_one_behind(tmp_path: Path) -> None:
    async with screen(beside(tmp_path, "first", "second")) as pilot:
        before = screen_text(pilot)
        for key in ("c", "l", "?", "h"):
            app_of(pilot).simulate_key(key)
            app_of(pilot).simulate_key("escape")
        await settle(pilot)
        assert screen_text(pilot) == before


async def test_the_run_starts_once_the_first_frame_is_there(
    frames: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn_before: list[int] = []
    jobs = ScriptedJobs(ScriptedConnection(scripted.opening()))
    train = jobs.train

    def noted(data: str | None = None) -> RunConnection:
        drawn_before.append(len(frames))
        return train(data)

    monkeypatch.setattr(jobs, "train", noted)
    async with screen(jobs):
        assert drawn_before[0] > 0


@pytest.mark.slow
@pytest.mark.parametrize("turns", range(20, 40, 3))
async def test_leaving_while_a_screen_opens_ends_in_no_error(turns: int) -> None:
    connection = ScriptedConnection([*scripted.opening(), *scripted.epochs(2)])
    async with screen(ScriptedJobs(connection)) as pilot:
        pilot.app.simulate_key("c")
        for _ in range(turns):
            await asyncio.sleep(0)
        pilot.app.exit()


async def test_what_changes_in_a_batch_is_drawn_after_it(frames: list[tuple[str, str]]) -> None:
    async with screen(ScriptedJobs(ScriptedConnection(scripted.opening()))) as pilot:
        frames.clear()
        with pilot.app.batch_update():
            pilot.app.screen.refresh(layout=True)
            for _ in range(3 * TURNS):
                await asyncio.sleep(0)
            await pilot.pause(0.05)
        before = len(frames)
        await settle(pilot)
        assert len(frames) > before


async def test_a_screen_that_is_laid_out_all_the_time_is_drawn_now_and_then(frames: list[tuple[str, str]]) -> None:
    async with screen(ScriptedJobs(ScriptedConnection(scripted.opening()))) as pilot:
        frames.clear()
        until = time.monotonic() + 20 * MOST_SECONDS
        while len(frames) < 2 and time.monotonic() < until:
            pilot.app.screen._refresh_layout(pilot.app.size)
            pilot.app.screen.refresh()
            await asyncio.sleep(0)
        assert len(frames) >= 2
