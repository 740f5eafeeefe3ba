import dataclasses
import math
from pathlib import Path

import pytest
from textual.pilot import Pilot

from cifar_tui.checkpoint_events import CheckpointFailed, EvaluationStarted
from cifar_tui.control import (
    AddNote,
    ChangeRate,
    FinishEpoch,
    Ignore,
    Pause,
    Request,
    Resume,
    RollBack,
    SaveNow,
    Stop,
    requester_name,
)
from cifar_tui.errors import BadInput
from cifar_tui.events import (
    DataMissing,
    DataReady,
    Event,
    FinishPlanned,
    LossNotFinite,
    Noted,
    Paused,
    Progressed,
    RateChanged,
    Reopened,
    Resumed,
    RolledBack,
    RunFailed,
    RunFinished,
    RunResumed,
    RunStopped,
)
from cifar_tui.presets import preset
from cifar_tui.runs.checkpoints.states import StateRecord, commit_state
from cifar_tui.text import rate
from tests import scripted
from tests.scripted import ScriptedConnection, ScriptedJobs
from tests.tui.drive import AT_EVERY_SIZE, INTERVALS, app_of, burst, loss_axis, screen, screen_text, settle, until


def running(*more: Event) -> ScriptedConnection:
    return ScriptedConnection([*scripted.opening(), *scripted.epochs(3), *more])


@AT_EVERY_SIZE
async def test_a_person_sees_what_is_trained_and_how_far_it_is(size: tuple[int, int]) -> None:
    async with screen(ScriptedJobs(running(scripted.step(151))), size) as pilot:
        seen = screen_text(pilot)
        for expected in ("● Training", "quick on CIFAR-10", "epoch 4/26", "step 151/1,300", "loss", "accuracy", "rate"):
            assert expected in seen
        assert "Loss" in seen
        assert "● test 0.9" in seen or "● 0.9" in seen


@AT_EVERY_SIZE
async def test_another_optimizer_and_an_average_are_named_beside_the_preset(size: tuple[int, int]) -> None:
    recipe = dataclasses.replace(preset("quick").with_optimizer("adamw"), ema=0.999)
    events = [scripted.started(recipe=recipe), *scripted.opening()[1:], *scripted.epochs(3)]
    async with screen(ScriptedJobs(ScriptedConnection(events)), size) as pilot:
        assert "quick with adamw, ema 0.999 on C" in screen_text(pilot)


async def test_at_120_by_40_everything_is_in_view() -> None:
    async with screen(ScriptedJobs(running()), (120, 40)) as pilot:
        seen = screen_text(pilot)
        for expected in (
            "Loss",
            "Accuracy",
            "Learning rate",
            "Epochs",
            "CPU, 2 threads · fp32",
            "1,000 images/s",
            "left",
        ):
            assert expected in seen
        for expected in ("Processor", "Memory", "best test 71.66 % epoch 3", "3 ★", "71.66"):
            assert expected in seen


async def test_at_80_by_24_there_are_two_charts_and_the_table() -> None:
    async with screen(ScriptedJobs(running()), (80, 24)) as pilot:
        seen = screen_text(pilot)
        assert "Loss" in seen
        assert "Accuracy" in seen
        assert "3 ★" in seen
        assert "Learning rate" not in seen


async def test_at_60_by_20_one_panel_at_a_time_and_v_shows_the_next() -> None:
    async with screen(ScriptedJobs(running()), (60, 20)) as pilot:
        assert "─ Loss ─" in screen_text(pilot)
        seen = []
        for _ in range(4):
            await pilot.press("v")
            await settle(pilot)
            seen.append(screen_text(pilot))
        for title, text in zip(("─ Accuracy ─", "─ Epochs ─", "─ Learning rate ─", "Processor"), seen, strict=True):
            assert title in text
        await pilot.press("V")
        await settle(pilot)
        assert "─ Learning rate ─" in screen_text(pilot)


async def test_below_40_by_12_there_is_text_only() -> None:
    async with screen(ScriptedJobs(running()), (39, 11)) as pilot:
        assert "Make the terminal at least" in screen_text(pilot)
        assert "● Training" in screen_text(pilot)


