"""Views of the charts: by key, by mouse, and as they are kept."""

import dataclasses
import math
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.pilot import Pilot

from cifar_tui.events import Paused, RateChanged, Resumed
from cifar_tui.tui.charts import drawing
from cifar_tui.tui.charts.canvas import draw
from cifar_tui.tui.charts.chart_view import MIN_WINDOW, ChartView
from cifar_tui.tui.charts.scale import log_limits, log_ticks, time_limit, time_step
from cifar_tui.tui.settings.preferences import PreferencesFile
from tests import scripted
from tests.scripted import ScriptedConnection, ScriptedJobs
from tests.tui.drive import loss_axis, screen, screen_text, settle
from tests.tui.pilot_internals import scroll_up

FULL = (0.0, 1_300.0)
SIZE = (120, 40)


def running() -> ScriptedJobs:
    return ScriptedJobs(ScriptedConnection([*scripted.opening(), *scripted.epochs(3)]))


async def pressed(pilot: Pilot[int], *names: str) -> str:
    for name in names:
        await pilot.press(name)
    await settle(pilot)
    return screen_text(pilot)


async def test_the_axis_is_steps_epochs_or_training_time() -> None:
    async with screen(running(), SIZE) as pilot:
        assert _axis(screen_text(pilot), "step") == 3 * [["0", "25", "50", "75", "100", "125", "150"]]
        assert _axis(await pressed(pilot, "x"), "epoch") == 3 * [["0", "0.5", "1", "1.5", "2", "2.5", "3"]]
        assert _axis(await pressed(pilot, "x"), "time") == 3 * [["00:00", "00:30", "01:00", "01:30", "02:00", "02:30"]]
        assert _axis(await pressed(pilot, "x"), "step")


async def test_the_smoothing_is_named() -> None:
    async with screen(running(), SIZE) as pilot:
        assert "━ smoothed" in screen_text(pilot)
        assert "Loss · smoothed strongly" in await pressed(pilot, "m")
        assert "smooth" not in await pressed(pilot, "m")
        assert "━ smoothed" in await pressed(pilot, "m")


async def test_the_heights_are_zoomed_around_the_newest_values() -> None:
    async with screen(running(), SIZE) as pilot:
        before = loss_axis(screen_text(pilot))
        after = loss_axis(seen := await pressed(pilot, "y", "y"))
        assert seen.count("zoomed (0 resets)") == 3
        assert max(after) - min(after) < (max(before) - min(before)) / 2
        newest = scripted.epoch(3).test_loss
        assert min(after) - 0.2 < newest < max(after) + 0.2
        assert loss_axis(await pressed(pilot, "Y", "0")) == before


async def test_neither_an_outlier_nor_an_early_test_sets_the_scale() -> None:
    wild = {30: 40.0, 31: 17.0}
    steps = [scripted.step(number, loss=wild.get(number)) for number in range(1, 400)]
    tests = [
        dataclasses.replace(scripted.epoch(number), test_loss=9.0 if number == 1 else 1.0) for number in range(1, 7)
    ]
    events = [*scripted.opening(), *steps[:50], tests[0], *steps[50:300], *tests[1:]]
    async with screen(ScriptedJobs(ScriptedConnection(events)), SIZE) as pilot:
        seen = screen_text(pilot)
        assert max(loss_axis(seen)) < 4
        assert "▲" in seen


async def test_tests_that_lie_away_from_the_batches_are_in_view() -> None:
    steps = [scripted.step(number, loss=0.01) for number in range(1, 301)]
    events = [*scripted.opening(), *steps, *(scripted.epoch(number) for number in range(1, 7))]
    async with screen(ScriptedJobs(ScriptedConnection(events)), SIZE) as pilot:
        assert max(loss_axis(screen_text(pilot))) > 0.5
        assert "▲" not in screen_text(pilot)


def _axis(seen: str, kind: str) -> list[list[str]]:
    """The labels of every horizontal axis of this kind on the screen."""
    panels = [part for line in seen.splitlines() for part in line.split("│")[1:] if part.split()[:1] == [kind]]
    return [part.split()[1:] for part in panels]


async def test_a_logarithmic_loss_has_labels_at_powers_and_accuracy_stays_linear() -> None:
    async with screen(running(), SIZE) as pilot:
        seen = await pressed(pilot, "g")
        assert "Loss · log" in seen
        assert "Learning rate · log" in seen
        assert "Accuracy · log" not in seen
        ratios = np.diff(np.log(loss_axis(seen)))
        assert len(ratios) >= 2
        assert (ratios < 0).all()
        assert "log" not in await pressed(pilot, "g")


