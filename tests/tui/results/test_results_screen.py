"""The screen of results, from the screen of all runs."""

import dataclasses
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot

from cifar_tui.events import RunFinished
from cifar_tui.presets import preset
from cifar_tui.tui.app import ScreenOptions
from tests import scripted
from tests.run_folders import put_live_run, put_result, write_events
from tests.tui.drive import AT_EVERY_SIZE, screen, screen_text, settle, until

SHORT = dataclasses.replace(preset("short"), epochs=2)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "runs"


def put_sweep(place: Path) -> None:
    noise = random.Random(0)
    for rate, mean in ((0.05, 0.88), (0.1, 0.90), (0.2, 0.87)):
        for seed in range(3):
            recipe = dataclasses.replace(SHORT, learning_rate=rate, seed=seed)
            put_result(place, f"lr{rate}-s{seed}", mean + noise.gauss(0, 0.002), recipe)


@asynccontextmanager
async def results_of(*keys: str, size: tuple[int, int] = (120, 40)) -> AsyncIterator[Pilot[int]]:
    """The results, after keys on the screen of all runs."""
    async with screen(None, size, options=ScreenOptions(all_runs=True)) as pilot:
        await settle(pilot)
        await press(pilot, *keys, "S")
        yield pilot


async def press(pilot: Pilot[int], *keys: str) -> None:
    await pilot.press(*keys)
    await settle(pilot)


def line_of(pilot: Pilot[int], beginning: str) -> str:
    return next(line for line in screen_text(pilot).splitlines() if line.strip("│ ›★").startswith(beginning))


@AT_EVERY_SIZE
async def test_settings_are_listed_and_drawn(place: Path, size: tuple[int, int]) -> None:
    put_sweep(place)
    async with results_of(size=size) as pilot:
        seen = screen_text(pilot)
        assert "Results: 3 settings, 9 runs" in seen
        assert "★0.1" in seen
        assert "best chosen by the test images" in seen
        assert "gainst lr" in seen
        assert seen.count("●") >= 3
        assert "seed 0" in seen
        assert "baseline" in line_of(pilot, "0.1 ")
        assert all(len(line) <= size[0] for line in seen.splitlines())
        await press(pilot, "escape")
        assert "9 runs" in screen_text(pilot)


@pytest.mark.slow
async def test_a_screen_with_hardly_any_room_shows_the_table(place: Path) -> None:
    put_sweep(place)
    async with results_of(size=(30, 8)) as pilot:
        assert "★0.1" in screen_text(pilot)


async def test_the_baseline_follows_the_cursor(place: Path) -> None:
    put_sweep(place)
    async with results_of() as pilot:
        assert "baseline lr 0.1 (the preset's own)" in screen_text(pilot)
        await press(pilot, "B")
        assert "baseline" in line_of(pilot, "0.05")
        assert "+" in line_of(pilot, "0.1 ")
        assert "baseline lr 0.05" in screen_text(pilot)


async def test_the_best_epoch_counts_in_place_of_the_last_and_back(place: Path) -> None:
    put_sweep(place)
    async with results_of() as pilot:
        await press(pilot, "E")
        assert "after each run's best epoch" in screen_text(pilot)
        assert "epochs and ★ best chosen by the test images" in screen_text(pilot)
        await press(pilot, "E")
        assert "after the last epoch" in screen_text(pilot)


async def test_settings_are_sorted_and_filtered(place: Path) -> None:
    put_sweep(place)
    async with results_of() as pilot:
        await press(pilot, "n", "n", "N")
        rows = [line.strip("│ ›★").split()[0] for line in screen_text(pilot).splitlines()[2:5]]
        assert rows == ["0.1", "0.05", "0.2"]
        await press(pilot, "slash", *"0.2", "enter")
        assert "1 of 3 settings" in screen_text(pilot)
        await press(pilot, "escape")
        assert "Results: 3 settings" in screen_text(pilot)
        await press(pilot, "slash", *"nothing", "enter")
        assert "No setting matches." in screen_text(pilot)


async def test_enter_opens_the_best_run_of_a_setting(place: Path) -> None:
    recipe = dataclasses.replace(SHORT, seed=1)
    put_result(place, "worse", 0.7, SHORT)
    put_result(place, "better", 0.8, recipe)
    async with results_of() as pilot:
        await press(pilot, "enter")
        assert "run better" in screen_text(pilot)


@pytest.mark.slow
async def test_only_the_marked_runs_or_those_in_view_are_compared(place: Path) -> None:
    put_sweep(place)
    async with results_of("slash", *"lr0.2", "enter") as pilot:
        assert "1 setting, 3 runs" in screen_text(pilot)
    async with results_of("space", "space") as pilot:
        assert "2 runs" in screen_text(pilot)


@pytest.mark.slow
async def test_without_a_run_in_view_it_says_so(place: Path) -> None:
    put_sweep(place)
    async with results_of("slash", *"nothing", "enter") as pilot:
        assert "There are no runs in view to compare." in screen_text(pilot)
    assert pilot.app.return_code is None


@pytest.mark.slow
async def test_a_run_that_finishes_meanwhile_is_averaged(place: Path) -> None:
    put_result(place, "one", 0.9, SHORT)
    recipe = dataclasses.replace(SHORT, seed=1)
    live = put_live_run(
        place, "two", [*scripted.opening(epochs=2)[1:], scripted.step(50), scripted.epoch(1, 0.5)], recipe
    )
    async with results_of() as pilot:
        assert "1 +1" in screen_text(pilot)
        assert "not averaged: 1  two (training, 1/2)" in screen_text(pilot)
        write_events(live.path, [scripted.step(100), scripted.epoch(2, 0.92), RunFinished(100, 0.92)])
        await until(lambda: "91.00 ± 1.41" in screen_text(pilot))
        assert "All of its runs have finished." in screen_text(pilot)
    live.close()


@pytest.mark.slow
async def test_nothing_finished_is_nothing_to_draw_and_no_baseline(place: Path) -> None:
    put_result(place, "one", 0.9, SHORT, finished=False)
    async with results_of() as pilot:
        assert "No run has finished yet." in screen_text(pilot)
        await press(pilot, "B")
        assert "No run of this setting has finished" in screen_text(pilot)
        await press(pilot, "E", "n", "N", "enter")
        assert "run one" in screen_text(pilot)


@pytest.mark.slow
async def test_a_deleted_run_is_gone_from_its_setting(place: Path) -> None:
    put_sweep(place)
    async with results_of() as pilot:
        assert "3 settings, 9 runs" in screen_text(pilot)
        await press(pilot, "escape", "D", "y")
        await press(pilot, "S")
        assert "3 settings, 8 runs" in screen_text(pilot)


async def test_categories_and_names_with_brackets(place: Path) -> None:
    for number, name in enumerate(("a [b] c", "日本語")):
        (place.parent / name).mkdir(parents=True)
        recipe = dataclasses.replace(SHORT, data=str(place.parent / name), test_share=0.2)
        put_result(place, f"r{number}", 0.8 + number / 10, recipe)
    async with results_of() as pilot:
        seen = screen_text(pilot)
        assert "a [b] c" in seen
        assert "日本語" in seen
        assert seen.count("★") >= 2
        await press(pilot, "down")
        assert "other images: not compared" in screen_text(pilot)