async def test_the_screen_claims_a_pause_only_once_the_engine_has_confirmed_it() -> None:
    connection = running()
    async with screen(ScriptedJobs(connection)) as pilot:
        await pilot.press("p")
        await settle(pilot)
        assert connection.requests == [Pause(requester_name())]
        assert "Pausing…" in screen_text(pilot)
        assert "Paused" not in screen_text(pilot)
        connection.emit(Paused(150))
        await settle(pilot)
        assert "‖ Paused" in screen_text(pilot)
        assert "Pausing…" not in screen_text(pilot)
        assert "p Resume" in screen_text(pilot)
        await pilot.press("p")
        assert connection.requests == [Pause(requester_name()), Resume()]
        connection.emit(Resumed(150))
        await settle(pilot)
        assert "● Training" in screen_text(pilot)
        assert "p Pause" in screen_text(pilot)


async def test_stopping_asks_first() -> None:
    connection = running()
    async with screen(ScriptedJobs(connection)) as pilot:
        await pilot.press("s")
        await settle(pilot)
        assert "Stop this run?" in screen_text(pilot)
        await pilot.press("n")
        assert connection.requests == []
        await pilot.press("s")
        await pilot.press("y")
        assert connection.requests == [Stop(requester_name())]
        await settle(pilot)
        assert "Stopping…" in screen_text(pilot)
        assert "Stopped" not in screen_text(pilot)
        connection.emit(RunStopped(151, "net_004_step_00151.pth"))
        await settle(pilot)
        assert "■ Stopped" in screen_text(pilot)
        assert "Stopped after step 151 of 1,300, saved as net_004_step_00151.pth." in screen_text(pilot)


async def test_a_question_is_answered_with_the_mouse_too() -> None:
    connection = running()
    async with screen(ScriptedJobs(connection)) as pilot:
        await pilot.press("s")
        await settle(pilot)
        await pilot.click("#answer-y")
        assert connection.requests == [Stop(requester_name())]


@pytest.mark.parametrize("key", ["q", "ctrl+c"])
async def test_leaving_while_it_trains_asks_which_is_meant(key: str) -> None:
    connection = running()
    async with screen(ScriptedJobs(connection)) as pilot:
        await pilot.press(key)
        await settle(pilot)
        assert "Quit while training?" in screen_text(pilot)
        assert "training continues in the background" in screen_text(pilot)
        await pilot.press("escape")
        assert connection.requests == []
        await pilot.press("q")
        await pilot.press("s")
        assert connection.requests == [Stop(requester_name())]
        await settle(pilot)
        assert pilot.app.is_running
        connection.emit(RunStopped(151, "net_004_step_00151.pth"))
        connection.ended = True
        await settle(pilot)
        assert pilot.app.return_value == 0


@pytest.mark.parametrize("keys", [["d"], ["q", "d"]])
async def test_detaching_takes_the_screen_down_and_sends_no_request(keys: list[str]) -> None:
    connection = running()
    async with screen(ScriptedJobs(connection)) as pilot:
        await pilot.press(*keys)
        await pilot.pause()
    assert connection.requests == []
    assert app_of(pilot).leaving.ending == "detached"
    assert pilot.app.return_value == 0


async def test_ctrl_c_asks_then_stops_and_saves_then_leaves_at_once() -> None:
    connection = running()
    patient = dataclasses.replace(INTERVALS, interrupts=math.inf)
    async with screen(ScriptedJobs(connection), intervals=patient) as pilot:
        await pilot.press("ctrl+c")
        assert connection.requests == []
        await pilot.press("ctrl+c")
        assert connection.requests == [Stop(requester_name())]
        assert pilot.app.is_running
        await pilot.press("ctrl+c")
        await pilot.pause()
    assert app_of(pilot).leaving.ending == "at once"
    assert pilot.app.return_value == 130


@pytest.mark.slow
async def test_an_attached_screen_shows_who_paused_and_that_the_run_gives_no_sign_of_life() -> None:
    connection = running(Paused(150, "pts/7"))
    connection.elsewhere = True
    async with screen(ScriptedJobs(connection)) as pilot:
        assert "‖ Paused  by pts/7" in screen_text(pilot)
        connection.silent_seconds = 6.0
        await settle(pilot)
        assert "No sign of life" in screen_text(pilot)
        connection.silent_seconds = 0.0
        await pilot.press("p")
        assert connection.requests == [Resume()]
        await settle(pilot)
        assert "Resuming…" in screen_text(pilot)
        await pilot.press("q")
        await settle(pilot)
        assert "Detach: training continues, and" in screen_text(pilot)
        await pilot.press("d")
        await pilot.pause()
    assert pilot.app.return_value == 0


