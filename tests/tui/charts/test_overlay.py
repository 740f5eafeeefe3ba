import dataclasses
import threading
from pathlib import Path

import orjson
import pytest
from textual.pilot import Pilot

from cifar_tui.events import Event, Noted, RunFinished
from cifar_tui.files.append_file import LineFile
from cifar_tui.files.run_files import JOURNAL_NAME, journal_path
from cifar_tui.presets import preset
from cifar_tui.report.recipe_changes import differences
from cifar_tui.runs.folder import RunFolder
from cifar_tui.runs.records.journal import append_event
from cifar_tui.runs.records.rewind import rewind_records
from cifar_tui.serialization import to_record
from cifar_tui.tui.charts.axes import XAxis
from cifar_tui.tui.charts.chart_kinds import LOSS
from cifar_tui.tui.charts.chart_view import ChartView
from cifar_tui.tui.charts.overlay import OverlaidRun, overlaid_curves, overlay_legend, overlay_reach
from cifar_tui.tui.dialogs.run_choice import sibling_runs
from cifar_tui.tui.run_reader import RunLoaded, RunReader, RunUpdated
from tests import scripted
from tests.scripted import ScriptedConnection, ScriptedJobs
from tests.tui.drive import INTERVALS, screen, screen_text, settle
from tests.tui.test_goldens import StillMachine
from tests.waiting import eventually

OTHER = dataclasses.replace(preset("quick"), learning_rate=0.05, epochs=30)


def put_run(folder: Path, epochs: int = 5) -> None:
    """A run on disk: its recipe, and a journal with whole epochs."""
    folder.mkdir(parents=True)
    (folder / "recipe.json").write_bytes(orjson.dumps(to_record(OTHER)))
    journal = LineFile(journal_path(folder))
    _, *opening = scripted.opening(folder, OTHER.epochs)
    for event in [scripted.started(folder, OTHER, folder.name), *opening, *scripted.epochs(epochs)]:
        append_event(journal, event)
    journal.close()


def say(folder: Path, *events: Event) -> None:
    """Append events to a run's journal."""
    journal = LineFile(journal_path(folder))
    for event in events:
        append_event(journal, event)
    journal.close()


def read_runs(*folders: Path) -> list[OverlaidRun]:
    """Runs that have ended, as they are drawn."""
    told: list[RunLoaded | RunUpdated] = []
    reader = RunReader(folders, told.append)
    eventually(lambda: not reader.following)
    return [
        OverlaidRun(folders[one.place].name, one.place + 1, one.history) for one in told if isinstance(one, RunLoaded)
    ]


def panels(pilot: Pilot[int]) -> list[str]:
    """The screen below its header, in which the time goes on."""
    return screen_text(pilot).split("\n")[4:]


def beside(place: Path, *names: str) -> ScriptedJobs:
    for name in names:
        put_run(place / name)
    return ScriptedJobs(ScriptedConnection([*scripted.opening(place / "one"), *scripted.epochs(3)]))


async def test_a_chosen_run_is_drawn_with_its_number_and_named(tmp_path: Path) -> None:
    async with screen(beside(tmp_path, "other"), (80, 24), hardware=StillMachine()) as pilot:
        before = panels(pilot)
        await pilot.press("o")
        await settle(pilot)
        seen = " ".join(screen_text(pilot).split())
        assert "Overlay runs" in seen
        assert "Differs: epochs 26 → 30, lr 0.2 → 0.05." in seen
        await pilot.press("space", "escape")
        await settle(pilot)
        assert "Loss · 1 other" in screen_text(pilot)
        assert "1" in "".join(row[8:] for row in screen_text(pilot).split("\n")[7:12])
        await pilot.press("x", "x", "g", "m", "m", "o", "space", "escape", "g", "m", "x")
        await settle(pilot)
        assert panels(pilot) == before, "without it, nothing is left of it"


@pytest.mark.slow
async def test_four_runs_at_most_are_drawn(tmp_path: Path) -> None:
    async with screen(beside(tmp_path, *"abcde")) as pilot:
        await pilot.press("o", "space", *["down", "space"] * 4)
        await settle(pilot)
        assert "4 runs at most" in screen_text(pilot)
        await pilot.press("escape")
        await settle(pilot)
        assert "4 " in next(row for row in screen_text(pilot).split("\n") if "Loss · 1" in row)


@pytest.mark.parametrize("axis", ["step", "epoch", "time"])
def test_another_runs_curve_lies_where_its_own_steps_epochs_and_seconds_are(tmp_path: Path, axis: str) -> None:
    put_run(tmp_path / "other")
    put_run(tmp_path / "one", epochs=2)
    (other,), (one,) = read_runs(tmp_path / "other"), read_runs(tmp_path / "one")
    view = ChartView(axis=axis)  # type: ignore[arg-type]
    x = XAxis.of(one.history, view, overlay_reach([other], view))
    smooth, tests = overlaid_curves([other], LOSS, view, x, 60)
    last = {"step": 250, "epoch": 5, "time": 250}[axis]
    assert tests.points.x[-1] == smooth.points.x[-1] == last <= x.high
    assert len(tests.points.x) == 5
    zoomed = XAxis.of(one.history, dataclasses.replace(view, window=(10.0, 60.0)))
    (seen, *_) = overlaid_curves([other], LOSS, view, zoomed, 60)
    assert seen.points.x[0] >= zoomed.low
    assert seen.points.x[-1] <= zoomed.high
    off = overlaid_curves([other], LOSS, dataclasses.replace(view, smoothing="off", hidden=frozenset({"test"})), x, 60)
    assert len(off) == 1


