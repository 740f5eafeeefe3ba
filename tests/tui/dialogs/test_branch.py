from pathlib import Path

import pytest

from cifar_tui.events import RunFinished
from cifar_tui.presets import preset
from cifar_tui.recipe import Ancestor
from cifar_tui.tui.dialogs.branch import parse_choice
from tests import scripted
from tests.scripted import ScriptedConnection, ScriptedJobs
from tests.tui.drive import burst, screen, screen_text, settle
from tests.tui.pilot_internals import exception_in

FROM_ONE = Ancestor(run="one", checkpoint="net_003.pth", sha256="0" * 64, epoch=3)


def ended(folder: Path) -> ScriptedConnection:
    scripted.put_checkpoint(folder, 3)
    connection = ScriptedConnection([*scripted.opening(folder), *scripted.epochs(3), RunFinished(150, 0.7)])
    connection.ended = True
    return connection


async def test_b_starts_a_new_run_from_a_checkpoint_and_says_where_it_comes_from(tmp_path: Path) -> None:
    recipe = preset("quick").branched(FROM_ONE, 64)
    _, *opening = scripted.opening(tmp_path / "two")
    jobs = ScriptedJobs(
        ended(tmp_path), ScriptedConnection([scripted.started(tmp_path / "two", recipe, "two"), *opening])
    )
    async with screen(jobs, (80, 24)) as pilot:
        await pilot.press("c", "b")
        await settle(pilot)
        assert "New run from net_003.pth" in screen_text(pilot)
        await pilot.press("backspace", "backspace", "x", "enter")
        await settle(pilot)
        assert "'x' must be a whole number of epochs" in screen_text(pilot)
        await burst(pilot, "backspace", "4", "down", *["backspace"] * 3, "0.05", "enter")
        assert jobs.branched == [("net_003.pth", 4, 0.05)]
        assert "quick from one, epoch 3, on CIFAR-10" in screen_text(pilot)
        assert "Loss" in screen_text(pilot)


@pytest.mark.parametrize("typed", [("0", "0.1"), ("1.5", "0.1"), ("", "0.1"), ("3", "0"), ("3", "nan"), ("3", "")])
def test_what_is_no_choice_is_refused(typed: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="must be"):
        parse_choice(*typed)


@pytest.mark.slow
@pytest.mark.parametrize("key", ["j", "q", "question_mark"])
async def test_a_terminal_is_resized_behind_a_question(key: str) -> None:
    async with screen(ScriptedJobs(ScriptedConnection([*scripted.opening(), *scripted.epochs(1)])), (60, 20)) as pilot:
        await pilot.press(key)
        for size in ((20, 6), (200, 50), (60, 20)):
            await pilot.resize_terminal(*size)
            await settle(pilot)
    assert exception_in(pilot) is None