async def test_a_run_of_another_user_is_looked_at_only() -> None:
    connection = running()
    connection.elsewhere, connection.other_user = True, "root"
    async with screen(ScriptedJobs(connection)) as pilot:
        assert "Looking only" in screen_text(pilot)


@pytest.mark.slow
async def test_a_question_that_was_answered_on_another_screen_goes_away() -> None:
    connection = running(LossNotFinite(150, math.nan, waiting=True))
    async with screen(ScriptedJobs(connection)) as pilot:
        await settle(pilot)
        assert "The loss of step 150 is NaN" in screen_text(pilot)
        connection.emit(Resumed(150), scripted.step(151))
        await settle(pilot)
        assert "The loss of step 150 is NaN" not in screen_text(pilot)
    assert connection.requests == []


async def test_leaving_a_finished_run_ends_at_once() -> None:
    async with screen(ScriptedJobs(running(RunFinished(1_300, 0.9341)))) as pilot:
        assert "✓ Finished" in screen_text(pilot)
        assert "Finished 1,300 steps in 02:45: test accuracy 93.41 %." in screen_text(pilot)
        await pilot.press("q")
        await pilot.pause()
        assert pilot.app.return_value == 0


async def test_a_failure_is_shown_with_the_place_of_its_details_and_the_screen_stays() -> None:
    failed = RunFailed("ZeroDivisionError: division by zero", "/runs/one/failure.txt", 1)
    async with screen(ScriptedJobs(running(failed))) as pilot:
        assert "✗ Failed" in screen_text(pilot)
        assert "division by zero Details are in /runs/one/failure.txt" in screen_text(pilot).replace("zero.", "zero")
        await pilot.press("q")
        await pilot.pause()
        assert pilot.app.return_value == 1


async def test_what_cannot_work_before_training_leaves_the_screen_with_its_sentence() -> None:
    connection = ScriptedConnection([scripted.started(), RunFailed("There is no CUDA device here.", "", 2)])
    async with screen(ScriptedJobs(connection)) as pilot:
        assert pilot.app.return_value == 2
        assert str(app_of(pilot).leaving.failure) == "There is no CUDA device here."


async def test_a_refused_folder_leaves_the_screen_with_its_sentence() -> None:
    async with screen(ScriptedJobs(refusal=BadInput("The folder is not empty."))) as pilot:
        assert pilot.app.return_value == 2
        assert str(app_of(pilot).leaving.failure) == "The folder is not empty."


@pytest.mark.parametrize(("key", "trained_on"), [("r", [None, None]), ("s", [None, "synthetic"])])
async def test_without_the_data_set_a_person_chooses(key: str, trained_on: list[str | None]) -> None:
    missing = ScriptedConnection([scripted.started(), DataMissing("CIFAR-10 could not be downloaded.")])
    jobs = ScriptedJobs(missing, running())
    async with screen(jobs) as pilot:
        assert "CIFAR-10 could not be downloaded." in screen_text(pilot)
        assert "Synthetic images (s)" in screen_text(pilot)
        await pilot.press(key)
        await settle(pilot)
        assert jobs.trained_on == trained_on
        assert "● Training" in screen_text(pilot)


def words(pilot: Pilot[int]) -> set[str]:
    """The words on the screen: a long path wraps a text anywhere, and what is behind stands beside it."""
    return set(screen_text(pilot).replace("│", " ").split())


@pytest.mark.slow
@AT_EVERY_SIZE
async def test_without_the_data_set_a_folder_can_be_typed(size: tuple[int, int], tmp_path: Path) -> None:
    (tmp_path / "images" / "train").mkdir(parents=True)
    missing = ScriptedConnection([scripted.started(), DataMissing("CIFAR-10 could not be downloaded.")])
    jobs = ScriptedJobs(missing, running())
    async with screen(jobs, size) as pilot:
        await burst(pilot, "f", str(tmp_path / "squares"), "enter")
        assert {"not", "folder", "machine."} <= words(pilot)
        await burst(pilot, "ctrl+u", str(tmp_path), "enter")
        assert {"neither", "train/", "nor", "CIFAR-10,"} <= words(pilot)
        assert jobs.trained_on == [None]
        await burst(pilot, "/images", "enter")
        assert jobs.trained_on == [None, str(tmp_path / "images")]
        assert "● Training" in screen_text(pilot)


