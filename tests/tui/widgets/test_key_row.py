import pytest
from hypothesis import given
from hypothesis import strategies as st

from cifar_tui.control import Pause
from cifar_tui.tui.widgets.key_row import KeyRow, ShownKey, fitting
from tests import scripted
from tests.scripted import ScriptedConnection, ScriptedJobs
from tests.tui.drive import screen, screen_text, settle


def key_of(action: str, words: str) -> ShownKey:
    return ShownKey(words[0], action, ((words, ""),), "", enabled=True)


@given(st.lists(st.integers(1, 20), min_size=1, max_size=12), st.integers(0, 120))
def test_keys_are_shown_whole_in_their_order_and_those_that_lead_on_first(widths: list[int], room: int) -> None:
    keys = [key_of(f"action {number}", "x" * width) for number, width in enumerate(widths)]
    keys.append(key_of("app.help", "? Keys"))
    shown = fitting(keys, room)
    assert sum(key.width for key in shown) <= room
    assert shown == [key for key in keys if key in shown]
    assert (keys[-1] in shown) == (room >= len("? Keys"))
    assert all(key.width > room - sum(one.width for one in shown) for key in keys if key not in shown)


async def test_a_key_in_the_foot_can_be_clicked_and_explains_itself() -> None:
    connection = ScriptedConnection(scripted.opening())
    async with screen(ScriptedJobs(connection)) as pilot:
        row = screen_text(pilot).splitlines()[-1]
        await pilot.hover(KeyRow, offset=(row.index("Pause"), 0))
        await pilot.pause()
        assert pilot.app.screen.query_one(KeyRow).tooltip == "Pause before the next step"
        await pilot.click(KeyRow, offset=(row.index("Pause"), 0))
        await pilot.pause()
        assert any(isinstance(request, Pause) for request in connection.requests)


@pytest.mark.slow
async def test_what_is_behind_a_question_goes_on() -> None:
    connection = ScriptedConnection([*scripted.opening(), *scripted.epochs(1)])
    async with screen(ScriptedJobs(connection)) as pilot:
        before = screen_text(pilot).splitlines()
        await pilot.press("s")
        await settle(pilot)
        assert "Stop this run?" in screen_text(pilot)
        connection.emit(scripted.step(51))
        await settle(pilot)
        seen = screen_text(pilot)
        assert "51/1,300" in seen
        assert "Stop this run?" in seen
        await pilot.press("escape")
        await settle(pilot)
        assert screen_text(pilot).splitlines()[-3:] == before[-3:]
