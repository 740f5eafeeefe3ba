"""A run that takes longer than an evening can be changed for a shorter one with a key, after a question."""

import dataclasses

from cifar_tui.control import Stop, requester_name
from cifar_tui.events import Event, RunStopped
from tests import scripted
from tests.scripted import ScriptedConnection, ScriptedJobs
from tests.tui.drive import AT_EVERY_SIZE, screen, screen_text, settle


def slow_steps(count: int) -> list[Event]:
    """Steps of 100 seconds each."""
    return [dataclasses.replace(scripted.step(number), seconds=100.0 * number) for number in range(1, count + 1)]


@AT_EVERY_SIZE
async def test_z_stops_the_run_and_starts_the_shorter_preset(size: tuple[int, int]) -> None:
    run, shorter = ScriptedConnection([*scripted.opening(), *slow_steps(3)]), ScriptedConnection(scripted.opening())
    jobs = ScriptedJobs(run, shorter)
    async with screen(jobs, size) as pilot:
        seen = " ".join(screen_text(pilot).split())
        assert "quick takes about 1 d 14 h" in seen
        await pilot.press("z")
        await settle(pilot)
        asked = screen_text(pilot)
        for expected in ("Train minutes instead?", "1 d 14 h", "4 h", "Stop this run, start minutes (y)"):
            assert expected in asked
        assert run.requests == []
        await pilot.press("y")
        await settle(pilot)
        assert run.requests == [Stop(requester_name())]
        assert jobs.presets == []
        run.emit(RunStopped(3, "net_001_step_00003.pth"))
        run.ended = True
        await settle(pilot)
        assert jobs.presets == ["minutes"]
        assert "Training" in screen_text(pilot)


async def test_a_run_that_ends_in_an_evening_offers_nothing() -> None:
    run = ScriptedConnection([*scripted.opening(), *scripted.epochs(1)])
    async with screen(ScriptedJobs(run)) as pilot:
        assert "horter" not in screen_text(pilot)
        await pilot.press("z")
        await settle(pilot)
        assert "instead" not in screen_text(pilot)


async def test_a_person_may_keep_the_long_run() -> None:
    run = ScriptedConnection([*scripted.opening(), *slow_steps(3)])
    async with screen(ScriptedJobs(run)) as pilot:
        assert "z Shorter preset" in screen_text(pilot)
        await pilot.press("z", "n")
        await settle(pilot)
        assert run.requests == []
        assert "Train short" not in screen_text(pilot)


async def test_an_attached_screen_offers_nothing() -> None:
    run = ScriptedConnection([*scripted.opening(), *slow_steps(3)])
    run.elsewhere = True
    async with screen(ScriptedJobs(run)) as pilot:
        assert "horter" not in screen_text(pilot)
