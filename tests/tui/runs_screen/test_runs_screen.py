from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot

from cifar_tui.control import Pause, Stop
from cifar_tui.events import LossNotFinite, RunFinished, RunStopped
from cifar_tui.files.run_files import RECIPE_NAME
from cifar_tui.presets import preset
from cifar_tui.runs.find import all_runs
from cifar_tui.runs.run_note import read_note, write_note
from cifar_tui.runs.tags import read_tags, write_tags
from cifar_tui.tui.app import ScreenOptions
from cifar_tui.tui.widgets.row_list import RowList
from tests import scripted
from tests.run_folders import put_finished_run, put_live_run, put_run, put_stopped_run, write_events
from tests.scripted import ScriptedConnection, ScriptedJobs
from tests.tui.drive import AT_EVERY_SIZE, SIZES, app_of, burst, screen, screen_text, settle, until


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of runs where the program is started."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    return tmp_path / "runs"


@asynccontextmanager
async def all_runs_first(size: tuple[int, int] = (120, 40)) -> AsyncIterator[Pilot[int]]:
    """The screen as `cifar-tui` alone shows it."""
    async with screen(None, size, options=ScreenOptions(all_runs=True)) as pilot:
        await settle(pilot)
        yield pilot


def training_here(place: Path) -> ScriptedConnection:
    """A run that trains in this process."""
    return ScriptedConnection([*scripted.opening(place / "one"), *scripted.epochs(1)])


@asynccontextmanager
async def other_run_in_front(place: Path) -> AsyncIterator[tuple[Pilot[int], ScriptedConnection]]:
    """A run that trains in this process, and another one that was opened over it."""
    put_finished_run(place, "other", 2)
    connection = training_here(place)
    held = put_live_run(place, "one", [])
    async with screen(ScriptedJobs(connection)) as pilot:
        await burst(pilot, "u")
        await burst(pilot, "/", "other", "enter", "enter")
        await shows(pilot, "run other", "✓ Finished")
        yield pilot, connection
    held.close()


async def shows(pilot: Pilot[int], *texts: str) -> None:
    """Wait until all of these are on the screen."""
    await until(lambda: all(text in screen_text(pilot) for text in texts))


def row(pilot: Pilot[int], name: str) -> str:
    return next(line for line in screen_text(pilot).splitlines() if name in line)


@AT_EVERY_SIZE
async def test_every_run_is_listed_with_its_state_and_progress(place: Path, size: tuple[int, int]) -> None:
    put_finished_run(place, "done", 26)
    put_stopped_run(place, "halted", 13)
    put_run(place, "gone", [*scripted.opening()[1:], *scripted.epochs(1)])
    folder = put_live_run(place, "alive", [*scripted.opening()[1:], *scripted.epochs(2)])
    async with all_runs_first(size) as pilot:
        assert "4 runs" in screen_text(pilot)
        for name, texts in {
            "done": ("✓ Finished", "26/26 100 %"),
            "halted": ("■ Stopped", "13/26 50 %"),
            "gone": ("✗ Killed", "1/26 3 %"),
            "alive": ("● Training", "2/26 7 %"),
        }.items():
            for text in texts:
                assert text in row(pilot, f" {name} ")
        assert "22 min" in row(pilot, "alive") or size == (60, 20)
        assert all(len(line.rstrip()) <= size[0] for line in screen_text(pilot).splitlines())
    folder.close()


@pytest.mark.slow
async def test_a_live_run_moves_and_one_that_appears_is_there(place: Path) -> None:
    folder = put_live_run(place, "alive", [*scripted.opening()[1:], *scripted.epochs(2)])
    async with all_runs_first() as pilot:
        assert "2/26 7 %" in row(pilot, "alive")
        write_events(folder.path, scripted.epochs(3)[-52:])
        await shows(pilot, "3/26 11 %")
        put_finished_run(place, "later")
        await shows(pilot, "2 runs", " later ")
        write_events(folder.path, [RunStopped(150, "")])
        folder.close()
        await shows(pilot, "■ Stopped")


@AT_EVERY_SIZE
async def test_without_runs_it_says_how_to_start_one(place: Path, size: tuple[int, int]) -> None:
    async with all_runs_first(size) as pilot:
        await shows(pilot, "There are no runs in runs/ yet.", "cifar-tui train")
        await pilot.press("enter", "D", "r", "R", "j", "b", "space", "C", "o", "n", "N", "escape")
        await shows(pilot, "No run is open")
        await pilot.press("q")
        await until(lambda: not pilot.app.is_running)
    assert pilot.app.return_code == 0