async def test_zooming_shows_a_stretch_until_the_run_is_followed_again() -> None:
    async with screen(running(), SIZE) as pilot:
        seen = await pressed(pilot, "plus", "plus")
        assert "zoomed (0 resets)" in seen
        assert "step 0 " not in seen
        earlier = await pressed(pilot, "[", "[")
        assert earlier != seen
        assert "zoomed" not in await pressed(pilot, "0")


async def test_the_cursor_reads_out_every_curve_of_every_chart() -> None:
    async with screen(running(), SIZE) as pilot:
        await pressed(pilot, "x", "x", "x")
        seen = await pressed(pilot, *["shift+left"] * 2)
        step = 150 - 2 * 10 * 1.5
        assert seen.count(f"step {step:.0f} · epoch 3 · 02:00") == 3
        done = scripted.step(int(step))
        assert f"batch {done.loss:.4g}" in seen
        assert f"batch {done.accuracy * 100:.1f} %" in seen
        assert f"test {scripted.epoch(2).test_loss:.4g}" in seen, "the newest test up to the cursor"
        assert f"rate {done.learning_rate:.3g}" in seen
        assert "step 120" not in await pressed(pilot, "escape")


async def test_the_cursor_and_a_view_that_comes_back_draw_no_curve_again(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[object] = []

    def counted(*given: object) -> object:
        drawn.append(given)
        return draw(*given)  # type: ignore[arg-type] # as it came

    monkeypatch.setattr(drawing, "draw", counted)
    async with screen(running(), SIZE) as pilot:
        first = await pressed(pilot, "shift+left")
        drawn.clear()
        moved = await pressed(pilot, "left", "left")
        assert "step 135" in first
        assert "step 135" not in moved
        assert not drawn
        logarithmic = await pressed(pilot, "g")
        assert len(drawn) == 2, "the accuracy keeps its scale"
        assert await pressed(pilot, "g") == moved != logarithmic
        assert len(drawn) == 2


@pytest.mark.slow
async def test_the_cursor_stays_on_the_run() -> None:
    async with screen(running(), SIZE) as pilot:
        assert "step 150 · epoch 3" in await pressed(pilot, *["shift+right"] * 3)
        assert "step 1 · epoch 1" in await pressed(pilot, *["shift+left"] * 20)


async def test_curves_are_switched_off_and_on() -> None:
    async with screen(running(), SIZE) as pilot:
        assert "batch" not in await pressed(pilot, "1")
        assert "● test" not in await pressed(pilot, "3")
        seen = await pressed(pilot, "1", "3")
        assert "░ batch" in seen
        assert "● test" in seen


@pytest.mark.slow
async def test_ticks_mark_epochs_checkpoints_pauses_and_rates() -> None:
    connection = ScriptedConnection([*scripted.opening(), *scripted.epochs(2)])
    connection.emit(scripted.step(101), Paused(101), Resumed(101), RateChanged(130, 0.05, ((130, 0.5),)))
    connection.emit(*[scripted.step(number) for number in range(102, 150)])
    async with screen(ScriptedJobs(connection), SIZE) as pilot:
        assert "▾" not in screen_text(pilot)
        seen = await pressed(pilot, "k")
        row = next(line for line in seen.splitlines() if "▾" in line)
        for sign in ("▾", "‖", "◆", "─"):
            assert sign in row
        assert row.index("‖") < row.index("◆")
        assert "▾" not in await pressed(pilot, "k")


async def test_values_without_a_number_are_counted_in_a_banner() -> None:
    steps = [scripted.step(number, loss=math.nan if number in (40, 41) else None) for number in range(1, 90)]
    async with screen(ScriptedJobs(ScriptedConnection([*scripted.opening(), *steps])), SIZE) as pilot:
        seen = screen_text(pilot)
        assert "Loss · ✗ 2 values NaN or infinite" in seen
        assert "Accuracy · ✗" not in seen


async def test_the_wheel_zooms_and_a_click_points() -> None:
    async with screen(running(), SIZE) as pilot:
        await scroll_up(pilot, "#loss", (40, 6))
        await settle(pilot)
        assert "zoomed (0 resets)" in screen_text(pilot)
        await pressed(pilot, "0")
        await pilot.click("#loss", offset=(40, 6))
        await settle(pilot)
        assert screen_text(pilot).count(" · epoch ") == 3


@pytest.mark.slow
async def test_a_double_click_maximises_and_takes_back() -> None:
    async with screen(running(), SIZE) as pilot:
        await pilot.click("#rate", offset=(10, 3), times=2)
        await settle(pilot)
        assert "Accuracy" not in screen_text(pilot)
        assert "Learning rate" in screen_text(pilot)
        await pressed(pilot, "escape")
        assert "Accuracy" in await pressed(pilot, "escape")


@pytest.mark.slow
async def test_what_was_chosen_is_there_next_time(tmp_path: Path) -> None:
    path = tmp_path / "there" / "screen.json"
    async with screen(running(), SIZE, file=PreferencesFile(path)) as pilot:
        await pressed(pilot, "m", "g", "x", "1", "k")
        await pressed(pilot, "h")
        assert "Device" in screen_text(pilot)
        await pressed(pilot, "end", "up", "space", "escape")
        assert "Processor" not in screen_text(pilot)
    async with screen(running(), SIZE, file=PreferencesFile(path)) as pilot:
        seen = screen_text(pilot)
        for expected in ("smoothed strongly", "Loss · log", "epoch", "▾", "Learning rate"):
            assert expected in seen
        assert "batch" not in seen
        assert "Processor" not in seen
        await pressed(pilot, "t")
        await pressed(pilot, *"day", "enter")
    assert PreferencesFile(path).read().theme == "day"


@pytest.mark.slow
@pytest.mark.parametrize(
    "content",
    [
        b"nonsense",
        b"[]",
        b'{"axis": "banana"}',
        b'{"ticks": 1}',
        b'{"hidden_panels": ["loss", "accuracy", "epochs", "rate", "device", "health"]}',
        b"[" * 100_000,
        b" " * 100_000,
    ],
)
async def test_a_broken_configuration_is_named_and_ignored(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "screen.json"
    path.write_bytes(content)
    async with screen(running(), SIZE, file=PreferencesFile(path)) as pilot:
        seen = screen_text(pilot)
        assert "is not used" in " ".join(seen.split())
        assert "Learning rate" in seen
    assert path.read_bytes() == content


def test_what_another_version_chose_stays_and_one_wrong_choice_spoils_no_other(tmp_path: Path) -> None:
    file = PreferencesFile(tmp_path / "screen.json")
    file.path.write_text('{"shine": 1, "axis": "banana", "smoothing": "strong"}')
    read = file.read()
    assert (read.axis, read.smoothing) == ("step", "strong")
    assert "axis cannot be 'banana'" in file.trouble
    file.write(read)
    assert '"shine": 1' in file.path.read_text()


@given(st.binary(max_size=200))
def test_any_bytes_are_preferences_or_one_sentence(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = PreferencesFile(Path(folder) / "screen.json")
        file.path.write_bytes(content)
        file.read()
        assert file.trouble or content


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("zoom"), st.floats(0.1, 4), st.floats(0, 1_300)),
            st.tuples(st.just("pan"), st.floats(-3, 3), st.just(0.0)),
            st.tuples(st.just("point"), st.floats(-500, 2_000), st.just(0.0)),
        ),
        max_size=30,
    )
)
def test_no_view_leaves_the_run(moves: list[tuple[str, float, float]]) -> None:
    view = ChartView()
    for kind, amount, about in moves:
        if kind == "zoom":
            view = view.zoomed(amount, about, FULL)
        elif kind == "pan":
            view = view.panned(amount, FULL)
        else:
            view = view.pointed(amount, 1_300)
        low, high = view.window or FULL
        assert low >= 0
        assert high - low >= MIN_WINDOW - 1e-6
        assert view.cursor is None or 1 <= view.cursor <= 1_300
    assert view.followed() == dataclasses.replace(view, window=None, cursor=None)


