"""A run is deleted as a whole: a crash leaves it as it was, or gone after the next start."""

from pathlib import Path

import pytest

from cifar_tui.errors import BadInput, FolderInUse
from cifar_tui.presets import preset
from cifar_tui.runs import delete_run as module
from cifar_tui.runs.checkpoints.delete_files import DELETING_PREFIX
from cifar_tui.runs.checkpoints.test_images import IMAGE_BYTES, store_images
from cifar_tui.runs.delete_run import delete_run, finish_run_deletes, other_files
from cifar_tui.runs.find import all_runs
from cifar_tui.runs.garbage import collect_garbage
from cifar_tui.runs.new_run import NewRun
from tests.run_folders import put_finished_run, put_live_run
from tests.runs.checkpoints.test_retention import Killed

FILES = 4
"""Of a run of one epoch, without its lock: recipe, journal, weights and their sidecar."""


def kill_after(points: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """So many points of a deletion are passed, and the next is the last."""
    passed: list[str] = []

    def hit(_point: str, subject: str) -> None:
        passed.append(subject)
        if len(passed) > points:
            raise Killed

    monkeypatch.setattr(module, "hit", hit)


def test_nothing_is_left_of_a_deleted_run_and_others_stay(tmp_path: Path) -> None:
    other, run = put_finished_run(tmp_path, "other"), put_finished_run(tmp_path, "one")
    (run / "sub").mkdir()
    (run / "sub" / "file").write_text("mine")
    store_images(run, "0a1b2c3d", 1, lambda: bytes(IMAGE_BYTES))
    assert other_files(run) == ["sub"]
    delete_run(run)
    assert list(tmp_path.iterdir()) == [other]


@pytest.mark.fault(1)
@pytest.mark.parametrize("points", range(FILES + 1))
def test_a_run_that_is_half_deleted_goes_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, points: int
) -> None:
    run = put_finished_run(tmp_path, "one", epochs=1)
    kill_after(points, monkeypatch)
    with pytest.raises(Killed):
        delete_run(run)
    assert not run.exists()
    assert all_runs(tmp_path) == [], "a half-deleted run is none any more"
    monkeypatch.undo()
    collected = [path for path in collect_garbage(all_runs(tmp_path), tmp_path) if path.parent == tmp_path]
    assert len(collected) == 1, "beside sockets that other tests of this process have left"
    assert list(tmp_path.iterdir()) == []


def test_the_next_run_beside_it_finishes_an_interrupted_deletion(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = put_finished_run(tmp_path, "one")
    kill_after(2, monkeypatch)
    with pytest.raises(Killed):
        delete_run(run)
    monkeypatch.undo()
    NewRun(recipe=preset("quick"), name="two", place=tmp_path).make().close()
    assert [path.name for path in tmp_path.iterdir()] == ["two"]


def test_a_run_that_lives_is_not_deleted(tmp_path: Path) -> None:
    folder = put_live_run(tmp_path, "one", [])
    with pytest.raises(FolderInUse, match="one is being trained"):
        delete_run(folder.path)
    assert all_runs(tmp_path) == [folder.path]
    folder.close()


def test_a_folder_that_only_has_such_a_name_stays(tmp_path: Path) -> None:
    mine = tmp_path / f"{DELETING_PREFIX}mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("mine")
    (tmp_path / f"{DELETING_PREFIX}file").write_text("mine")
    assert finish_run_deletes(tmp_path) == []
    assert (mine / "thesis.txt").read_text() == "mine"


def test_a_deletion_under_way_elsewhere_is_left_alone(tmp_path: Path) -> None:
    held = put_live_run(tmp_path, "one", [])
    doomed = held.path.rename(tmp_path / f"{DELETING_PREFIX}one-00")
    assert finish_run_deletes(tmp_path) == []
    assert doomed.is_dir()
    held.close()
    assert finish_run_deletes(tmp_path) == [doomed]


def test_a_link_to_a_run_elsewhere_is_not_followed(tmp_path: Path) -> None:
    run = put_finished_run(tmp_path / "elsewhere", "one")
    link = tmp_path / "link"
    link.symlink_to(run)
    with pytest.raises(BadInput, match="link to a folder elsewhere"):
        delete_run(link)
    assert all_runs(run.parent) == [run]