@pytest.mark.slow
async def test_a_run_that_cannot_be_read_is_not_called_none(place: Path) -> None:
    (place / "broken").mkdir()
    (place / "broken" / RECIPE_NAME).write_text("{")
    async with all_runs_first() as pilot:
        await shows(pilot, "1 run in runs/ cannot be read.", "cifar-tui runs")
        put_finished_run(place, "one")
        await shows(pilot, " one ", "· 1 cannot be read")


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["night", "day", "sixteen"])
async def test_words_on_the_cursor_have_the_cursors_colour(place: Path, theme: str) -> None:
    """A state has a colour of its own elsewhere; on the cursor's ground it could not be read."""
    put_finished_run(place, "one"), put_finished_run(place, "two")
    async with all_runs_first() as pilot:
        pilot.app.theme = theme
        await settle(pilot)
        rows = pilot.app.screen.query_one("#run-list", RowList)
        on_cursor, other = ({one.style.color for one in rows.render_line(line) if one.style} for line in (1, 2))
        assert (len(on_cursor), len(other)) == (1, 2)


async def test_a_run_is_opened_and_left_for_another_and_the_list(place: Path) -> None:
    put_finished_run(place, "one", 2)
    put_finished_run(place, "two", 3)
    async with all_runs_first() as pilot:
        for name, steps in (("one", "step 100/1,300"), ("two", "step 150/1,300")):
            await burst(pilot, "/", name, "enter")
            await pilot.press("enter")
            await shows(pilot, f"run {name}", steps)
            await pilot.press("c")
            await settle(pilot)
            await pilot.press("u")
            await shows(pilot, "▸")
            assert f"▸{name}" in screen_text(pilot)
            await pilot.press("escape")  # shows all again
        await pilot.press("escape")
        await shows(pilot, "3 checkpoints")
        await pilot.press("escape")
        await settle(pilot)
        await pilot.press("escape")
        await shows(pilot, "2 runs")


async def test_a_run_is_told_as_open_before_its_first_event_is_read(place: Path) -> None:
    put_finished_run(place, "one", 2)
    jobs = ScriptedJobs(ScriptedConnection([]))
    async with screen(jobs, options=ScreenOptions(all_runs=True)) as pilot:
        await shows(pilot, " one ")
        await pilot.press("enter", "u")
        await shows(pilot, "▸one")


@pytest.mark.slow
async def test_a_run_that_trains_here_trains_on_behind_another(place: Path) -> None:
    async with other_run_in_front(place) as (pilot, connection):
        connection.emit(*scripted.epochs(2)[-52:])
        await pilot.press("p", "s", "r", "e")
        await settle(pilot)
        assert connection.requests == [], "keys are for the run in view"
        await burst(pilot, "escape", "u")
        await burst(pilot, "escape", "/", "one", "enter", "enter")
        await shows(pilot, "run one", "step 100/1,300")
        await pilot.press("p")
        assert [type(one) for one in connection.requests] == [Pause]
        await pilot.press("escape")
        await settle(pilot)
        assert "Paus" in screen_text(pilot), "escape leaves no run that trains here"


@pytest.mark.slow
async def test_leaving_returns_to_the_run_that_trains_here_and_asks(place: Path) -> None:
    async with other_run_in_front(place) as (pilot, connection):
        await pilot.press("q")
        await shows(pilot, "Quit while training?", "run one")
        await pilot.press("s")
        await settle(pilot)
        assert [type(one) for one in connection.requests] == [Stop]
        connection.emit(RunStopped(50, ""))
        connection.ended = True
        await until(lambda: not pilot.app.is_running)
    assert app_of(pilot).followed.connection is connection


@pytest.mark.slow
async def test_a_broken_loss_of_the_run_that_trains_here_comes_to_the_front(place: Path) -> None:
    async with other_run_in_front(place) as (pilot, connection):
        connection.emit(LossNotFinite(51, float("nan"), waiting=True))
        await shows(pilot, "The loss of step 51", "run one")