async def test_without_the_data_set_quitting_ends_with_2() -> None:
    missing = ScriptedConnection([scripted.started(), DataMissing("CIFAR-10 could not be downloaded.")])
    async with screen(ScriptedJobs(missing)) as pilot:
        await pilot.press("q")
        await pilot.pause()
        assert pilot.app.return_value == 2


async def test_long_work_before_training_shows_its_progress() -> None:
    progress = Progressed("Downloading CIFAR-10", 50_000_000, 170_000_000, "bytes", 10.0)
    async with screen(ScriptedJobs(ScriptedConnection([scripted.started(), progress]))) as pilot:
        assert "◌ Preparing" in screen_text(pilot)
        assert "Downloading CIFAR-10: 50.0 MB of 170.0 MB, 29 %, 5.0 MB/s, 24 s left" in screen_text(pilot)


async def test_synthetic_images_are_never_shown_as_cifar10() -> None:
    recipe = dataclasses.replace(preset("quick"), data="synthetic")
    events = scripted.opening()
    events[0] = scripted.started(recipe=recipe, run="quick-synthetic")
    events[1] = DataReady("synthetic images", True, scripted.CLASSES, 10_000, 2_000)
    async with screen(ScriptedJobs(ScriptedConnection([*events, scripted.step(1)]))) as pilot:
        assert "synthetic images" in screen_text(pilot)
        assert "CIFAR-10" not in screen_text(pilot)


async def test_testing_evaluating_and_notes_are_on_the_status_line() -> None:
    connection = running(Progressed("Testing epoch 4", 2_000, 10_000, "images", 4.0))
    async with screen(ScriptedJobs(connection)) as pilot:
        assert "◐ Testing" in screen_text(pilot)
        assert "Testing epoch 4: 2,000 of 10,000 images, 20 %, 16 s left" in screen_text(pilot)
        connection.emit(scripted.epoch(4), EvaluationStarted("net_003.pth", 10_000))
        await settle(pilot)
        assert "Evaluating net_003.pth: 0 of 10,000 images" in screen_text(pilot)
        connection.emit(scripted.verdict("net_003.pth"), Noted("bf16 has no hardware here."))
        await settle(pilot)
        assert "bf16 has no hardware here." in screen_text(pilot)
        connection.emit(CheckpointFailed("net_005.pth", "net_005.pth could not be saved: No space left on device."))
        await settle(pilot)
        assert "No space left on device" in screen_text(pilot)


@pytest.mark.slow
@pytest.mark.parametrize("wild", [math.nan, math.inf, -math.inf, 1e30, -1e30, 0.0])
async def test_a_wild_loss_is_marked_and_takes_nothing_down(wild: float) -> None:
    steps = [scripted.step(number, loss=wild if number == 60 else None) for number in range(1, 120)]
    async with screen(ScriptedJobs(ScriptedConnection([*scripted.opening(), *steps]))) as pilot:
        seen = screen_text(pilot)
        assert 2 <= max(loss_axis(seen)) <= 4
        if wild == 1e30:
            assert "▲" in seen
        if not math.isfinite(wild):
            assert "✗" in seen


async def test_a_loss_that_is_nan_now_says_so() -> None:
    async with screen(ScriptedJobs(running(scripted.step(151, loss=math.nan)))) as pilot:
        assert "loss NaN" in screen_text(pilot)


@pytest.mark.fault(21)
async def test_hostile_names_reach_the_screen_as_plain_signs() -> None:
    events = scripted.opening()
    events[0] = scripted.started(run="a\x1b]52;c;aGk=\x07[/x]")
    events[1] = DataReady("images in [/x]\x1b[2J", False, ("[/b]\x1b[31m", *scripted.CLASSES[1:]), 50_000, 10_000)
    async with screen(ScriptedJobs(ScriptedConnection([*events, scripted.step(1), Noted("[/x]")]))) as pilot:
        seen = screen_text(pilot)
        assert "images in [/x]�[2J" in seen
        assert "\x1b" not in seen


