"""What version 0.1 wrote still opens: a run, its checkpoints and state, preferences and a theme.

`earlier_version/run` was stopped in mid-epoch, at step 50 of 400; `net_001.pth` was pinned and evaluated.
"""

import dataclasses
import shutil
from pathlib import Path

import pytest

from cifar_tui.checkpoint_events import EvaluationDone
from cifar_tui.events import EpochDone, RunFinished, RunResumed, RunStopped
from cifar_tui.history.run_history import RunHistory
from cifar_tui.jobs.evaluate import evaluate_checkpoint
from cifar_tui.jobs.local import LocalJobs
from cifar_tui.runs.checkpoints.pins import read_pins
from cifar_tui.runs.checkpoints.sidecars import list_sidecars
from cifar_tui.runs.checkpoints.states import list_states
from cifar_tui.runs.checkpoints.verdicts import read_evaluation
from cifar_tui.runs.folder import RunFolder, read_recipe
from cifar_tui.runs.overview import read_overview
from cifar_tui.runs.remote.follow import RemoteRun
from cifar_tui.tui.settings.preferences import PreferencesFile
from cifar_tui.tui.settings.themes import find_themes
from tests.waiting import eventually

WRITTEN = Path(__file__).with_name("earlier_version")
CHECKPOINTS = ["net_001.pth", "net_005_step_00050.pth"]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return shutil.copytree(WRITTEN / "run", tmp_path / "old")


def test_a_run_is_listed_with_its_checkpoints(run: Path) -> None:
    overview = read_overview(run)
    assert (overview.state, overview.step, overview.last_accuracy) == ("stopped", 50, 0.12)
    assert [sidecar.checkpoint for sidecar in list_sidecars(run)] == CHECKPOINTS
    assert [state.step for state in list_states(run)] == [50]
    assert read_pins(run) == {"net_001.pth"}
    assert read_evaluation(run, "net_001.pth").verdict.images == 50
    assert read_recipe(run).keep == "best+last:2"


def test_a_run_is_attached_to(run: Path) -> None:
    history, connection = RunHistory(), RemoteRun(run)

    def ended() -> bool:
        for event in connection.poll():
            history.apply(event)
        return connection.ended and not history.live

    eventually(ended)
    assert isinstance(history.ending, RunStopped)
    assert [epoch.epoch for epoch in history.epochs] == [1, 2, 3, 4]
    assert history.step == 50
    assert history.curves.layers.names == ()


def test_a_run_is_resumed(run: Path) -> None:
    folder = RunFolder.reopen(run)
    jobs = LocalJobs(dataclasses.replace(folder.recipe(), epochs=6), resumed=folder, changes=("epochs 40 → 6",))
    session = jobs.train()
    assert session.join(250)
    jobs.close()
    events = session.poll()
    (resumed,) = [event for event in events if isinstance(event, RunResumed)]
    assert resumed.at_step == 50
    assert [event.epoch for event in events if isinstance(event, EpochDone)][-2:] == [5, 6]
    assert isinstance(events[-1], RunFinished)


def test_a_checkpoint_is_evaluated(run: Path) -> None:
    before = read_evaluation(run, "net_001.pth").verdict
    session = evaluate_checkpoint(read_recipe(run), run, "net_001.pth")
    assert session.join(250)
    done = session.poll()[-1]
    assert isinstance(done, EvaluationDone)
    assert (done.accuracy, done.confusion) == (before.accuracy, before.confusion)


def test_preferences_and_a_theme_of_a_persons_own_are_used() -> None:
    file = PreferencesFile(WRITTEN / "screen.json")
    preferences = file.read()
    assert file.trouble == ""
    assert (preferences.theme, preferences.axis, preferences.smoothing) == ("own", "epoch", "strong")
    assert (preferences.hidden_curves, preferences.hidden_panels) == (("batch",), ("rate",))
    themes = find_themes([WRITTEN / "themes"])
    assert themes.broken == ()
    assert themes.usable["own"].background == "#101010"
