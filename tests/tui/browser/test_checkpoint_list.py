"""The list in the browser: order, filter, pins, deletions, and that ten thousand rows hold nothing up."""

import dataclasses
from pathlib import Path

import orjson
import pytest
from textual.pilot import Pilot

from cifar_tui.checkpoint_events import CheckpointDeleted
from cifar_tui.control import DeleteCheckpoint, PinCheckpoint
from cifar_tui.events import RunStopped
from cifar_tui.history.run_history import RunHistory
from cifar_tui.runs.checkpoints.listing import Listing
from cifar_tui.runs.checkpoints.pins import write_pin
from cifar_tui.runs.checkpoints.sidecars import delete_checkpoint, epoch_checkpoint, sidecar_path
from cifar_tui.tui.browser.browser import CheckpointBrowser
from cifar_tui.tui.browser.checkpoint_view import SORTED_BY, CheckpointView, Entry, checkpoint_order
from cifar_tui.tui.widgets.list_order import ListOrder
from tests import scripted
from tests.scripted import ScriptedConnection, ScriptedJobs
from tests.tui.drive import app_of, burst, screen, screen_text, settle, until

SCORES = {1: 0.3, 2: 0.9, 3: 0.5, 4: None, 5: 0.4}


def saved(folder: Path) -> ScriptedConnection:
    """Five checkpoints, the second one the best, the fourth without a score."""
    events = scripted.opening(folder)
    for number, score in SCORES.items():
        put(folder, number, score)
        events += [*scripted.epochs(number)[-2:]]
        if score is not None:
            events[-2] = scripted.epoch(number, score)
    return ScriptedConnection(events)


def put(folder: Path, number: int, score: float | None) -> None:
    made = dataclasses.replace(scripted.sidecar_of(number), test_accuracy=score, saved_at=1_700_000_000.0 + number)
    (folder / made.checkpoint).write_bytes(b"weights")
    sidecar_path(folder / made.checkpoint).write_bytes(orjson.dumps(made))


def listed(folder: Path) -> CheckpointView:
    view = CheckpointView()
    for piece in Listing(folder).look():
        view.update(piece)
    return view


def epochs(view: CheckpointView, order: ListOrder[Entry] | None = None) -> list[int]:
    return [one.sidecar.epoch for one in (order or checkpoint_order()).arranged(view.entries(RunHistory()))]


def under_cursor(pilot: Pilot[int]) -> str:
    browser = app_of(pilot).screen
    assert isinstance(browser, CheckpointBrowser)
    return browser.selected.name if browser.selected else ""


def test_any_column_sorts_both_ways_and_what_is_not_known_comes_last(tmp_path: Path) -> None:
    saved(tmp_path)
    view = listed(tmp_path)
    assert epochs(view) == [5, 4, 3, 2, 1]
    order = checkpoint_order()
    for column in SORTED_BY:
        order.sort_by(column)
        for _ in range(2):
            assert sorted(epochs(view, order)) == [1, 2, 3, 4, 5]
            order.sort_by(column)
    order.column, order.falling = "Test %", True
    assert epochs(view, order) == [2, 3, 5, 1, 4]
    order.sort_by("Test %")
    assert epochs(view, order) == [1, 5, 3, 2, 4]


@pytest.mark.parametrize(
    ("typed", "left"),
    [
        ("3", [3]),
        ("net_00", [5, 4, 3, 2, 1]),
        ("pinned", [4]),
        ("pin 4", [4]),
        ("damaged", [1]),
        ("miss", [3]),
        ("zz", []),
    ],
)
def test_the_filter_keeps_what_matches_its_words(tmp_path: Path, typed: str, left: list[int]) -> None:
    saved(tmp_path)
    write_pin(tmp_path, "net_004.pth", pinned=True)
    (tmp_path / "net_001.pth").write_bytes(b"cut")
    (tmp_path / "net_003.pth").unlink()
    view = listed(tmp_path)
    order = checkpoint_order()
    order.filter_text = typed
    assert epochs(view, order) == left


def test_a_second_look_brings_only_what_changed(tmp_path: Path) -> None:
    saved(tmp_path)
    listing = Listing(tmp_path)
    assert sum(len(piece.changed) for piece in listing.look()) == 5
    put(tmp_path, 6, 0.1)
    (tmp_path / "net_002.pth").write_bytes(b"cut")
    delete_checkpoint(tmp_path, "net_001.pth")
    pieces = list(listing.look())
    assert [one.sidecar.epoch for piece in pieces for one in piece.changed] == [6, 2]
    assert pieces[0].gone == {"net_001.pth"}
    assert pieces[-1].size == sum(path.stat().st_size for path in tmp_path.iterdir())