async def test_help_shows_every_key_of_the_footer() -> None:
    async with screen(ScriptedJobs(running())) as pilot:
        await pilot.press("question_mark")
        await settle(pilot)
        for text in ("Pause before the next step", "asks first", "Show the saved checkpoints", "newest checkpoint"):
            assert text in screen_text(pilot)
        await pilot.press("pagedown", "pagedown", "pagedown")
        await settle(pilot)
        for text in ("Choose the colour theme", "Quit (while training it asks", "all commands", "whole screen"):
            assert text in screen_text(pilot)
        await pilot.press("escape")
        await settle(pilot)
        assert "Show all keys" not in screen_text(pilot)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("typed", "found"), [("learn", "Change the learning rate"), ("axes zoom", "Halve the vertical axes")]
)
async def test_help_is_searched_by_typing(typed: str, found: str) -> None:
    async with screen(ScriptedJobs(running()), (60, 20)) as pilot:
        await burst(pilot, "?", typed)
        assert found in " ".join(screen_text(pilot).split())
        assert "Pause before" not in screen_text(pilot)
        await burst(pilot, "nothing")
        assert "No key for that here." in screen_text(pilot)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("typed", "found"),
    [("learn", "Change the learning rate"), ("overlay", "Overlay other runs"), ("pause", "Continue a paused run")],
)
async def test_the_palette_searches_what_commands_do(typed: str, found: str) -> None:
    async with screen(ScriptedJobs(running(Paused(150)))) as pilot:
        await pilot.press("ctrl+p")
        await settle(pilot)
        await burst(pilot, typed)
        await until(lambda: found in screen_text(pilot))


@pytest.mark.slow
async def test_a_rate_that_changes_more_than_tenfold_is_asked_about_again() -> None:
    connection = running(scripted.step(151))
    async with screen(ScriptedJobs(connection)) as pilot:
        await burst(pilot, "l", "5", "enter")
        assert "Set the learning rate to 5?" in screen_text(pilot)
        assert f"It is {rate(scripted.step(151).learning_rate)} now" in screen_text(pilot)
        await burst(pilot, "enter")
        assert not any(isinstance(request, ChangeRate) for request in connection.requests), "enter cancels"
        await burst(pilot, "l", "x0.01", "enter", "y")
        assert connection.requests[-1] == ChangeRate(0.01, relative=True)


@pytest.mark.slow
async def test_the_question_about_the_rate_keeps_up_with_the_schedule() -> None:
    connection = running(scripted.step(151))
    async with screen(ScriptedJobs(connection)) as pilot:
        await burst(pilot, "l")
        assert f"It is {rate(scripted.step(151).learning_rate)} now" in screen_text(pilot)
        connection.emit(*(scripted.step(number) for number in range(152, 400)))
        await until(lambda: f"It is {rate(scripted.step(399).learning_rate)} now" in screen_text(pilot))


async def test_a_note_is_written_into_the_journal() -> None:
    connection = running(scripted.step(151))
    async with screen(ScriptedJobs(connection)) as pilot:
        await burst(pilot, "j", "hello", "enter")
        assert connection.requests[-1] == AddNote("hello", requester_name())


@pytest.mark.slow
async def test_the_focus_of_a_question_and_checked_panels_are_told_by_signs() -> None:
    async with screen(ScriptedJobs(running())) as pilot:
        await burst(pilot, "q")
        assert "› Detach (d)" in screen_text(pilot)
        await burst(pilot, "right")
        assert "› Stop and save (s)" in screen_text(pilot)
        assert "› Detach" not in screen_text(pilot)
        await burst(pilot, "escape", "h")
        assert "[x] Loss" in screen_text(pilot)
        await burst(pilot, "space")
        assert "[ ] Loss" in screen_text(pilot)
        await burst(pilot, "enter")
        assert "Panels" not in screen_text(pilot), "enter confirms"
        assert "Loss ─" not in screen_text(pilot)


async def test_the_palette_has_every_command() -> None:
    connection = running()
    async with screen(ScriptedJobs(connection)) as pilot:
        await pilot.press("ctrl+p")
        await settle(pilot)
        for text in ("Pause", "Stop", "Checkpoints", "Evaluate", "View", "Theme", "Quit"):
            assert text in screen_text(pilot)
        await burst(pilot, "pause", "enter")
        assert connection.requests == [Pause(requester_name())]


