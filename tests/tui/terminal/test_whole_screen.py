"""A screen that opens is drawn whole at once, as a person sees it."""

from pathlib import Path

import pytest
from textual._compositor import LayoutUpdate
from textual.screen import Screen

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