@pytest.mark.slow
async def test_a_run_that_has_ended_here_behind_another_is_told_once(place: Path) -> None:
    async with other_run_in_front(place) as (pilot, connection):
        connection.emit(RunFinished(50, 0.9))
        connection.ended = True
        await shows(pilot, "one has ended")
        await pilot.press("q")
        await until(lambda: not pilot.app.is_running)


@pytest.mark.slow
async def test_an_evaluation_under_way_is_named_before_another_job_starts(place: Path) -> None:
    put_finished_run(place, "other", 2)
    put_finished_run(place, "third", 2)
    connection = ScriptedConnection([*scripted.opening(place / "one"), *scripted.epochs(1), RunStopped(50, "")])
    connection.ended = True
    held = put_live_run(place, "one", [])
    async with screen(ScriptedJobs(connection)) as pilot:
        await settle(pilot)
        await pilot.press("e", "escape", "u")
        await shows(pilot, "3 runs")
        await pilot.press("home", "space", "home", "down", "space")
        await shows(pilot, "2 runs marked")
        for keys in (("C",), ("home", "enter")):
            app_of(pilot).clear_notifications()
            await pilot.press(*keys)
            await shows(pilot, "net_001.pth is being")
    held.close()


async def test_runs_are_sorted_filtered_and_marked(place: Path) -> None:
    for name, epochs in (("best", 9), ("worst", 1), ("middle", 4)):
        put_finished_run(place, name, epochs)
    write_note(place / "middle", "with smaller crops")
    async with all_runs_first() as pilot:
        await pilot.press("n")  # after the age comes the size
        names = ["best", "middle", "worst"]
        seen = screen_text(pilot)
        assert sorted(names, key=lambda name: seen.index(f" {name} ")) == names
        await pilot.press("N")
        await settle(pilot)
        seen = screen_text(pilot)
        assert sorted(names, key=lambda name: seen.index(f" {name} ")) == names[::-1]
        await burst(pilot, "/", "crops", "enter")
        assert "1 of 3 runs" in screen_text(pilot)
        assert "with smaller crops" in screen_text(pilot)
        await pilot.press("space")
        await shows(pilot, "✓ 1 run marked")
        await burst(pilot, "/", "zzz")
        await shows(pilot, "No run matches.")
        await pilot.press("escape")
        await shows(pilot, "3 runs")
        assert "✓" in row(pilot, "middle").split("middle")[0]


@pytest.mark.slow
async def test_marked_runs_are_drawn_over_the_one_opened_and_compared(place: Path) -> None:
    put_finished_run(place, "one", 2)
    put_finished_run(place, "two", 3)
    jobs = ScriptedJobs(training_here(place))
    held = put_live_run(place, "here", [])
    async with screen(jobs) as pilot:
        await burst(pilot, "u")
        await burst(pilot, "/", "finished", "enter", "C")
        await shows(pilot, "Mark 2 to 8 runs")
        await pilot.press("home", "space", "home", "down", "space", "C")
        await until(lambda: bool(jobs.compared))
        assert sorted(jobs.compared[0]) == ["one/net_002.pth", "two/net_003.pth"]
        assert jobs.compared_beside, "a run that trains here goes first"
        await pilot.press("escape", "home", "o")
        names = ("one", "two")
        await until(lambda: any(f"1 {name}" in screen_text(pilot) for name in names))
    held.close()


@pytest.mark.slow
async def test_a_run_is_renamed_and_stays_the_one_that_is_open(place: Path) -> None:
    put_finished_run(place, "one", 2)
    put_finished_run(place, "two", 2)
    async with all_runs_first() as pilot:
        await burst(pilot, "/", "one", "enter", "enter")
        await shows(pilot, "run one")
        await pilot.press("u", "R")
        await shows(pilot, "Rename one")
        await burst(pilot, "ctrl+u", "two", "enter")
        await shows(pilot, "There is already")
        await burst(pilot, "R", "ctrl+u", "-x", "enter")
        await shows(pilot, "cannot be a run's name")
        await burst(pilot, "ctrl+u", "baseline", "enter")
        await until(lambda: (place / "baseline").is_dir())
        await pilot.press("slash", "escape")
        await shows(pilot, "▸baseline")
        await pilot.press("escape")
        await shows(pilot, "run baseline")


