"""The header: what stands in it at every size, what moves in it, and what goes from it by itself."""

import dataclasses
import math
import re

import pytest
from textual.pilot import Pilot

from cifar_tui.checkpoint_events import CheckpointFailed, CheckpointSaved
from cifar_tui.events import Event, FinishPlanned, Noted, PaceMeasured, Paused, Progressed, Resumed, RunFinished
from cifar_tui.presets import preset
from cifar_tui.recipe import Ancestor
from tests import scripted
from tests.scripted import ScriptedConnection, ScriptedJobs
from tests.tui.drive import AT_EVERY_SIZE, SIZES, SetClock, screen, screen_text, settle, until

LABELS = ("epoch", "step", "accuracy", "best", "rate")


def header(pilot: Pilot[int]) -> list[str]:
    return [row.strip() for row in screen_text(pilot).splitlines()[:4]]


def training(steps: int, *more: Event) -> ScriptedConnection:
    done = [scripted.step(number) for number in range(1, steps + 1)]
    return ScriptedConnection([*scripted.opening(), *done, *more])


async def test_the_time_so_far_the_time_left_and_the_hour_of_the_end(clock: SetClock) -> None:
    connection = training(100)
    async with screen(ScriptedJobs(connection), intervals=clock.intervals) as pilot:
        assert "01:40 elapsed · 21 min left · ends 12:21" in header(pilot)[1]
        connection.emit(FinishPlanned(3))
        await settle(pilot)
        assert "01:40 elapsed · 53 s left · ends 12:00" in header(pilot)[1]
        connection.emit(FinishPlanned(0), Paused(100))
        await settle(pilot)
        assert "01:40 elapsed · 21 min left" in header(pilot)[1]
        assert "ends" not in header(pilot)[1], "nobody knows when it goes on"


async def test_an_end_after_midnight_is_told_without_its_day(clock: SetClock) -> None:
    clock.seconds += 11.9 * 3_600
    async with screen(ScriptedJobs(training(100)), intervals=clock.intervals) as pilot:
        assert "ends 00:15" in header(pilot)[1]


async def test_the_clock_goes_on_between_two_steps_but_not_in_a_pause(clock: SetClock) -> None:
    connection = training(100)
    async with screen(ScriptedJobs(connection), intervals=clock.intervals) as pilot:
        clock.seconds += 7
        await until(lambda: "01:47 elapsed" in screen_text(pilot))
        connection.emit(Paused(100))
        await settle(pilot)
        assert "01:40 elapsed" in header(pilot)[1]
        before = screen_text(pilot)
        clock.seconds += 3_600
        await settle(pilot)
        assert screen_text(pilot) == before


@AT_EVERY_SIZE
async def test_before_the_first_step_a_clock_shows_that_it_lives(size: tuple[int, int], clock: SetClock) -> None:
    connection = ScriptedConnection()
    async with screen(ScriptedJobs(connection), size, intervals=clock.intervals) as pilot:
        assert screen_text(pilot).lower().count("starting") == 1
        clock.seconds += 4
        await until(lambda: header(pilot)[1] == "Loading… 00:04")
        connection.emit(scripted.started(), Progressed("Loading torchvision", 0, None, "", 0.0))
        await settle(pilot)
        clock.seconds += 5
        await until(lambda: header(pilot)[1] == "Loading torchvision… 00:05")
        connection.emit(*scripted.opening()[1:])
        await settle(pilot)
        clock.seconds += 67
        await until(lambda: header(pilot)[2] == "Waiting for the first step… 01:07")
        assert screen_text(pilot).count("Waiting for the first step…") > 1, "on the charts, too"
        connection.emit(scripted.step(1))
        await settle(pilot)
        assert "Waiting" not in screen_text(pilot)


@pytest.mark.slow
@pytest.mark.parametrize("size", [*SIZES, (40, 12)])
async def test_nothing_jumps_while_numbers_grow(size: tuple[int, int], clock: SetClock) -> None:
    connection = training(2)
    async with screen(ScriptedJobs(connection), size, intervals=clock.intervals) as pilot:
        places = set()
        for step in (3, 9, 10, 50, 51, 99, 100, 999, 1_000, 1_299):
            connection.emit(dataclasses.replace(scripted.step(step), accuracy=step / 1_300, seconds=math.log(step)))
            await settle(pilot)
            rows = screen_text(pilot).splitlines()[1:3]
            found = [re.search(f"{word} ", row) for row in rows for word in LABELS]
            places.add(tuple(one.start() for one in found if one))
        assert len(places) == 1


@pytest.mark.parametrize(("size", "label"), [((120, 40), "best test"), ((80, 24), "best test"), ((60, 20), "best")])
async def test_the_important_numbers_stay_at_every_size(size: tuple[int, int], label: str, clock: SetClock) -> None:
    connection = ScriptedConnection([*scripted.opening(), *scripted.epochs(3), scripted.step(151)])
    best = f"{label} 71.66 % epoch 3"
    async with screen(ScriptedJobs(connection), size, intervals=clock.intervals) as pilot:
        seen = "\n".join(header(pilot))
        for expected in ("epoch 4/26", "step 151/1,300", "21 min left · ends 12:21", "1,000 images/s", "rate", best):
            assert expected in seen
        connection.emit(Noted("The disk is slow."))
        await settle(pilot)
        assert header(pilot)[3] == "The disk is slow."
        assert best in header(pilot)[2]