async def test_a_theme_is_chosen_from_a_list() -> None:
    async with screen(ScriptedJobs(running())) as pilot:
        await pilot.press("t")
        await settle(pilot)
        for name in ("night", "day", "clear", "sixteen"):
            assert name in screen_text(pilot)
        await burst(pilot, "day", "enter")
        assert pilot.app.theme == "day"


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["night", "day", "clear", "sixteen"])
async def test_every_theme_draws_the_whole_screen(theme: str) -> None:
    async with screen(ScriptedJobs(running()), theme=theme) as pilot:
        assert "● Training" in screen_text(pilot)
        assert "test 0.903" in screen_text(pilot)


@pytest.mark.slow
@pytest.mark.fault(7)
async def test_a_storm_of_resizes_leaves_the_screen_right() -> None:
    async with screen(ScriptedJobs(running())) as pilot:
        for width, height in [
            (1, 1),
            (200, 50),
            (60, 20),
            (13, 90),
            (300, 12),
            (40, 12),
            (80, 24),
            (5, 5),
            (120, 40),
        ] * 3:
            await pilot.resize_terminal(width, height)
        await settle(pilot)
        assert "Learning rate" in screen_text(pilot)
        assert "3 ★" in screen_text(pilot)


@pytest.mark.parametrize(("typed", "asked"), [("0.05", ChangeRate(0.05)), ("x0.5", ChangeRate(0.5, relative=True))])
async def test_the_learning_rate_is_set_or_scaled(typed: str, asked: ChangeRate) -> None:
    connection = running(scripted.step(151))
    async with screen(ScriptedJobs(connection)) as pilot:
        await pilot.press("l")
        await settle(pilot)
        assert "Change the learning rate" in screen_text(pilot)
        await burst(pilot, "fast", "enter")
        assert "'fast' must be a number above 0" in screen_text(pilot)
        await burst(pilot, *["backspace"] * 4, typed, "enter")
        assert asked in connection.requests
        connection.emit(RateChanged(152, 0.05, ((152, 0.5),)))
        await settle(pilot)
        assert "Learning rate 0.05 from step 152." in screen_text(pilot)
        assert "◆" in screen_text(pilot)


async def test_finishing_the_epoch_is_confirmed_and_called_off() -> None:
    connection = running(scripted.step(151))
    async with screen(ScriptedJobs(connection)) as pilot:
        await pilot.press("f")
        assert FinishEpoch() in connection.requests
        assert "Stopping after epoch" not in screen_text(pilot)
        connection.emit(FinishPlanned(4))
        await settle(pilot)
        assert "Stopping after epoch 4 (f cancels)" in screen_text(pilot)
        connection.emit(FinishPlanned(0))
        await settle(pilot)
        assert "Stopping after epoch" not in screen_text(pilot)


async def test_saving_now_sends_a_request() -> None:
    connection = running(scripted.step(151))
    async with screen(ScriptedJobs(connection)) as pilot:
        await pilot.press("w")
        assert SaveNow() in connection.requests


@pytest.mark.parametrize(("key", "request_"), [("b", RollBack()), ("i", Ignore()), ("s", Stop())])
async def test_a_nonfinite_loss_is_a_question(key: str, request_: Request) -> None:
    connection = running(scripted.step(151), LossNotFinite(152, math.nan, waiting=True))
    async with screen(ScriptedJobs(connection), (80, 24)) as pilot:
        seen = screen_text(pilot)
        assert "The loss of step 152 is NaN" in seen
        assert "Roll back, halve the rate (b)" in seen
        assert "‖ Paused" in seen
        await pilot.press("escape")
        await settle(pilot)
        assert "The loss of step 152 is NaN" in screen_text(pilot), "training waits, so the question comes back"
        await pilot.press(key)
        assert connection.requests[-1] == request_
        connection.emit(RolledBack(152, 150, 0.05, ((151, 0.5),)))
        await settle(pilot)
        assert "Rolled back from step 152 to step 150" in screen_text(pilot)


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (60, 20), (40, 12)])
async def test_every_answer_to_a_question_is_in_view(size: tuple[int, int]) -> None:
    connection = running(scripted.step(151), LossNotFinite(152, math.nan, waiting=True))
    async with screen(ScriptedJobs(connection), size) as pilot:
        for answer in ("(b)", "(i)", "(s)"):
            assert answer in screen_text(pilot)


