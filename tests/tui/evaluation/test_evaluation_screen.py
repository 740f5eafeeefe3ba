import dataclasses
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.pilot import Pilot

from cifar_tui.checkpoint_events import EvaluationDone
from cifar_tui.control import Evaluate
from cifar_tui.events import DataReady, Event
from cifar_tui.history.run_history import RunHistory
from cifar_tui.runs.checkpoints.sidecars import verdict_path
from cifar_tui.runs.checkpoints.verdicts import StoredEvaluation, store_evaluation
from cifar_tui.tui.evaluation.confusion_matrix import ConfusionMatrix, short_percent, strength
from cifar_tui.tui.evaluation.evaluation_finder import EvaluationFinder, FoundEvaluation
from cifar_tui.tui.evaluation.evaluation_rows import evaluation_rows
from cifar_tui.tui.widgets.rows import cells_of
from tests import scripted
from tests.scripted import ScriptedConnection, ScriptedJobs
from tests.tui.drive import SIZES, screen, screen_text, settle

NAME = "net_003.pth"


@asynccontextmanager
async def browser(
    folder: Path, size: tuple[int, int] = (120, 40), *more: Event
) -> AsyncIterator[tuple[Pilot[int], ScriptedConnection]]:
    """The browser on a run with three checkpoints, the cursor on the last."""
    for number in (1, 2, 3):
        scripted.put_checkpoint(folder, number)
    connection = ScriptedConnection([*scripted.opening(folder), *scripted.epochs(3), *more])
    async with screen(ScriptedJobs(connection), size) as pilot:
        await press(pilot, "c")
        yield pilot, connection


async def press(pilot: Pilot[int], *keys: str) -> str:
    await pilot.press(*keys)
    await settle(pilot)
    return screen_text(pilot)


async def resize(pilot: Pilot[int], size: tuple[int, int]) -> str:
    await pilot.resize_terminal(*size)
    await settle(pilot)
    return screen_text(pilot)


def store(folder: Path, verdict: EvaluationDone) -> None:
    pictures = tuple(scripted.picture(number) for number in range(len(verdict.wrongest)))
    store_evaluation(folder, StoredEvaluation(verdict, "0" * 64, pictures))


@pytest.mark.slow
async def test_a_stored_evaluation_is_shown_and_opened_at_once_at_every_size(tmp_path: Path) -> None:
    scripted.put_verdict(tmp_path, 3)
    async with browser(tmp_path) as (pilot, connection):
        for size in SIZES:
            seen = await resize(pilot, size)
            for text in ("accuracy 85.50 %", "loss 0.4312", "top-3 97.23 %", "ECE 4.12 %", *scripted.CLASSES):
                assert text in seen
        await press(pilot, "enter")
        for size in SIZES:
            seen = await resize(pilot, size)
            for text in ("true ↓ predicted →", "900", "102", "810", "truck predicted as airplane", "10.2 %"):
                assert text in seen
            assert "precision 87.0 %   recall 81.0 %   F1 83.9 %" in seen
            assert all(name in seen for name in scripted.CLASSES)
            assert ("ship → automobile   92   9.2 %" in seen) == (size != (60, 20))
            assert ("84.0  90.0  86.9" in seen) == (size == (80, 24))
            assert ("84.0 % ━" in seen) == (size == (120, 40))
        assert connection.requests == []
        assert " checkpoints, " in await press(pilot, "escape")


async def test_without_an_evaluation_enter_starts_one(tmp_path: Path) -> None:
    async with browser(tmp_path) as (pilot, connection):
        await press(pilot, "enter")
        assert connection.requests == [Evaluate(NAME)]
        connection.emit(scripted.verdict(NAME))  # recorded, but not stored for want of disk space
        await settle(pilot)
        assert "truck predicted as airplane" in await press(pilot, "enter")
        assert "were not stored" in await press(pilot, "i")


