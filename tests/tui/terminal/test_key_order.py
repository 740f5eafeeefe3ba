"""Text that is typed while the screen is busy, or arrives all at once over a slow link, is what was typed."""

from pathlib import Path

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input

from cifar_tui.control import ChangeRate, Stop
from tests import scripted
from tests.scripted import ScriptedConnection, ScriptedJobs
from tests.tui.charts.test_overlay import beside
from tests.tui.dialogs.test_branch import ended
from tests.tui.drive import app_of, burst, screen, screen_text, settle


async def test_a_rate_that_is_corrected_while_it_is_typed_is_the_corrected_one() -> None:
    connection = ScriptedConnection([*scripted.opening(), *scripted.epochs(3)])
    async with screen(ScriptedJobs(connection)) as pilot:
        await burst(pilot, "l", "0.09", "backspace", "8", "enter")
        assert connection.requests[-1] == ChangeRate(0.08, relative=False)
        before = len(connection.requests)
        await burst(pilot, "l", "x0.7", "backspace", "backspace", "left", "left", "enter", "escape", "v")
        assert len(connection.requests) == before, "x0. is no rate"
        assert "Learning rate" not in screen_text(pilot), "and v comes after the dialog has gone"


async def test_what_is_typed_after_the_key_of_a_dialog_goes_into_the_dialog() -> None:
    connection = ScriptedConnection([*scripted.opening(), *scripted.epochs(3)])
    async with screen(ScriptedJobs(connection)) as pilot:
        await burst(pilot, "l", "pqdsw")
        assert app_of(pilot).screen.query_one(Input).value == "pqdsw"
        assert not connection.requests[1:], "none of them reached the run"


async def test_a_filter_is_what_was_typed() -> None:
    connection = ScriptedConnection([*scripted.opening(), *scripted.epochs(3)])
    async with screen(ScriptedJobs(connection)) as pilot:
        await burst(pilot, "c", "/", "net_9", "backspace", "00", "1")
        assert app_of(pilot).screen.query_one(Input).value == "net_001"


async def test_two_fields_take_what_was_typed_into_each(tmp_path: Path) -> None:
    jobs = ScriptedJobs(ended(tmp_path), ScriptedConnection(scripted.opening(tmp_path / "two")))
    async with screen(jobs) as pilot:
        await burst(pilot, "c")
        first = ("b", "end", "backspace", "backspace", "12")
        await burst(pilot, *first, "tab", "end", *["backspace"] * 8, "0.5", "enter")
        assert jobs.branched == [("net_003.pth", 12, 0.5)]


async def test_space_and_the_arrows_of_a_list_keep_their_order(tmp_path: Path) -> None:
    async with screen(beside(tmp_path, "first", "second", "third")) as pilot:
        await burst(pilot, "o", "down", "space", "down", "escape")
        await settle(pilot)
        seen = screen_text(pilot)
        assert "Loss · 1 second" in seen
        assert "third" not in seen


async def paste_unmarked(pilot: Pilot[int], text: str) -> None:
    """Press the keys of a paste that the terminal does not mark: the driver gives all of them the same time."""
    names = {" ": "space", "\r": "enter", "-": "minus"}
    pasted = [events.Key(names.get(one, one), one) for one in text]
    for key in pasted:
        key.time = pasted[0].time
        pilot.app.post_message(key)
    await settle(pilot)


@pytest.mark.slow
@pytest.mark.parametrize("text", ["stop pdf\r", "qq\r", "qs\r", "sy", "rm -rf runs\r", "s\r\r\r" + "y" * 2_000])
async def test_a_paste_answers_no_question_that_it_has_opened(text: str) -> None:
    connection = ScriptedConnection([*scripted.opening(), *scripted.epochs(3)])
    async with screen(ScriptedJobs(connection)) as pilot:
        await paste_unmarked(pilot, text)
        assert pilot.app.is_running
        assert not any(isinstance(request, Stop) for request in connection.requests)
        open_question = any(title in screen_text(pilot) for title in ("Stop this run?", "Quit while training?"))
        assert open_question or text.startswith("rm"), "an r opens the list of runs"


async def test_a_paste_deletes_no_checkpoint() -> None:
    connection = ScriptedConnection([*scripted.opening(), *scripted.epochs(3)])
    async with screen(ScriptedJobs(connection)) as pilot:
        await burst(pilot, "c")
        await paste_unmarked(pilot, "Dy\t\r")
        assert connection.requests[1:] == []


async def test_an_answer_typed_after_the_question_counts_however_late_both_arrive() -> None:
    connection = ScriptedConnection([*scripted.opening(), *scripted.epochs(3)])
    async with screen(ScriptedJobs(connection)) as pilot:
        await burst(pilot, "s", "enter")
        assert isinstance(connection.requests[-1], Stop)
