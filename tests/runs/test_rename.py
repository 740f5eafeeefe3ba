from pathlib import Path

import pytest

from cifar_tui.errors import BadInput, FolderInUse
from cifar_tui.events import NoteAdded
from cifar_tui.files.run_files import NOTE_NAME
from cifar_tui.runs.find import find_run
from cifar_tui.runs.overview import read_overview
from cifar_tui.runs.rename import rename_run
from cifar_tui.runs.run_note import read_note, write_note
from tests.run_folders import put_finished_run, put_live_run, write_events


def test_a_renamed_run_is_found_by_both_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    put_finished_run(Path("runs"), "other")
    new = rename_run(put_finished_run(Path("runs"), "one"), " baseline ")
    assert new == tmp_path / "runs" / "baseline"
    assert read_overview(new).state == "finished"
    for name in ("baseline", "one"):
        assert find_run(name).absolute() == new
    put_finished_run(Path("runs"), "one")
    assert find_run("one") == Path("runs/one"), "a run's name now comes before one that another had"


@pytest.mark.parametrize("name", ["", "-x", ".hidden", "a/b", "a" * 101, "ü"])
def test_a_name_that_no_folder_can_have_is_refused(tmp_path: Path, name: str) -> None:
    run = put_finished_run(tmp_path, "one")
    with pytest.raises(BadInput, match="cannot be a run's name"):
        rename_run(run, name)
    assert list(tmp_path.iterdir()) == [run]


def test_no_run_takes_the_place_of_another(tmp_path: Path) -> None:
    run, other = put_finished_run(tmp_path, "one"), put_finished_run(tmp_path, "two")
    (tmp_path / "empty").mkdir()
    for name in ("two", "empty"):
        with pytest.raises(BadInput, match="There is already"):
            rename_run(run, name)
    assert run.is_dir()
    assert other.is_dir()


def test_a_run_that_lives_keeps_its_name(tmp_path: Path) -> None:
    folder = put_live_run(tmp_path, "one", [])
    with pytest.raises(FolderInUse, match="one is being trained"):
        rename_run(folder.path, "two")
    folder.close()


def test_a_note_is_one_line_and_an_empty_one_takes_it_away(tmp_path: Path) -> None:
    run = put_finished_run(tmp_path, "one")
    write_events(run, [NoteAdded(1, "smaller crops", ""), NoteAdded(2, "from here", "")])
    assert read_overview(run).note == "from here", "without one of its own, what was written while it trained"
    write_note(run, "  the one\n in the paper ")
    assert (run / NOTE_NAME).read_text() == "the one in the paper\n"
    assert read_overview(run).note == "the one in the paper"
    write_note(run, " ")
    assert not (run / NOTE_NAME).exists()


def test_a_note_that_is_none_of_ours_is_none(tmp_path: Path) -> None:
    (tmp_path / NOTE_NAME).write_bytes(b"\xff\x1b[2J")
    assert read_note(tmp_path) == "\ufffd\x1b[2J", "it is made safe where it is shown"
    (tmp_path / NOTE_NAME).write_bytes(b"x" * 10_000)
    assert read_note(tmp_path) == ""