@pytest.mark.slow
async def test_an_evaluation_on_other_test_images_is_out_of_date_until_measured_again(tmp_path: Path) -> None:
    scripted.put_verdict(tmp_path, 3, checksum="ffffffff")
    async with browser(tmp_path) as (pilot, connection):
        for size in SIZES:
            assert "Out of date: the test images" in await resize(pilot, size)
        assert "Out of date: the test images have changed since." in await press(pilot, "enter")
        await press(pilot, "escape", "e")
        assert connection.requests == [Evaluate(NAME)]
        connection.emit(scripted.put_verdict(tmp_path, 3))
        await settle(pilot)
        assert "Out of date" not in screen_text(pilot)


def history(*events: Event) -> RunHistory:
    recorded = RunHistory()
    for event in [*scripted.opening(), *events]:
        recorded.apply(event)
    return recorded


def test_an_evaluation_holds_until_weights_or_images_change(tmp_path: Path) -> None:
    sidecar, finder = scripted.put_checkpoint(tmp_path, 3), EvaluationFinder()
    assert finder.find(tmp_path, sidecar, history()) is None
    stored = scripted.put_verdict(tmp_path, 3)
    found = finder.find(tmp_path, sidecar, history())
    assert found is not None
    assert (found.result, found.outdated_because, len(found.pixels)) == (stored, "", 90)
    others = finder.find(tmp_path, sidecar, history(DataReady("", False, (), 1, 1, "ffffffff")))
    assert others is not None
    assert "test images" in others.outdated_because
    anew = finder.find(tmp_path, dataclasses.replace(sidecar, sha256="1" * 64), history())
    assert anew is not None
    assert "weights" in anew.outdated_because


def test_a_recorded_evaluation_replaces_a_stored_one_that_is_out_of_date(tmp_path: Path) -> None:
    sidecar, finder = scripted.put_checkpoint(tmp_path, 3), EvaluationFinder()
    scripted.put_verdict(tmp_path, 3, checksum="ffffffff")
    recorded = scripted.verdict(NAME)
    found = finder.find(tmp_path, sidecar, history(recorded))
    assert found is not None
    assert (found.result.test_checksum, found.outdated_because, found.pixels) == (scripted.CHECKSUM, "", ())
    later = finder.find(tmp_path, sidecar, history(recorded, DataReady("", False, (), 1, 1, "eeeeeeee")))
    assert later is not None
    assert "test images" in later.outdated_because
    older = finder.find(tmp_path, sidecar, history(dataclasses.replace(recorded, test_checksum="")))
    assert older is not None
    assert older.outdated_because == ""