def stopped(folder: Path, *, state: bool = True) -> ScriptedConnection:
    """A run that was stopped, with a training state on disk or without."""
    if state:
        commit_state(folder, StateRecord(step=150, size=1, sha256="0", images="0", environment={}, saved_at=0.0))
    run = RunStopped(150, "net_003.pth")
    return ScriptedConnection([*scripted.opening(folder), *scripted.epochs(3), run])


async def test_a_run_without_a_training_state_offers_no_resume(tmp_path: Path) -> None:
    jobs = ScriptedJobs(stopped(tmp_path, state=False))
    async with screen(jobs) as pilot:
        assert "Stopped after step 150" in screen_text(pilot)
        assert "r Resume" not in screen_text(pilot)
        await pilot.press("r")
        await settle(pilot)
        assert jobs.resumed == 0


async def test_a_stopped_run_is_resumed_from_the_screen(tmp_path: Path) -> None:
    again = ScriptedConnection([*scripted.opening(), *scripted.epochs(1), Reopened("/runs/one")])
    jobs = ScriptedJobs(stopped(tmp_path), again)
    async with screen(jobs) as pilot:
        await pilot.press("r")
        await settle(pilot)
        assert jobs.resumed == 1
        assert again.attended is True
        assert "Preparing" in screen_text(pilot)
        again.emit(RunResumed(50, preset("quick"), (), "", 0.0, "0.1.0"))
        again.emit(*scripted.opening()[1:], scripted.step(51))
        await settle(pilot)
        assert "● Training" in screen_text(pilot)
        assert "Resumed after step 50, bit-exact." in screen_text(pilot)


async def test_a_run_that_cannot_resume_says_why_and_the_screen_stays(tmp_path: Path) -> None:
    jobs = ScriptedJobs(stopped(tmp_path))
    async with screen(jobs) as pilot:
        jobs.refuse(BadInput("There is no training state."))
        await pilot.press("r")
        await settle(pilot)
        assert "There is no training state." in screen_text(pilot)
        assert "Stopped after step 150" in screen_text(pilot)


async def test_an_evaluation_that_cannot_start_says_why_and_the_screen_stays() -> None:
    jobs = ScriptedJobs(running(RunStopped(150, "net_003.pth")))
    async with screen(jobs) as pilot:
        jobs.refuse(BadInput("Cannot write to the folder."))
        await pilot.press("e")
        await settle(pilot)
        assert "Cannot write to the folder." in screen_text(pilot)


async def test_a_read_only_run_offers_no_controls_and_is_left_at_once() -> None:
    connection = running(scripted.step(151))
    connection.accepting, connection.elsewhere = False, True
    jobs = ScriptedJobs(connection)
    async with screen(jobs) as pilot:
        seen = screen_text(pilot)
        for missing in ("p Pause", "s Stop"):
            assert missing not in seen
        await pilot.press("p", "s", "l", "w", "f")
        await pilot.press("e")
        await settle(pilot)
        assert jobs.evaluated == ["net_003.pth"], "measured here, since the run does not hear us"
        await pilot.press("escape", "q")
        await pilot.pause()
    assert connection.requests == []
    assert pilot.app.return_value == 0


@AT_EVERY_SIZE
async def test_wide_characters_in_names_hold(size: tuple[int, int]) -> None:
    events = scripted.opening()
    events[0] = scripted.started(run="実験" * 30)
    events[1] = DataReady("写真 in 画像のフォルダー" * 9, False, scripted.CLASSES, 50_000, 10_000)
    async with screen(ScriptedJobs(ScriptedConnection([*events, scripted.step(1)])), size) as pilot:
        status = pilot.app.screen.query_one("#status")
        for row in range(4):
            assert status.render_line(row).cell_length == status.size.width
        assert "写真" in screen_text(pilot)


@AT_EVERY_SIZE
async def test_an_answer_to_a_key_covers_no_keys_and_no_number(size: tuple[int, int]) -> None:
    async with screen(ScriptedJobs(running(scripted.step(151))), size) as pilot:
        before = screen_text(pilot).splitlines()
        await pilot.press("w")
        await until(lambda: "Saving after this step…" in screen_text(pilot))
        after = screen_text(pilot).splitlines()
        changed = [row for row, (one, other) in enumerate(zip(before, after, strict=True)) if one != other]
        assert changed == [3], "only where news are"
