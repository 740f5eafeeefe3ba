"""Checkpoints of a run that has ended are deleted and pinned under its lock, and its journal says so."""

from pathlib import Path

import pytest

from cifar_tui.checkpoint_events import CheckpointDeleted
from cifar_tui.control import DeleteCheckpoint, PinCheckpoint, Request
from cifar_tui.errors import FolderInUse
from cifar_tui.events import Event, Noted, RunStopped
from cifar_tui.files.run_files import journal_path
from cifar_tui.history.run_history import FeedItem
from cifar_tui.jobs.attached import AttachedJobs
from cifar_tui.presets import preset
from cifar_tui.runs.checkpoints.pins import read_pins
from cifar_tui.runs.checkpoints.sidecars import list_sidecars
from cifar_tui.runs.folder import RunFolder
from cifar_tui.runs.lock import is_being_trained
from cifar_tui.runs.records.journal import read_events
from cifar_tui.runs.records.recorder import Recorder
from tests import scripted
from tests.runs.checkpoints.test_retention import put


def ended_run(path: Path) -> Path:
    run = RunFolder.create(path, "one", preset("quick"))
    recorder = Recorder(run)
    events: list[Event] = [*scripted.opening(path), *scripted.epochs(3), RunStopped(150, "net_003.pth")]
    for event in events:
        recorder.append_event(event)
    recorder.close()
    run.close()
    for number in (1, 2, 3):
        put(path, f"net_00{number}.pth", number, number * 50)
    return path


def said(run: Path, request: Request) -> list[FeedItem]:
    assert isinstance(request, DeleteCheckpoint | PinCheckpoint)
    connection = AttachedJobs(run).manage_checkpoint(request)
    connection.join()
    return list(connection.poll())


def test_it_is_deleted_said_and_the_lock_is_free_again(tmp_path: Path) -> None:
    run = ended_run(tmp_path / "one")
    assert said(run, DeleteCheckpoint("net_001.pth")) == [CheckpointDeleted("net_001.pth", "as requested")]
    assert [one.epoch for one in list_sidecars(run)] == [2, 3]
    assert list(read_events(journal_path(run)))[-1] == CheckpointDeleted("net_001.pth", "as requested")
    assert not is_being_trained(run)


def test_the_best_which_is_the_newest_here_stays_and_a_pin_does(tmp_path: Path) -> None:
    run = ended_run(tmp_path / "one")
    (note,) = said(run, DeleteCheckpoint("net_003.pth"))
    assert isinstance(note, Noted)
    assert "cannot be deleted" in note.text
    assert said(run, PinCheckpoint("net_002.pth", True)) == []
    assert read_pins(run) == {"net_002.pth"}


def test_a_run_that_is_held_elsewhere_is_left_alone(tmp_path: Path) -> None:
    run = ended_run(tmp_path / "one")
    held = RunFolder.reopen(run)
    with pytest.raises(FolderInUse):
        AttachedJobs(run).manage_checkpoint(DeleteCheckpoint("net_001.pth"))
    held.close()
    assert len(list_sidecars(run)) == 3