@settings(max_examples=25)
@given(st.binary(max_size=100) | st.sampled_from([b"{}", b'{"verdict": {"event": "StepDone"}}']))
def test_a_broken_evaluation_is_ignored(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sidecar, finder = scripted.put_checkpoint(folder, 3), EvaluationFinder()
        verdict_path(folder / NAME).write_bytes(content)
        assert finder.find(folder, sidecar, history()) is None
        assert finder.find(folder, sidecar, history()) is None
        broken = dataclasses.replace(scripted.verdict(NAME), confusion=((1, 2), (3, 4)))
        assert finder.find(folder, sidecar, history(broken)) is None
        stored = scripted.put_verdict(folder, 3)
        found = finder.find(folder, sidecar, history(broken))
        assert found is not None
        assert found.result == stored


@pytest.mark.slow
async def test_keys_and_the_mouse_move_over_the_matrix_and_stop_at_its_edges(tmp_path: Path) -> None:
    scripted.put_verdict(tmp_path, 3)
    async with browser(tmp_path, (80, 24)) as (pilot, _):
        assert "truck predicted as airplane   102 images   10.2 %   pair 1 of 90" in await press(
            pilot, "enter", "left", "down"
        )
        assert "ship predicted as automobile   92 images   9.2 %   pair 2 of 90" in await press(pilot, "right", "up")
        assert "horse predicted as bird   90 images   9.0 %   pair 3 of 90" in await press(pilot, "greater_than_sign")
        assert "truck predicted as bird" in await press(pilot, "down", "down", "down")
        place = (2 + 10 + 4 * 9 + 1, 1 + 1)
        await pilot.click(ConfusionMatrix, offset=place)
        assert "airplane predicted as truck   52 images" in await press(pilot, "up", "right")
        seen = await press(pilot, "percent_sign")
        assert "Confusion, per cent of the true class" in seen
        assert "automobile   1  89   1   1   1   1   1   1   6   1  84.7  89.0  86.8" in seen
        assert "Confusion, images" in await press(pilot, "percent_sign")
        await pilot.click(ConfusionMatrix, offset=place)
        await settle(pilot)
        assert "true class airplane   predicted as truck" in screen_text(pilot)
        await press(pilot, "escape")
        seen = await resize(pilot, (80, 14))  # room for six classes: those around the cursor
        assert "frog        10" not in seen
        seen = await press(pilot, *["down"] * 9)
        assert "truck      102" in seen
        assert "airplane   900" not in seen


@pytest.mark.slow
async def test_large_counts_and_long_names_are_never_cut(tmp_path: Path) -> None:
    recorded = scripted.verdict(NAME)
    rows = tuple(tuple(12_345 * count for count in row) for row in recorded.confusion)
    names = tuple(f"class number {label}" for label in range(10))
    store(tmp_path, dataclasses.replace(recorded, confusion=rows, images=12_345 * 10_000, classes=names))
    async with browser(tmp_path) as (pilot, _):
        await press(pilot, "enter")
        for size in SIZES:
            seen = await resize(pilot, size)
            assert "per cent of the true class" in seen
            for number in ("90", "89", "81"):
                assert f" {number} " in seen
            assert "10.2 %" in seen


async def test_without_anything_confused_there_is_nothing_to_go_through(tmp_path: Path) -> None:
    recorded = scripted.verdict(NAME)
    rows = tuple(tuple(1_000 * (label == other and label > 0) for other in range(10)) for label in range(10))
    store(tmp_path, dataclasses.replace(recorded, confusion=rows, images=9_000, accuracy=1.0, wrongest=()))
    async with browser(tmp_path) as (pilot, _):
        seen = await press(pilot, "enter", "percent_sign")
        assert "No image was predicted as another class." in seen
        assert "airplane predicted correctly   0 images   –" in seen
        assert "–     –     –" in seen
        assert "airplane predicted correctly" in await press(pilot, "greater_than_sign")
        assert "No test image was predicted as another class." in await press(pilot, "i")


def test_cells_are_as_strong_as_their_share() -> None:
    assert [strength(share, hit=False) for share in (0.001, 0.02, 0.05, 0.5)] == [
        f"wrong-{level}" for level in (1, 2, 3, 4)
    ]
    assert [strength(share, hit=True) for share in (0.1, 0.6, 0.85, 0.95)] == [
        f"right-{level}" for level in (1, 2, 3, 4)
    ]
    assert [short_percent(share) for share in (0.0, 0.9994, 0.9995, 1.0)] == ["0.0", "99.9", "100", "100"]


async def test_wide_class_names_push_no_column_away(tmp_path: Path) -> None:
    done = dataclasses.replace(scripted.verdict(NAME), classes=scripted.WIDE_CLASSES)
    for width in (60, 120):
        rows = evaluation_rows(FoundEvaluation(done, (), "", tmp_path), width, 40)
        bars = [row for row in rows if any("━" in words for words, _ in row)]
        assert len({cells_of(row) for row in bars}) == 1
        assert cells_of(bars[0]) <= width
    store(tmp_path, done)
    async with browser(tmp_path) as (pilot, _):
        seen = await press(pilot, "enter")
        assert "84.0 %" in seen
        matrix = pilot.app.screen.query_one(ConfusionMatrix)
        assert len({cell_len(matrix.render_line(y).text.rstrip()) for y in range(11)}) == 1