async def test_a_note_is_written_changed_and_taken_away(place: Path) -> None:
    put_finished_run(place, "one", 2)
    async with all_runs_first() as pilot:
        await shows(pilot, "No note: j writes one.")
        await burst(pilot, "j", "hi", "enter")
        await shows(pilot, "Note  hi")
        await burst(pilot, "j", " you", "enter")
        await shows(pilot, "Note  hi you")
        await pilot.press("j", "ctrl+u", "enter")
        await shows(pilot, "No note")
    assert read_note(place / "one") == ""


async def test_a_run_is_deleted_only_after_a_question_that_says_what_it_frees(place: Path) -> None:
    put_finished_run(place, "one", 2)
    put_finished_run(place, "two", 2)
    (place / "two" / "mine.txt").write_bytes(b"x" * 1_000_000)
    async with all_runs_first() as pilot:
        await burst(pilot, "/", "two", "enter", "enter")
        await shows(pilot, "run two")
        await pilot.press("u", "D")
        await shows(pilot, "Delete the run two?", "Frees 1.0 MB", "mine.txt")
        await pilot.press("escape", "D", "enter")
        await settle(pilot)
        assert len(all_runs(place)) == 2, "the first answer keeps it"
        await pilot.press("D", "y")
        await shows(pilot, "two is deleted.")
        await pilot.press("escape")
        await shows(pilot, "1 run,")
        await pilot.press("escape")
        await shows(pilot, "No run is open")
    assert all_runs(place) == [place / "one"]


@pytest.mark.slow
async def test_what_lives_is_neither_deleted_nor_renamed_nor_resumed(place: Path) -> None:
    held = put_live_run(place, "one", [*scripted.opening()[1:], *scripted.epochs(1)])
    async with all_runs_first() as pilot:
        for key, sentence in (("D", "stop it first"), ("R", "once it has ended"), ("r", "has not ended")):
            await pilot.press(key)
            await shows(pilot, sentence)
    assert all_runs(place) == [held.path]
    held.close()


@pytest.mark.slow
async def test_a_run_that_has_finished_or_has_no_state_says_so_when_it_is_to_be_resumed(place: Path) -> None:
    put_finished_run(place, "one", 2)
    put_stopped_run(place, "two")
    async with all_runs_first() as pilot:
        await burst(pilot, "/", "one", "enter", "r")
        await shows(pilot, "one has finished.")
        await burst(pilot, "escape", "/", "two", "enter", "r")
        await shows(pilot, "two cannot be resumed")


@pytest.mark.slow
async def test_no_second_run_trains_in_this_process(place: Path) -> None:
    put_stopped_run(place, "two")
    scripted.put_checkpoint(place / "two", 1)
    held = put_live_run(place, "one", [])
    async with screen(ScriptedJobs(training_here(place))) as pilot:
        await burst(pilot, "u")
        await burst(pilot, "/", "two", "enter", "r")
        await shows(pilot, "Another run is training in this screen")
    held.close()


@pytest.mark.slow
async def test_hostile_names_and_notes_do_not_reach_the_terminal(place: Path) -> None:
    folder = put_run(place, "one", [*scripted.opening()[1:]], preset("quick"))
    (folder / "note.txt").write_text("\x1b[2J[red]bold[/red]\u202e")
    folder.rename(place / "[b]\x1b]0;x\x07")
    for size in SIZES:
        async with all_runs_first(size) as pilot:
            assert "1 run" in screen_text(pilot)
            assert "[red]bold[/red]" in screen_text(pilot)
            await pilot.press("D")
            await shows(pilot, "Delete the run [b]�]0;x�?")


@AT_EVERY_SIZE
async def test_runs_are_filtered_by_what_they_are_as_on_the_command_line(place: Path, size: tuple[int, int]) -> None:
    for name, epochs in (("best", 9), ("worst", 1), ("middle", 4)):
        put_finished_run(place, name, epochs)
    write_tags(place / "middle", ["night"])
    async with all_runs_first(size) as pilot:
        await burst(pilot, "/", "epoch>1 tag=night")
        await shows(pilot, "1 of 3 runs", " middle ", "Tags  night")
        await burst(pilot, "ctrl+u", "mid epoch<=4")
        await shows(pilot, "1 of 3 runs", " middle ")
        await burst(pilot, "ctrl+u", "epoch>x")
        await shows(pilot, "epoch cannot be compared with 'x'")
        await burst(pilot, "ctrl+u", "colour=red")
        await shows(pilot, "Runs have no field 'colour'")
        assert all(len(line.rstrip()) <= size[0] for line in screen_text(pilot).splitlines())
        await pilot.press("escape")
        await shows(pilot, "3 runs,")
        assert "colour" not in screen_text(pilot)


