"""The queue on the screen of all runs."""

from pathlib import Path

import pytest
from textual.pilot import Pilot

from cifar_tui.queue.changes import Change
from cifar_tui.queue.job import Job
from cifar_tui.queue.store import QueueStore
from cifar_tui.tui.app import ScreenOptions
from tests.run_folders import put_finished_run
from tests.tui.drive import AT_EVERY_SIZE, screen, screen_text, settle, until


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> QueueStore:
    monkeypatch.chdir(tmp_path)
    put_finished_run(tmp_path / "runs", "earlier", 1)
    return QueueStore(tmp_path / "runs")


def add(store: QueueStore, *names: str) -> None:
    jobs = tuple(Job(number=index + 1, run=name, preset="short") for index, name in enumerate(names))
    store.change(lambda _state: [Change(change="add", jobs=jobs, to=-1)])


def waiting(store: QueueStore) -> list[str]:
    return [entry.job.run for entry in store.read().in_order("waiting")]


@AT_EVERY_SIZE
async def test_jobs_that_run_and_wait_are_shown_below_the_runs(store: QueueStore, size: tuple[int, int]) -> None:
    add(store, "alpha", "beta", "gamma")
    store.change(lambda _state: [Change(change="start", number=1, text="cpu")])
    async with screen(None, size, options=ScreenOptions(all_runs=True)) as pilot:
        await until(lambda: "Queue: 1 running, 2 waiting, nothing runs it" in screen_text(pilot))
        assert "quit with q, then: " in screen_text(pilot)
        seen = screen_text(pilot)
        assert "earlier" in seen
        assert seen.index("alpha") < seen.index("beta") < seen.index("gamma")
        assert "waiting" in seen
        store.change(lambda _state: [Change(change="drop", number=2)])
        store.change(lambda _state: [Change(change="drop", number=3)])
        await until(lambda: "1 running, 0 waiting" in screen_text(pilot))
        assert "quit with q, then: " not in screen_text(pilot)


@pytest.mark.slow
async def test_without_a_queue_there_is_no_panel(store: QueueStore) -> None:
    async with screen(None, options=ScreenOptions(all_runs=True)) as pilot:
        await settle(pilot)
        assert "Queue" not in screen_text(pilot)
        add(store, "alpha")
        await until(lambda: "Queue: 0 running, 1 waiting" in screen_text(pilot))
        store.change(lambda _state: [Change(change="end", number=1, outcome="finished")])
        await until(lambda: "Queue" not in screen_text(pilot))


async def test_keys_move_drop_and_pause(store: QueueStore) -> None:
    add(store, "alpha", "beta", "gamma")
    async with screen(None, options=ScreenOptions(all_runs=True)) as pilot:
        await until(lambda: "Queue: 0 running, 3 waiting" in screen_text(pilot))
        await pilot.press("Q", "right_square_bracket")
        await until(lambda: waiting(store) == ["beta", "alpha", "gamma"])
        await until(lambda: screen_text(pilot).index("beta") < screen_text(pilot).index("alpha"))
        await pilot.press("left_square_bracket")
        await until(lambda: waiting(store) == ["alpha", "beta", "gamma"])
        assert "p Pause queue" in screen_text(pilot)
        await pilot.press("p")
        await until(lambda: "3 waiting, paused" in screen_text(pilot) and "p Resume queue" in screen_text(pilot))
        await pilot.press("p")
        await until(lambda: "paused" not in screen_text(pilot) and "p Pause queue" in screen_text(pilot))
        await pilot.press("D")
        await until(lambda: "Drop alpha from the queue?" in screen_text(pilot))
        await pilot.press("escape")
        await settle(pilot)
        assert waiting(store) == ["alpha", "beta", "gamma"]
        await pilot.press("D")
        await until(lambda: "Drop alpha from the queue?" in screen_text(pilot))
        await pilot.press("y")
        await until(lambda: waiting(store) == ["beta", "gamma"])
        await until(lambda: "alpha was dropped." in screen_text(pilot))
        await pilot.press("enter")
        await settle(pilot)
        assert "Queue: 0 running, 2 waiting" in screen_text(pilot)


