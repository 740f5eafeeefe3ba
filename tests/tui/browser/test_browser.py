import dataclasses
from pathlib import Path

import pytest

from cifar_tui.checkpoint_events import CheckpointSaved, EvaluationFailed, EvaluationProgressed, EvaluationStarted
from cifar_tui.control import CancelEvaluation, Evaluate
from cifar_tui.events import DataReady, Progressed, RunStopped
from cifar_tui.runs.checkpoints.sidecars import step_checkpoint, write_sidecar
from cifar_tui.runs.checkpoints.verdicts import StoredEvaluation, store_evaluation
from tests import scripted
from tests.scripted import ScriptedConnection, ScriptedJobs
from tests.tui.drive import AT_EVERY_SIZE, INTERVALS, burst, screen, screen_text, settle, until

QUICK = dataclasses.replace(INTERVALS, folder=0.02)


def running(folder: Path) -> ScriptedConnection:
    for number in (1, 2, 3):
        scripted.put_checkpoint(folder, number)
    return ScriptedConnection([*scripted.opening(folder), *scripted.epochs(3)])


@AT_EVERY_SIZE
async def test_the_browser_lists_what_was_saved(tmp_path: Path, size: tuple[int, int]) -> None:
    async with screen(ScriptedJobs(running(tmp_path)), size) as pilot:
        await pilot.press("c")
        await settle(pilot)
        seen = screen_text(pilot)
        assert "3 checkpoints" in seen
        for text in ("3 ★", "150", "80.00", "75.00", "7 B"):
            assert text in seen
        await pilot.press("escape")
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


@pytest.mark.slow
async def test_one_evaluation_at_a_time_and_x_cancels_it(tmp_path: Path) -> None:
    connection = running(tmp_path)
    async with screen(ScriptedJobs(connection)) as pilot:
        await pilot.press("e")
        connection.emit(EvaluationStarted("net_003.pth", 10_000))
        await settle(pilot)
        await pilot.press("down", "e")
        await settle(pilot)
        assert connection.requests == [Evaluate("net_003.pth")]
        assert "net_003.pth is being evaluated." in screen_text(pilot)
        await pilot.press("up", "enter")
        await settle(pilot)
        assert connection.requests == [Evaluate("net_003.pth")], "enter cancels nothing"
        await pilot.press("e")
        assert connection.requests[-1] == CancelEvaluation()


@pytest.mark.slow
async def test_an_evaluation_that_was_requested_says_so_until_it_begins(tmp_path: Path) -> None:
    connection = running(tmp_path)
    jobs = ScriptedJobs(connection)
    async with screen(jobs) as pilot:
        await pilot.press("c", "e")
        await settle(pilot)
        assert "Evaluating net_003.pth…" in screen_text(pilot)
        assert "It starts after this step." in screen_text(pilot)
        assert "Press e" not in screen_text(pilot)
        connection.emit(RunStopped(150, "net_003.pth"))
        connection.ended = True
        await settle(pilot)
        assert "Press e to evaluate" in screen_text(pilot), "nobody evaluates it any more"
        await pilot.press("e")
        await settle(pilot)
        assert "Loading the images…" in screen_text(pilot)
        jobs.evaluation.emit(Progressed("Reading images", 5, 10, "images", 0.1))
        await settle(pilot)
        assert "Reading images: 5 of 10" in screen_text(pilot)
        await pilot.press("e")
        assert jobs.evaluation.requests == [CancelEvaluation()]


@pytest.mark.slow
async def test_a_cancelled_evaluation_leaves_the_result_before(tmp_path: Path) -> None:
    connection = running(tmp_path)
    scripted.put_verdict(tmp_path, 3)
    async with screen(ScriptedJobs(connection)) as pilot:
        await pilot.press("c", "e")
        connection.emit(EvaluationFailed("net_003.pth", "The evaluation was cancelled.", damaged=False))
        await settle(pilot)
        assert "The evaluation was cancelled." in screen_text(pilot)
        assert "accuracy 85.50 %" in screen_text(pilot)


@pytest.mark.slow
async def test_an_accuracy_measured_in_a_shell_reaches_the_row_of_a_step_checkpoint(tmp_path: Path) -> None:
    connection = running(tmp_path)
    name = step_checkpoint(4, 170)
    facts = dataclasses.replace(scripted.sidecar_of(4), checkpoint=name, step=170, test_accuracy=None)
    (tmp_path / name).write_bytes(b"weights")
    write_sidecar(tmp_path, facts)
    async with screen(ScriptedJobs(connection), intervals=QUICK) as pilot:
        await pilot.press("c")
        await settle(pilot)
        assert "85.50" not in screen_text(pilot)
        evaluated = scripted.verdict(name)
        store_evaluation(tmp_path, StoredEvaluation(dataclasses.replace(evaluated, wrongest=()), "0" * 64, ()))
        await until(lambda: "  85.50 " in screen_text(pilot))
        await settle(pilot)
        assert "accuracy 85.50 %" in screen_text(pilot)
        connection.emit(DataReady("CIFAR-10", False, scripted.CLASSES, 50_000, 10_000, "ffffffff"))
        await burst(pilot, "/", "170")
        assert "  85.50 " not in screen_text(pilot), "measured on other images"


async def test_a_damaged_file_says_so(tmp_path: Path) -> None:
    connection = running(tmp_path)
    (tmp_path / "net_001.pth").write_bytes(b"cut")
    (tmp_path / "net_002.pth").unlink()
    async with screen(ScriptedJobs(connection)) as pilot:
        await pilot.press("c")
        await settle(pilot)
        assert "damaged" in screen_text(pilot)
        assert "missing" in screen_text(pilot)
        reason = "net_003.pth is damaged: its content has changed since it was saved (SHA-256 differs)."
        connection.emit(EvaluationFailed("net_003.pth", reason, damaged=True))
        await settle(pilot)
        assert "Damaged: this checkpoint cannot be used." in screen_text(pilot)
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
