"""The list of runs fits the terminal."""

import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from cifar_tui.cli.run_table import list_overviews, table_lines
from cifar_tui.cli.runs import runs
from cifar_tui.errors import BadInput
from cifar_tui.presets import preset
from cifar_tui.runs.folder import RunFolder
from cifar_tui.runs.run_note import write_note
from cifar_tui.runs.tags import write_tags
from tests.cli.test_requests import ended_run


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    monkeypatch.chdir(tmp_path)
    names = ["one", "a-run-with-a-name-that-is-longer-than-any-column-should-be"]
    for name in names:
        ended_run(Path(), name, 3)
    RunFolder.create(Path("runs/new"), "new", preset("max")).close()
    return [Path("runs") / name for name in [*names, "new"]]


@pytest.mark.parametrize("columns", [60, 80, 120, 200])
def test_every_line_fits_the_terminal(folders: list[Path], monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(shutil, "get_terminal_size", lambda **_: os.terminal_size((columns, 24)))
    lines = table_lines(list_overviews(folders)[0])
    assert max(map(len, lines)) <= columns
    assert lines[0].split()[:2] == ["run", "state"]
    assert ("progress" in lines[0], "best" in lines[0]) == (True, columns >= 80)


def test_in_a_pipe_nothing_is_left_out_and_no_folder_repeats_the_name(
    folders: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: False, raising=False)
    head, *lines = table_lines(list_overviews(folders)[0])
    assert head.split() == ["run", "state", "progress", "best", "last", "preset", "data", "started", "size"]
    assert all(line.count(folder.name) == 1 for line, folder in zip(lines, folders, strict=True))


def test_tags_are_a_column_where_a_run_has_some(folders: list[Path]) -> None:
    write_tags(folders[0], ["night", "lr=0.1"])
    head, first, second, _ = table_lines(list_overviews(folders)[0])
    assert head.endswith("  tags")
    assert first.endswith("  night, lr=0.1")
    assert second.endswith("  –")


def test_a_filter_chooses_the_runs_that_are_listed(folders: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    write_tags(folders[0], ["night"])
    write_note(folders[0], "the good one")
    runs(where="tag=night note~good", as_json=True)
    (listed,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert (listed["run"], listed["tags"], listed["note"]) == ("one", ["night"], "the good one")
    runs(where="preset=max")
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["run", "new"]
    runs(where="preset=max tag=night")
    assert capsys.readouterr().out == "No run matches the filter.\n"
    with pytest.raises(BadInput, match="no field 'colour'"):
        runs(where="colour=red")