@pytest.mark.slow
async def test_the_cursor_stays_on_its_checkpoint(tmp_path: Path) -> None:
    connection = saved(tmp_path)
    async with screen(ScriptedJobs(connection)) as pilot:
        await pilot.press("c")
        await settle(pilot)
        assert "5 checkpoints, " in screen_text(pilot)
        assert "▼Step" in screen_text(pilot)
        await pilot.press("down")
        assert under_cursor(pilot) == "net_004.pth"
        for key in ("v", "n", "n", "v"):
            await pilot.press(key)
            assert under_cursor(pilot) == "net_004.pth"
        assert "▼Test %" in screen_text(pilot)
        await burst(pilot, "/", "004")
        assert "1 of 5 checkpoints" in screen_text(pilot)
        await pilot.press("escape")
        await settle(pilot)
        assert under_cursor(pilot) == "net_004.pth"
        put(tmp_path, 6, 0.1)
        connection.emit(*scripted.epochs(6)[-2:])
        await settle(pilot)
        assert "6 checkpoints" in screen_text(pilot)
        assert under_cursor(pilot) == "net_004.pth"
        await pilot.click("#checkpoint-list", offset=(3, 1))
        await settle(pilot)
        assert "▼Epoch" in screen_text(pilot)


async def test_a_checkpoint_is_pinned_and_deleted_by_the_live_run(tmp_path: Path) -> None:
    connection = saved(tmp_path)
    async with screen(ScriptedJobs(connection)) as pilot:
        await pilot.press("c")
        await settle(pilot)
        await pilot.press("down", "P")
        await settle(pilot)
        assert connection.requests == [PinCheckpoint("net_004.pth", True)]
        await pilot.press("D")
        await settle(pilot)
        assert "Delete net_004.pth?" in screen_text(pilot)
        assert "Frees 7 B." in screen_text(pilot)
        await pilot.press("y")
        await settle(pilot)
        assert connection.requests[1:] == [DeleteCheckpoint("net_004.pth")]
        delete_checkpoint(tmp_path, "net_004.pth")
        connection.emit(CheckpointDeleted("net_004.pth", "a person asked"))
        await settle(pilot)
        assert "4 checkpoints" in screen_text(pilot)
        assert "net_004.pth" not in screen_text(pilot)


@pytest.mark.slow
@pytest.mark.parametrize(("downs", "because"), [(0, "newest intact"), (3, "best checkpoint"), (1, "pinned")])
async def test_what_has_to_stay_says_why(tmp_path: Path, downs: int, because: str) -> None:
    write_pin(tmp_path, "net_004.pth", pinned=True)
    connection = saved(tmp_path)
    async with screen(ScriptedJobs(connection)) as pilot:
        await pilot.press("c")
        await settle(pilot)
        await pilot.press(*["down"] * downs, "D")
        await settle(pilot)
        assert because in screen_text(pilot)
        assert connection.requests == []


@pytest.mark.slow
async def test_of_an_ended_run_a_job_of_its_own_deletes(tmp_path: Path) -> None:
    connection = saved(tmp_path)
    connection.emit(RunStopped(250, "net_005.pth"))
    connection.ended = True
    jobs = ScriptedJobs(connection)
    async with screen(jobs) as pilot:
        await pilot.press("c")
        await settle(pilot)
        await pilot.press("end", "D", "y")
        await settle(pilot)
        assert jobs.managed == [DeleteCheckpoint("net_001.pth")]
        jobs.management.emit(CheckpointDeleted("net_001.pth", "a person asked"))
        jobs.management.ended = True
        await settle(pilot)
        assert app_of(pilot).followed.history.checkpoints[0].checkpoint == "net_002.pth"


@pytest.mark.slow
async def test_ten_thousand_checkpoints_are_there_at_once(tmp_path: Path) -> None:
    made = scripted.sidecar_of(1)
    for number in range(1, 10_001):
        name = epoch_checkpoint(number)
        one = dataclasses.replace(made, checkpoint=name, epoch=number, step=number * 50)
        sidecar_path(tmp_path / name).write_bytes(orjson.dumps(one))
    async with screen(ScriptedJobs(ScriptedConnection(scripted.opening(tmp_path)))) as pilot:
        await pilot.press("c")
        await until(lambda: "net_9970.pth" in screen_text(pilot))
        await until(lambda: "10,000 checkpoints," in screen_text(pilot))
        await pilot.press("end")
        await settle(pilot)
        assert under_cursor(pilot) == "net_001.pth"
