"""Checkpoints are deleted by the run itself, after each save or because a person asks, and the run says so."""

from pathlib import Path

import pytest

from cifar_tui import failpoints
from cifar_tui.checkpoint_events import CheckpointDeleted, CheckpointSaved, EvaluationDone, StateSaved
from cifar_tui.control import DeleteCheckpoint, Evaluate, PinCheckpoint, Request
from cifar_tui.events import Noted
from cifar_tui.files.run_files import journal_path
from cifar_tui.history.run_history import RunHistory
from cifar_tui.runs.checkpoints import delete_files
from cifar_tui.runs.checkpoints.pins import read_pins
from cifar_tui.runs.checkpoints.sidecars import list_sidecars
from cifar_tui.runs.folder import read_recipe
from cifar_tui.runs.records.journal import read_events
from tests.engine import trained
from tests.invariants import Evidence, check


def names(folder: Path) -> list[str]:
    return [one.checkpoint for one in list_sidecars(folder)]


@pytest.mark.slow
def test_only_the_best_and_the_newest_stay_and_the_run_goes_on_like_that(tmp_path: Path) -> None:
    folder = tmp_path / "one"
    person = trained.run(folder, epochs=6, keep="best+last:2")
    gone = {event.checkpoint for event in person.heard(CheckpointDeleted)}
    assert gone
    assert not gone & set(names(folder))
    assert {"net_005.pth", "net_006.pth"} <= set(names(folder))
    assert not [path for path in folder.glob("net_*") if path.name[:7] in {name[:7] for name in gone}]
    check(folder, Evidence(restarted=True))
    trained.resume(folder, epochs=8)
    assert {"net_007.pth", "net_008.pth"} <= set(names(folder))
    assert len(names(folder)) <= 5, "the best, the newest two, and the last good one of each of the two states"
    check(folder, Evidence(restarted=True))
    history = RunHistory()
    for event in read_events(journal_path(folder)):
        history.apply(event)
    assert [saved.checkpoint for saved in history.checkpoints] == names(folder)
    assert read_recipe(folder).keep == "best+last:2"


def test_a_person_pins_and_deletes_while_it_trains(tmp_path: Path) -> None:
    folder = tmp_path / "one"
    asked: list[Request] = [PinCheckpoint("net_001.pth", True), DeleteCheckpoint("net_001.pth")]
    person = trained.run(folder, {StateSaved: asked}, epochs=2)
    assert read_pins(folder) == {"net_001.pth"}
    assert any("net_001.pth is pinned" in note.text for note in person.heard(Noted))
    assert "net_001.pth" in names(folder)


@pytest.mark.slow
def test_what_is_evaluated_stays_and_the_last_good_one_too(tmp_path: Path) -> None:
    folder = tmp_path / "one"
    asked: list[Request] = [Evaluate("net_001.pth"), DeleteCheckpoint("net_001.pth")]
    person = trained.run(folder, {CheckpointSaved: asked}, epochs=2)
    assert person.heard(EvaluationDone)
    assert names(folder) == ["net_001.pth", "net_002.pth"]
    assert any("cannot be deleted" in note.text for note in person.heard(Noted))


@pytest.mark.slow
def test_a_deletion_that_fails_is_said_once_and_training_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse = failpoints.parse("eio:unlinked:net_*.pth:1:99")
    monkeypatch.setattr(delete_files, "hit", refuse.hit)
    folder = tmp_path / "one"
    person = trained.run(folder, epochs=5, keep="best+last:2")
    said = [note.text for note in person.heard(Noted) if "could not be deleted" in note.text]
    assert said == ["Old checkpoints could not be deleted: Input/output error."]
    assert len(person.heard(CheckpointSaved)) == 5