@pytest.mark.slow
async def test_a_run_gets_and_loses_tags(place: Path) -> None:
    folder = put_live_run(place, "one", [*scripted.opening()[1:], *scripted.epochs(1)])
    async with all_runs_first() as pilot:
        await shows(pilot, "No tags: T puts some on it.")
        await burst(pilot, "T", "night lr=0.1", "enter")
        await shows(pilot, "Tags  night lr=0.1")
        await burst(pilot, "T", " -x", "enter")
        await shows(pilot, "'-x' cannot be a tag")
        await burst(pilot, "ctrl+u", "wide", "enter")
        await shows(pilot, "Tags  wide")
        assert read_tags(folder.path) == ("wide",), "while it trains, too"
        await burst(pilot, "/", "wide", "enter")
        await shows(pilot, "1 run,")
        await pilot.press("T", "ctrl+u", "enter")
        await until(lambda: read_tags(folder.path) == ())
    folder.close()


@pytest.mark.slow
async def test_marked_runs_are_tagged_together(place: Path) -> None:
    for name in ("one", "two", "three"):
        write_tags(put_finished_run(place, name), [name, "old"])
    async with all_runs_first() as pilot:
        await pilot.press("home", "space", "space")
        await shows(pilot, "2 runs marked")
        await pilot.press("T")
        await shows(pilot, "Tags of the 2 marked runs")
        await burst(pilot, "night -old", "enter")
        await until(lambda: sum("night" in read_tags(place / name) for name in ("one", "two", "three")) == 2)
        await settle(pilot)
    tags = [set(read_tags(place / name)) - {name} for name in ("one", "two", "three")]
    assert sorted(map(sorted, tags)) == [["night"], ["night"], ["old"]]


@pytest.mark.slow
@AT_EVERY_SIZE
async def test_marked_runs_are_deleted_together_but_none_that_trains(place: Path, size: tuple[int, int]) -> None:
    for name in ("one", "two", "other"):
        put_finished_run(place, name, 2)
    (place / "two" / "mine.txt").write_bytes(b"x" * 1_000_000)
    held = put_live_run(place, "held", [*scripted.opening()[1:], *scripted.epochs(1)])
    async with all_runs_first(size) as pilot:
        for name in ("one", "two", "held"):
            await burst(pilot, "/", "ctrl+u", f"name={name}", "enter", "space")
        await pilot.press("escape", "D")
        await shows(pilot, "Delete the 2 marked runs?", "Frees 1.", "two:", "mine.txt", "held is")
        await shows(pilot, "Cancel (esc)", "Delete (y)")
        await pilot.press("enter")
        await settle(pilot)
        assert len(all_runs(place)) == 4, "the first answer keeps them"
        await pilot.press("D", "y")
        await shows(pilot, "2 runs are deleted.")
        await until(lambda: "2 runs, " in screen_text(pilot))
        await pilot.press("D")
        await shows(pilot, "held is training: stop it first")
    assert {folder.name for folder in all_runs(place)} == {"held", "other"}
    held.close()


@pytest.mark.slow
async def test_of_marked_runs_the_one_under_the_cursor_can_be_deleted_alone(place: Path) -> None:
    for name in ("one", "two", "three"):
        put_finished_run(place, name, 2)
    async with all_runs_first() as pilot:
        await burst(pilot, "/", "name=one,two", "enter", "home", "space", "space")
        await burst(pilot, "/", "ctrl+u", "name=three", "enter", "D")
        await shows(pilot, "Delete the 2 marked runs?", "one", "two", "Only three (o)")
        await pilot.press("o")
        await shows(pilot, "three is deleted.")
    assert {folder.name for folder in all_runs(place)} == {"one", "two"}


async def test_the_room_of_weights_and_states_is_said(place: Path) -> None:
    folder = put_finished_run(place, "one", 2)
    (folder / "net_002.pth").write_bytes(b"w" * 3_000_000)
    (folder / "state_0000100.pt").write_bytes(b"s" * 2_000_000)
    async with all_runs_first() as pilot:
        await shows(pilot, "5.0 MB: weights 3.0 MB, states 2.0 MB")
