"""The table of epochs: aligned columns, the epoch under the charts' cursor, and the way to its checkpoint."""

import dataclasses
import math
import re
from pathlib import Path

import pytest
from textual.geometry import Region
from textual.pilot import Pilot
from textual.strip import Strip
from textual.widgets import DataTable

from cifar_tui import text
from cifar_tui.tui.browser.browser import CheckpointBrowser
from cifar_tui.tui.widgets.epoch_table import EpochTable
from tests import scripted
from tests.scripted import ScriptedConnection, ScriptedJobs
from tests.tui.drive import screen, screen_text, settle


def table(pilot: Pilot[int]) -> list[str]:
    """The rows of the table, its head first, without the frame."""
    rows = screen_text(pilot).splitlines()
    first = next(place for place, row in enumerate(rows) if "Acc %" in row)
    return [row[1:].split("│")[0] for row in rows[first:] if row.startswith("│")]


def epoch_in_view(pilot: Pilot[int]) -> str:
    """The epoch that is highlighted."""
    found = pilot.app.screen.query_one("#epochs", DataTable)
    return str(found.get_row_at(found.cursor_row)[0]).strip(" ★")


@pytest.mark.parametrize(("size", "columns"), [((200, 50), 8), ((120, 40), 6), ((80, 24), 7)])
async def test_heads_and_numbers_end_in_the_same_cell(size: tuple[int, int], columns: int) -> None:
    small = dataclasses.replace(scripted.epoch(4), train_accuracy=0.0512, learning_rate=0.0003906)
    connection = ScriptedConnection([*scripted.opening(), *scripted.epochs(3), small])
    async with screen(ScriptedJobs(connection), size) as pilot:
        head, *rows = table(pilot)
        ends = {place for place in range(len(head)) if head[place - 1] != " " and head[place : place + 2] == "  "}
        assert len(ends) == columns
        for row in rows[:4]:
            assert {place for place in range(1, len(row)) if row[place - 1] not in " ★" and row[place] == " "} >= ends
        assert "Images/s" not in head or f"{50_000 / 50:,.0f}" in rows[0]


@pytest.mark.slow
async def test_the_epoch_under_the_cursor_of_the_charts_is_highlighted() -> None:
    connection = ScriptedConnection([*scripted.opening(), *scripted.epochs(5)])
    async with screen(ScriptedJobs(connection)) as pilot:
        assert epoch_in_view(pilot) == "5"
        await pilot.press(*["shift+left"] * 12)
        await settle(pilot)
        assert f"epoch {epoch_in_view(pilot)} " in screen_text(pilot)
        assert epoch_in_view(pilot) != "5"
        connection.emit(*scripted.epochs(6)[-52:])
        await settle(pilot)
        assert epoch_in_view(pilot) != "6"
        await pilot.press("escape")
        await settle(pilot)
        assert epoch_in_view(pilot) == "6"


async def test_enter_on_an_epoch_opens_its_checkpoint(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        scripted.put_checkpoint(tmp_path, number)
    connection = ScriptedConnection([*scripted.opening(tmp_path), *scripted.epochs(3), scripted.epoch(4)])
    async with screen(ScriptedJobs(connection)) as pilot:
        await pilot.press("enter")
        await settle(pilot)
        assert "No checkpoint of epoch 4 was kept." in screen_text(pilot)
        await pilot.press("up", "up", "enter")
        await settle(pilot)
        assert isinstance(pilot.app.screen, CheckpointBrowser)
        assert pilot.app.screen.selected is not None
        assert pilot.app.screen.selected.name == "net_002.pth"


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (60, 20)])
@pytest.mark.parametrize("loss", [math.nan, math.inf, 123_456.0])
async def test_no_number_is_cut(loss: float, size: tuple[int, int]) -> None:
    wild = dataclasses.replace(scripted.epoch(1), train_loss=loss, test_loss=loss, train_seconds=90_000.0)
    async with screen(ScriptedJobs(ScriptedConnection([*scripted.opening(), scripted.step(50), wild])), size) as pilot:
        if size[0] == 60:
            await pilot.press("v", "v")
            await settle(pilot)
        assert table(pilot)[1].count(f" {text.loss(loss)} ") == 2
        assert " 25.0 h " in table(pilot)[1]


@pytest.mark.slow
async def test_the_table_is_never_empty_while_the_terminal_changes_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = []
    render_lines = EpochTable.render_lines

    def counted(table: EpochTable, crop: Region) -> list[Strip]:
        rows.append(table.row_count)
        return render_lines(table, crop)

    async with screen(ScriptedJobs(ScriptedConnection([*scripted.opening(), *scripted.epochs(3)]))) as pilot:
        monkeypatch.setattr(EpochTable, "render_lines", counted)
        for size in ((100, 32), (140, 40), (80, 24)):
            await pilot.resize_terminal(*size)
            await settle(pilot)
    assert set(rows) == {3}


@pytest.mark.slow
async def test_the_same_epoch_is_in_view_in_another_size() -> None:
    async with screen(ScriptedJobs(ScriptedConnection([*scripted.opening(), *scripted.epochs(25)]))) as pilot:
        table = pilot.app.screen.query_one(EpochTable)
        for size in ((100, 32), (140, 40), (80, 24)):
            await pilot.resize_terminal(*size)
            await settle(pilot)
            assert (table.cursor_row, table.scroll_y) == (24, table.max_scroll_y), "the newest one is followed"
        await pilot.press(*["up"] * 20)
        await settle(pilot)
        await pilot.resize_terminal(121, 45)
        await settle(pilot)
        assert table.cursor_row == 4
        assert re.search(r"│ +5   ", screen_text(pilot))