async def test_escape_leads_from_the_queue_back_to_the_runs(store: QueueStore) -> None:
    add(store, "alpha")
    async with screen(None, options=ScreenOptions(all_runs=True)) as pilot:
        await until(lambda: "Queue: 0 running, 1 waiting" in screen_text(pilot))
        await pilot.press("Q")
        await until(lambda: "p Pause queue" in screen_text(pilot))
        await pilot.press("escape")
        await until(lambda: "p Pause queue" not in screen_text(pilot))
        assert "No run is open" not in screen_text(pilot)


@pytest.mark.slow
async def test_in_the_queue_no_key_changes_the_run_under_the_other_cursor(store: QueueStore) -> None:
    add(store, "alpha")
    async with screen(None, options=ScreenOptions(all_runs=True)) as pilot:
        await until(lambda: "Queue: 0 running, 1 waiting" in screen_text(pilot) and "earlier" in screen_text(pilot))
        assert "space Mark" in screen_text(pilot)
        assert "space Mark" not in await pressed(pilot, "Q")
        before = screen_text(pilot)
        for key in ("R", "j", "T", "b", "space", "slash", "n", "N", "o"):
            assert await pressed(pilot, key) == before, key
        assert "Rename" in await pressed(pilot, "Q", "R")


async def pressed(pilot: Pilot[int], *keys: str) -> str:
    """The screen after keys."""
    await pilot.press(*keys)
    await settle(pilot)
    return screen_text(pilot)


async def test_a_run_that_ended_while_nothing_ran_the_queue_is_not_shown_as_running(store: QueueStore) -> None:
    add(store, "earlier", "beta")
    store.change(lambda _state: [Change(change="start", number=1, text="cpu")])
    async with screen(None, options=ScreenOptions(all_runs=True)) as pilot:
        await until(lambda: "Queue: 0 running, 1 waiting, nothing runs it" in screen_text(pilot))


@AT_EVERY_SIZE
async def test_names_that_differ_at_their_ends_are_told_apart(store: QueueStore, size: tuple[int, int]) -> None:
    names = [f"smoke-20261126-140641-synthetic-lr0.1-seed{seed}" for seed in range(2)]
    add(store, *names, "third")
    store.change(lambda _state: [Change(change="end", number=3, outcome="failed")])
    async with screen(None, size, options=ScreenOptions(all_runs=True)) as pilot:
        await until(lambda: "Queue: 0 running, 2 waiting, 1 failed" in screen_text(pilot))
        assert "lr0.1-seed0 " in screen_text(pilot)
        assert "lr0.1-seed1 " in screen_text(pilot)


async def test_a_job_that_failed_without_a_run_is_shown_with_its_reason_and_tried_again(store: QueueStore) -> None:
    add(store, "alpha", "beta", "earlier")
    failed = [Change(change="end", number=number, outcome="failed", text="no such file: a.pth") for number in (1, 3)]
    store.change(lambda _state: failed)
    async with screen(None, options=ScreenOptions(all_runs=True)) as pilot:
        await until(lambda: "Queue: 0 running, 1 waiting, 2 failed" in screen_text(pilot))
        assert screen_text(pilot).count("failed: no such") == 1, "the list of runs shows the other"
        await pilot.press("Q", "down", "r")
        await until(lambda: "beta is waiting: only a job that has failed" in " ".join(screen_text(pilot).split()))
        await pilot.press("up", "r")
        await until(lambda: waiting(store) == ["alpha", "beta"])
        await until(lambda: "2 waiting, 1 failed" in screen_text(pilot))


async def test_options_in_which_jobs_differ_stand_first(store: QueueStore) -> None:
    jobs = tuple(
        Job(number=seed + 1, run=f"seed{seed}", preset="short", options={"epochs": "3", "seed": str(seed)})
        for seed in range(2)
    )
    store.change(lambda _state: [Change(change="add", jobs=jobs, to=-1)])
    async with screen(None, options=ScreenOptions(all_runs=True)) as pilot:
        await until(lambda: "--seed 1 --preset short" in screen_text(pilot))
