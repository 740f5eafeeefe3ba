"""A new run: a folder of its own, or none at all."""

import dataclasses
import errno
import hashlib
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cifar_tui.errors import BadInput, CifarTuiError, FolderInUse
from cifar_tui.jobs.local import LocalJobs
from cifar_tui.presets import preset
from cifar_tui.runs.checkpoints.sidecars import read_sidecar, sidecar_path, write_sidecar
from cifar_tui.runs.folder import RunFolder
from cifar_tui.runs.new_run import NewRun, branch
from tests.run_folders import put_finished_run

NOW = time.strptime("2026-01-02 03:04:05", "%Y-%m-%d %H:%M:%S")


@pytest.fixture(autouse=True)
def _one_second(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "localtime", lambda: NOW)


def names_of(runs: list[RunFolder]) -> list[str]:
    for run in runs:
        assert run.name == run.path.name
        run.close()
    return sorted(run.name for run in runs)


def test_runs_of_the_same_second_get_names_of_their_own(tmp_path: Path) -> None:
    new = NewRun(recipe=preset("quick"), place=tmp_path / "runs")
    with ThreadPoolExecutor(3) as threads:
        runs = list(threads.map(lambda _: new.make(), range(3)))
    assert names_of(runs) == ["quick-20260102-030405", "quick-20260102-030405-2", "quick-20260102-030405-3"]


def test_branches_of_the_same_second_get_names_of_their_own(tmp_path: Path) -> None:
    parent = put_finished_run(tmp_path, "one")
    weights = parent / "net_001.pth"
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    write_sidecar(parent, dataclasses.replace(read_sidecar(sidecar_path(weights)), sha256=digest))
    new = branch(weights, 2, 0.05)
    assert names_of([new.make(), new.make()]) == ["quick-20260102-030405", "quick-20260102-030405-2"]


def test_a_name_that_was_chosen_is_refused_once_it_is_taken(tmp_path: Path) -> None:
    new = NewRun(recipe=preset("quick"), name="mine", place=tmp_path)
    first = new.make()
    with pytest.raises(FolderInUse):
        new.make()
    first.close()
    with pytest.raises(BadInput, match="not empty"):
        new.make()
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


@pytest.mark.parametrize("name", [None, "mine"])
def test_a_place_that_can_have_no_run_ends_the_search_for_a_name(tmp_path: Path, name: str | None) -> None:
    (tmp_path / "runs").symlink_to(tmp_path / "gone")
    with pytest.raises(BadInput, match="Cannot write"):
        NewRun(recipe=preset("quick"), name=name, place=tmp_path / "runs").make()


@pytest.mark.parametrize("name", [None, "mine"])
@pytest.mark.parametrize("call", ["fsync", "write", "replace"])
def test_a_start_that_the_disk_refuses_leaves_no_run_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str | None, call: str
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    new = NewRun(recipe=preset("quick"), name=name, place=tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(Path if call == "replace" else os, call, refuse)
        with pytest.raises(BadInput, match="Input/output error"):
            new.make()
    assert list(tmp_path.iterdir()) == []
    assert names_of([new.make()]) == [name or "quick-20260102-030405"]


def test_records_that_cannot_be_opened_leave_no_run_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real_open = os.open

    def refuse(path: object, *arguments: int) -> int:
        if str(path).endswith("acc.txt"):
            raise OSError(errno.ENOSPC, "No space left on device")
        return real_open(path, *arguments)  # type: ignore[arg-type] # whatever it was called with

    jobs = LocalJobs(preset("quick"), place=tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        with pytest.raises(CifarTuiError, match="No space left"):
            jobs.train()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_other_files_gets_no_lock(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(BadInput, match="not empty"):
        NewRun(recipe=preset("quick"), folder=tmp_path).make()
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