@pytest.mark.parametrize("size", [*SIZES, (40, 12)])
async def test_the_name_and_the_origin_of_a_run_stay_in_the_title(size: tuple[int, int]) -> None:
    parent = Ancestor(run="grandparent-with-a-long-name-indeed", checkpoint="net_055.pth", sha256="0" * 64, epoch=55)
    recipe = dataclasses.replace(preset("quick"), parent=parent)
    events = scripted.opening()
    events[0] = scripted.started(recipe=recipe, run="a-name-longer-than-there-is-room-for-in-most-terminals")
    async with screen(ScriptedJobs(ScriptedConnection([*events, scripted.step(1)])), size) as pilot:
        title = header(pilot)[0]
        assert re.search(r"run a-\S*…\S*ls$", title)
        assert size[0] < 80 or re.search(r"from gra\S*…?\S*eed, epoch 55", title)


async def test_a_note_goes_by_itself(clock: SetClock) -> None:
    connection = ScriptedConnection([*scripted.opening(), *scripted.epochs(3), Paused(150)])
    async with screen(ScriptedJobs(connection), intervals=clock.intervals) as pilot:
        connection.emit(Noted("Started in the background."))
        await settle(pilot)
        assert header(pilot)[3] == "Started in the background."
        clock.seconds += clock.intervals.note - 1
        await settle(pilot)
        assert header(pilot)[3] == "Started in the background."
        clock.seconds += 1
        await until(lambda: header(pilot)[3] == "")
        await pilot.press("c")
        await settle(pilot)
        assert "Started in the background" not in screen_text(pilot), "no news on another screen either"


async def test_a_warning_stays_for_as_long_as_it_holds(clock: SetClock) -> None:
    failed = CheckpointFailed("net_003.pth", "net_003.pth could not be saved: No space left on device.")
    connection = ScriptedConnection([*scripted.opening(), *scripted.epochs(2), failed, scripted.step(101)])
    async with screen(ScriptedJobs(connection), intervals=clock.intervals) as pilot:
        clock.seconds += 1_000
        connection.emit(Noted("Something else."))
        await settle(pilot)
        assert header(pilot)[3] == "Something else."
        clock.seconds += 1_000
        await until(lambda: header(pilot)[3] == failed.reason)
        connection.emit(CheckpointSaved("net_004.pth", 4, 200))
        await settle(pilot)
        assert failed.reason not in screen_text(pilot)


async def test_a_finished_run_says_how_long_it_took(clock: SetClock) -> None:
    connection = ScriptedConnection([*scripted.opening(), *scripted.epochs(3), RunFinished(150, 0.446)])
    async with screen(ScriptedJobs(connection), intervals=clock.intervals) as pilot:
        assert "Finished 150 steps in 02:45: test accuracy 44.60 %" in header(pilot)[3]
        assert header(pilot)[1].endswith("02:45 elapsed")


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [math.nan, math.inf, -math.inf, 1e300, 1e17, -5.0, 0.0])
async def test_a_wild_time_takes_nothing_down(seconds: float) -> None:
    wild = [dataclasses.replace(scripted.step(number), seconds=seconds) for number in (11, 12)]
    async with screen(ScriptedJobs(training(10, *wild, scripted.epoch(1)))) as pilot:
        assert "step 12/1,300" in header(pilot)[1]


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
async def test_the_slowest_of_several_processes_is_named_while_they_train(size: tuple[int, int]) -> None:
    connection = training(50, PaceMeasured(1, 0.124))
    async with screen(ScriptedJobs(connection), size) as pilot:
        assert "Training  slowest rank 1: 12 % longer  " in header(pilot)[0]
        assert header(pilot)[0].endswith("run one")
        connection.emit(Paused(50))
        await settle(pilot)
        assert "slowest" not in screen_text(pilot)
        connection.emit(Resumed(50), PaceMeasured(13, 1.5))
        await settle(pilot)
        assert "slowest rank 13: 150 % longer" in header(pilot)[0]
        connection.emit(PaceMeasured(0, 0.04))
        await settle(pilot)
        assert "slowest" not in screen_text(pilot), "too little for a word"


async def test_a_narrow_screen_keeps_the_name_of_the_run_rather_than_the_slowest_process() -> None:
    async with screen(ScriptedJobs(training(50, PaceMeasured(1, 0.124))), (60, 20)) as pilot:
        assert "slowest" not in screen_text(pilot)
        assert header(pilot)[0].endswith("run one")


async def test_processes_that_were_started_again_are_compared_anew() -> None:
    connection = training(50, PaceMeasured(1, 0.124))
    async with screen(ScriptedJobs(connection)) as pilot:
        connection.emit(scripted.opening()[-1], scripted.step(51))
        await settle(pilot)
        assert "slowest" not in screen_text(pilot)
