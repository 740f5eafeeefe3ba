from pathlib import Path

import pytest

from cifar_tui.checkpoint_events import CheckpointSaved, EvaluationFailed, EvaluationProgressed, EvaluationStarted
from cifar_tui.control import CancelEvaluation, Evaluate
from cifar_tui.events import RunStopped
from tests import scripted
from tests.scripted import ScriptedConnection, ScriptedJobs
from tests.tui.drive import SIZES, screen, screen_text, settle


def running(folder: Path) -> ScriptedConnection:
    for number in (1, 2, 3):
        scripted.put_checkpoint(folder, number)
    return ScriptedConnection([*scripted.opening(folder), *scripted.epochs(3)])


@pytest.mark.parametrize("size", SIZES)
async def test_the_browser_lists_what_was_saved(tmp_path: Path, size: tuple[int, int]) -> None:
    async with screen(ScriptedJobs(running(tmp_path)), size) as pilot:
        await pilot.press("c")
        await settle(pilot)
        seen = screen_text(pilot)
        assert "3 checkpoints" in seen
        for text in ("3 ★", "150", "80.00", "75.00", "7 B"):
            assert text in seen
        await pilot.press("c")
        await settle(pilot)
        assert "3 checkpoints" not in screen_text(pilot)


async def test_a_checkpoint_of_a_live_run_is_evaluated_by_its_engine(tmp_path: Path) -> None:
    connection = running(tmp_path)
    async with screen(ScriptedJobs(connection)) as pilot:
        await pilot.press("c")
        await settle(pilot)
        assert "net_003.pth is not evaluated yet." in screen_text(pilot)
        await pilot.press("down", "e")
        assert connection.requests == [Evaluate("net_002.pth")]
        connection.emit(EvaluationStarted("net_002.pth", 10_000), EvaluationProgressed("net_002.pth", 4_000, 10_000))
        await settle(pilot)
        assert "4,000 of 10,000 test images" in screen_text(pilot)
        assert "40 %" in screen_text(pilot)
        connection.emit(scripted.verdict("net_002.pth"))
        await settle(pilot)
        seen = screen_text(pilot)
        for text in ("accuracy 85.50 %", "loss 0.4312", "airplane", "90.0 %", "truck", "81.0 %"):
            assert text in seen


@pytest.mark.parametrize("size", [(80, 24), (60, 20)])
async def test_every_class_is_in_view_on_small_screens(tmp_path: Path, size: tuple[int, int]) -> None:
    connection = running(tmp_path)
    async with screen(ScriptedJobs(connection), size) as pilot:
        await pilot.press("c")
        connection.emit(scripted.verdict("net_003.pth"))
        await settle(pilot)
        assert all(name in screen_text(pilot) for name in scripted.CLASSES)


async def test_e_on_the_dashboard_evaluates_the_newest(tmp_path: Path) -> None:
    connection = running(tmp_path)
    async with screen(ScriptedJobs(connection)) as pilot:
        await pilot.press("e")
        await settle(pilot)
        assert connection.requests == [Evaluate("net_003.pth")]
        assert "3 checkpoints" in screen_text(pilot)


async def test_e_before_the_first_checkpoint_says_when_it_comes() -> None:
    connection = ScriptedConnection([*scripted.opening(), scripted.step(1)])
    async with screen(ScriptedJobs(connection)) as pilot:
        await pilot.press("e")
        await settle(pilot)
        assert "No checkpoint yet" in screen_text(pilot)
        assert connection.requests == []


async def test_a_checkpoint_of_an_ended_run_is_evaluated_by_a_job_of_its_own(tmp_path: Path) -> None:
    connection = running(tmp_path)
    connection.emit(RunStopped(150, "net_003.pth"))
    connection.ended = True
    jobs = ScriptedJobs(connection)
    async with screen(jobs) as pilot:
        await pilot.press("c")
        await settle(pilot)
        await pilot.press("enter")
        assert jobs.evaluated == ["net_003.pth"]
        assert connection.requests == []
        jobs.evaluation.emit(scripted.verdict("net_003.pth"))
        jobs.evaluation.ended = True
        await settle(pilot)
        assert "accuracy 85.50 %" in screen_text(pilot)
        assert "■ Stopped" in screen_text(pilot)


async def test_one_evaluation_at_a_time_and_x_cancels_it(tmp_path: Path) -> None:
    connection = running(tmp_path)
    async with screen(ScriptedJobs(connection)) as pilot:
        await pilot.press("e")
        connection.emit(EvaluationStarted("net_003.pth", 10_000))
        await settle(pilot)
        await pilot.press("down", "e")
        await settle(pilot)
        assert connection.requests == [Evaluate("net_003.pth")]
        assert "An evaluation is under way" in screen_text(pilot)
        await pilot.press("x")
        assert connection.requests[-1] == CancelEvaluation()


async def test_a_damaged_file_says_so(tmp_path: Path) -> None:
    connection = running(tmp_path)
    (tmp_path / "net_001.pth").write_bytes(b"cut")
    (tmp_path / "net_002.pth").unlink()
    async with screen(ScriptedJobs(connection)) as pilot:
        await pilot.press("c")
        await settle(pilot)
        assert "damaged" in screen_text(pilot)
        assert "missing" in screen_text(pilot)
        reason = "net_003.pth is damaged: its content is not what was saved (SHA-256 differs)."
        connection.emit(EvaluationFailed("net_003.pth", reason, damaged=True))
        await settle(pilot)
        assert "Damaged: it cannot be used." in screen_text(pilot)
        assert "SHA-256" in screen_text(pilot)


async def test_a_new_checkpoint_appears_by_itself(tmp_path: Path) -> None:
    connection = running(tmp_path)
    async with screen(ScriptedJobs(connection)) as pilot:
        await pilot.press("c")
        await settle(pilot)
        scripted.put_checkpoint(tmp_path, 4)
        connection.emit(CheckpointSaved("net_004.pth", 4, 200))
        await settle(pilot)
        assert "net_004.pth" in screen_text(pilot)
