import pytest

from cifar_tui.events import DataMissing
from tests import scripted
from tests.scripted import ScriptedConnection, ScriptedJobs
from tests.tui.drive import screen, screen_text, settle


@pytest.mark.slow
async def test_a_terminal_may_be_resized_behind_a_question() -> None:
    missing = ScriptedConnection([scripted.started(), DataMissing("MNIST could not be downloaded.")])
    async with screen(ScriptedJobs(missing), (80, 24)) as pilot:
        for size in ((60, 20), (120, 40), (80, 24), (200, 50)):
            await pilot.resize_terminal(*size)
            await settle(pilot)
            shown = screen_text(pilot)
            assert "MNIST could not be downloaded." in shown
            assert "Try again (r)" in shown
            assert "? Keys" in shown, "the screen behind is drawn, too"
