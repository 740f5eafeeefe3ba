"""The list of runs fits the terminal."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from cifar_tui.cli.run_table import list_overviews, table_lines
from cifar_tui.presets import preset
from cifar_tui.runs.folder import RunFolder
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
    monkeypatch.setattr(shutil, "get_terminal_size", lambda: os.terminal_size((columns, 24)))
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