@given(st.floats(1e-12, 1e12), st.floats(1, 1e9), st.integers(2, 8))
def test_logarithmic_limits_hold_the_data_and_have_few_ticks(low: float, times: float, most: int) -> None:
    limits = log_limits(low, low * times, None)
    assert limits.low <= math.log10(low) + 1e-6
    assert limits.high >= math.log10(low * times) - 1e-6
    ticks = log_ticks(limits, most)
    assert len(ticks) <= most
    assert all(np.diff(ticks) > 0)


@given(st.floats(0, 1e7))
def test_an_axis_of_time_ends_a_little_beyond_the_run(seconds: float) -> None:
    limit = time_limit(seconds)
    assert seconds <= limit * (1 + 1e-9)
    assert limit <= max(1.34 * seconds, 60)
    assert limit / time_step(limit, 5) <= 5
    assert time_limit(seconds, live=False) == max(seconds, 1.0)


@pytest.mark.slow
async def test_a_stretch_at_the_ceiling_and_a_time_axis_of_many_steps_are_right() -> None:
    steps = [dataclasses.replace(scripted.step(number), accuracy=1.0) for number in range(1, 1_201)]
    async with screen(ScriptedJobs(ScriptedConnection([*scripted.opening(), *steps])), SIZE) as pilot:
        seen = await pressed(pilot, "plus", "plus", "plus", "plus", "x", "x", "left")
        assert "100 %" in seen
        clock = next(part for part in seen.split(" · ") if part.startswith("19:"))[:5]
        assert clock.startswith("19:5"), "a step a second"
        assert "19:00" in seen