def test_the_runs_beside_one_come_with_their_differences(tmp_path: Path) -> None:
    put_run(tmp_path / "a")
    put_run(tmp_path / "b")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "recipe.json").write_text("{")
    (found,) = sibling_runs(tmp_path / "a", OTHER)
    assert (found.folder.name, found.differences) == ("b", ())
    assert differences(preset("quick"), OTHER) == ("epochs 26 → 30", "lr 0.2 → 0.05")


def test_names_are_cut_to_the_room_there_is(tmp_path: Path) -> None:
    for name in ("quick-20260101-120000", "[red]"):
        put_run(tmp_path / name)
    runs = read_runs(tmp_path / "quick-20260101-120000", tmp_path / "[red]")
    assert "quick-2026…" in overlay_legend(runs, 32)
    assert "\\[red]" in overlay_legend(runs, 32)


@pytest.mark.slow
async def test_a_run_that_still_trains_is_followed_on_the_chart(tmp_path: Path) -> None:
    jobs = beside(tmp_path, "other")
    trainer = RunFolder.reopen(tmp_path / "other")
    async with screen(jobs, (80, 24), hardware=StillMachine()) as pilot:
        await pilot.press("o", "space", "escape")
        await settle(pilot)
        before = panels(pilot)
        await settle(pilot)
        assert panels(pilot) == before
        say(tmp_path / "other", *scripted.epochs(25)[5 * 52 :])
        await settle(pilot)
        after = screen_text(pilot)
        assert "Loss · 1 other" in after
        assert [row[8:] for row in after.split("\n")[5:14]] != [row[8:] for row in before[1:10]]
        await pilot.press("o", "space", "escape")
        await settle(pilot)
        assert "1 other" not in screen_text(pilot)
        assert followers() == []
    trainer.close()


def followers() -> list[threading.Thread]:
    return [one for one in threading.enumerate() if one.name == "other runs"]


def test_later_events_of_a_run_are_delivered_until_it_has_ended(tmp_path: Path) -> None:
    for name in ("live", "ended", "second"):
        put_run(tmp_path / name, epochs=1)
    trainer, second = RunFolder.reopen(tmp_path / "live"), RunFolder.reopen(tmp_path / "second")
    told: list[RunLoaded | RunUpdated] = []
    folders = [tmp_path / name for name in ("nowhere", "ended", "live", "second")]
    reader = RunReader(folders, told.append, INTERVALS.other_runs)
    eventually(lambda: len(told) == 3)
    loaded = [(one.place, one.history.step) for one in told if isinstance(one, RunLoaded)]
    assert loaded == [(1, 50), (2, 50), (3, 50)]
    say(tmp_path / "ended", scripted.step(51))
    with (tmp_path / "live" / JOURNAL_NAME).open("ab") as journal:
        journal.write(b'{"at": 1, "event": "Noted", ')
    say(tmp_path / "live")
    for count in (4, 5):  # by the second, the reader has been round all of them since
        say(tmp_path / "second", scripted.step(47 + count))
        eventually(lambda count=count: len(told) >= count)  # type: ignore[misc]
    assert [one.place for one in told[3:]] == [3, 3], "half a line is none, and a run that has ended is no longer read"
    with (tmp_path / "live" / JOURNAL_NAME).open("ab") as journal:
        journal.write(b'"text": "here"}\n')
    eventually(lambda: len(told) == 6)
    assert isinstance(told[5], RunUpdated)
    assert (told[5].place, told[5].events) == (2, [Noted("here")])
    trainer.close()
    second.close()
    eventually(lambda: not reader.following)


def test_a_run_that_is_rolled_back_is_read_again_and_its_last_event_is_delivered(tmp_path: Path) -> None:
    put_run(tmp_path / "live", epochs=3)
    trainer = RunFolder.reopen(tmp_path / "live")
    told: list[RunLoaded | RunUpdated] = []
    reader = RunReader([tmp_path / "live"], told.append, INTERVALS.other_runs)
    eventually(lambda: len(told) == 1)
    rewind_records(tmp_path / "live", 100)
    eventually(lambda: len(told) == 2)
    assert isinstance(told[1], RunLoaded)
    assert told[1].history.step == 100
    say(tmp_path / "live", RunFinished(100, 0.5))
    trainer.close()
    eventually(lambda: not reader.following)
    assert isinstance(told[2], RunUpdated)
    assert told[2].events == [RunFinished(100, 0.5)]
