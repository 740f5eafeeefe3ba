"""A run that ended goes on as if it never had."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
import torch

from cifar_tui.checkpoint_events import CheckpointSaved, EvaluationDone, StateSaved
from cifar_tui.control import ChangeRate, Evaluate, FinishEpoch, Request, SaveNow, Stop
from cifar_tui.engine.checkpoints.background_writer import BackgroundWriter, WriteTask
from cifar_tui.engine.checkpoints.checkpoint import load_network, load_tensors
from cifar_tui.engine.data.dataset import DataSet, Split
from cifar_tui.errors import BadInput
from cifar_tui.events import (
    EpochDone,
    Event,
    FinishPlanned,
    Noted,
    RateChanged,
    RunFinished,
    RunResumed,
    RunStopped,
    StepDone,
)
from cifar_tui.files.run_files import JOURNAL_NAME, journal_path
from cifar_tui.runs.checkpoints.sidecars import list_sidecars
from cifar_tui.runs.checkpoints.states import list_states, state_path
from cifar_tui.runs.folder import RunFolder
from cifar_tui.runs.records.journal import read_events
from tests.engine.trained import ALWAYS, SELDOM, STEPS, Script, easy_images, resume, run


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> object:
    """What the unbroken run leaves."""
    folder = tmp_path_factory.mktemp("whole") / "one"
    run(folder)
    return outcome(folder)


def outcome(folder: Path) -> object:
    """What must not depend on interruptions."""
    weights = {sidecar.checkpoint: sidecar.sha256 for sidecar in list_sidecars(folder)}
    events = [
        (event.step, event.loss, event.accuracy, event.learning_rate)
        if isinstance(event, StepDone)
        else (event.epoch, event.train_loss, event.test_accuracy)
        for event in read_events(journal_path(folder))
        if isinstance(event, StepDone | EpochDone)
    ]
    texts = [(folder / name).read_text() for name in ("log.txt", "acc.txt")]
    return {name: digest for name, digest in weights.items() if "step" not in name}, events, texts


@pytest.mark.slow
@pytest.mark.fault(1)
@pytest.mark.timeout(2_400)
def test_runs_killed_at_random_moments_and_every_point_of_a_save_end_with_the_very_same_weights(
    tmp_path: Path, often: bool, record_property: Callable[[str, object], None]
) -> None:
    runs, kills = (20, 3) if often else (10, 3)
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.engine.training.killed_runs",
            str(tmp_path),
            str(runs),
            str(kills),
            str(int(often)),
        ],
        cwd=Path(__file__).parents[3],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=2_300 if often else 900,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = orjson.loads(done.stdout)
    record_property("tries", found["killed"] + len(found["points"]))
    assert found["killed"] >= runs * kills, "all were killed under way, often"
    assert found["resumed"] >= runs / 3, "and those that save a state after every step went on from one"
    assert len(found["points"]) == (20 if often else 0)
    assert len(found["whole"]["weights"]) == 2
    assert found["whole"]["leftovers"] == []
    assert found["results"] == [found["whole"]] * runs


@pytest.mark.parametrize("moment", [StepDone, EpochDone, CheckpointSaved])
def test_a_run_stopped_and_resumed_is_the_unbroken_run(tmp_path: Path, moment: type[Event], whole: object) -> None:
    run(tmp_path / "cut", {moment: [Stop()]})
    resumed = resume(tmp_path / "cut")
    assert resumed.heard(RunResumed)[0].inexact_because == ""
    assert isinstance(resumed.said[-1], RunFinished)
    assert outcome(tmp_path / "cut") == whole


@pytest.mark.slow
@pytest.mark.parametrize("changes", [{"optimizer": "adamw", "learning_rate": 0.001}, {"ema": 0.9}])
def test_optimizers_and_averages_are_resumed_exactly(tmp_path: Path, changes: dict[str, Any]) -> None:
    """From mid-epoch, and from the end of one."""
    run(tmp_path / "whole", **changes)
    for moment in (StepDone, EpochDone):
        folder = tmp_path / moment.__name__
        stopped = run(folder, {moment: [Stop()]}, **changes).heard(RunStopped)[0]
        assert 0 < stopped.step < 2 * STEPS
        assert resume(folder).heard(RunResumed)[0].inexact_because == ""
        assert outcome(folder) == outcome(tmp_path / "whole")


@pytest.mark.slow
@pytest.mark.parametrize("changes", [{"optimizer": "adamw"}, {"ema": 0.9}])
def test_a_state_without_what_the_recipe_needs_is_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    run(tmp_path / "one", {StepDone: [Stop()]})
    with pytest.raises(BadInput, match="no intact training state"):
        resume(tmp_path / "one", **changes)


@pytest.mark.slow
def test_an_average_is_what_is_tested_and_kept_after_an_epoch_and_that_is_said(tmp_path: Path) -> None:
    averaged = run(tmp_path / "averaged", {CheckpointSaved: [Evaluate("net_001.pth")]}, ema=0.9)
    plain = run(tmp_path / "plain")
    assert "moving average of the weights (decay 0.9)" in averaged.heard(Noted)[0].text
    assert averaged.heard(EvaluationDone)[0].accuracy == averaged.heard(EpochDone)[0].test_accuracy
    assert [step.loss for step in averaged.heard(StepDone)] == [step.loss for step in plain.heard(StepDone)]
    assert averaged.heard(EpochDone)[0].test_loss != plain.heard(EpochDone)[0].test_loss
    for name, decay, part in (("averaged", 0.9, "average"), ("plain", 0.0, "network")):
        record = list_states(tmp_path / name)[0]
        content = load_tensors(state_path(tmp_path / name, record.step), record.size, record.sha256)
        assert isinstance(content, dict)
        assert ("average" in content) == (name == "averaged"), "states of other runs have no more than before"
        network, sidecar = load_network(tmp_path / name, "net_002.pth")
        assert sidecar.ema == decay
        assert all(torch.equal(tensor, network.state_dict()[key]) for key, tensor in content[part].items())


@pytest.mark.slow
@pytest.mark.parametrize("epoch", [1, 2, 3])
def test_images_that_grow_are_resumed_exactly(tmp_path: Path, epoch: int) -> None:
    """Stopped in an epoch of each size: halved, in windows, whole."""
    script: Script = {EpochDone: [Stop()]}
    unbroken = run(tmp_path / "whole", sizes="growing", epochs=4)
    behind = "tests, on whole ones, are far behind until then"
    assert [note.text for note in unbroken.heard(Noted)] == [
        f"Images are 16×16 until epoch 1: {behind}.",
        f"Images are 24×24 until epoch 2: {behind}.",
    ]
    person = run(tmp_path / "cut", script, sizes="growing", epochs=4)
    for _ in range(epoch - 1):
        person = resume(tmp_path / "cut", script)
    assert person.heard(RunStopped)[0].step == epoch * STEPS
    assert resume(tmp_path / "cut").heard(RunResumed)[0].inexact_because == ""
    assert outcome(tmp_path / "cut") == outcome(tmp_path / "whole")


@pytest.mark.slow
def test_saving_and_finishing_early_change_no_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: object
) -> None:
    early = run(tmp_path / "cut", {StepDone: [SaveNow(), FinishEpoch()]}, ALWAYS)
    assert any("_step_" in saved.checkpoint for saved in early.heard(CheckpointSaved))
    assert early.heard(StateSaved), "in the background, where the newest replaces what still waits"
    assert early.heard(FinishPlanned) == [FinishPlanned(1)]
    assert early.heard(RunStopped) == [RunStopped(STEPS, "net_001.pth")]
    resume(tmp_path / "cut")
    assert outcome(tmp_path / "cut") == whole


@pytest.mark.slow
def test_a_finish_asked_twice_is_called_off(tmp_path: Path) -> None:
    person = run(tmp_path / "one", {StepDone: [FinishEpoch(), FinishEpoch()]})
    assert person.heard(FinishPlanned) == [FinishPlanned(1), FinishPlanned(0)]
    assert isinstance(person.said[-1], RunFinished)


@pytest.mark.slow
@pytest.mark.fault(10)
def test_two_states_are_kept_and_the_older_is_used_when_the_newer_is_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: object
) -> None:
    schedule = BackgroundWriter.schedule

    def put_and_wait(saver: BackgroundWriter, save: WriteTask) -> None:
        """However slow the disk, no state takes the place of one that waits for it."""
        schedule(saver, save)
        saver.wait()

    monkeypatch.setattr(BackgroundWriter, "schedule", put_and_wait)
    run(tmp_path / "cut", {EpochDone: [Stop()]}, ALWAYS)
    newest, older = list_states(tmp_path / "cut")
    file = tmp_path / "cut" / f"state_{newest.step:07d}.pt"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    resumed = resume(tmp_path / "cut")
    assert "damaged" in resumed.heard(Noted)[0].text
    assert resumed.heard(RunResumed)[0].at_step == older.step
    assert outcome(tmp_path / "cut") == whole


@pytest.mark.slow
def test_a_changed_rate_and_length_are_said_and_written_down(tmp_path: Path) -> None:
    run(tmp_path / "one", {StepDone: [ChangeRate(0.5, relative=True), Stop()]}, schedule="constant")
    changed = next(event for event in read_events(tmp_path / "one" / JOURNAL_NAME) if isinstance(event, RateChanged))
    assert changed.learning_rate == pytest.approx(0.025)
    resumed = resume(tmp_path / "one", epochs=3, learning_rate=0.1)
    assert resumed.heard(RunResumed)[0].changes == ("epochs → 3", "learning_rate → 0.1")
    assert {step.learning_rate for step in resumed.heard(StepDone)} == {0.05}
    recipe = RunFolder.reopen(tmp_path / "one").recipe()
    assert (recipe.epochs, recipe.learning_rate) == (3, 0.1)
    assert recipe.rate_changes == ((changed.from_step, 0.5),)


@pytest.mark.slow
def test_an_impossible_rate_is_refused_and_training_goes_on(tmp_path: Path) -> None:
    person = run(tmp_path / "one", {StepDone: [ChangeRate(-1.0)]})
    assert "above 0" in person.heard(Noted)[0].text
    assert not person.heard(RateChanged)
    assert isinstance(person.said[-1], RunFinished)


@pytest.mark.slow
@pytest.mark.fault(24)
def test_another_environment_is_said_not_to_be_bit_exact(tmp_path: Path) -> None:
    run(tmp_path / "one", {StepDone: [Stop()]})
    record = next((tmp_path / "one").glob("state_*.json"))
    facts = orjson.loads(record.read_bytes())
    facts["environment"] |= {"torch": "2.0.0", "threads": "7"}
    record.write_bytes(orjson.dumps(facts))
    because = resume(tmp_path / "one").heard(RunResumed)[0].inexact_because
    assert "torch 2.0.0 → 2." in because
    assert "threads 7 → " in because


@pytest.mark.fault(24)
def test_other_images_are_refused_and_the_run_stays_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(tmp_path / "one", {StepDone: [Stop()]})
    before = {path.name: path.read_bytes() for path in (tmp_path / "one").iterdir() if path.name != "run.lock"}

    def others(*_: object) -> DataSet:
        data = easy_images()
        train = Split(data.train.pixels[::-1], data.train.labels[::-1])
        return DataSet(data.description, data.synthetic, data.classes, train, data.test)

    with pytest.raises(BadInput, match="not the images that"):
        resume(tmp_path / "one", load_data=others)
    assert {path.name: path.read_bytes() for path in (tmp_path / "one").iterdir() if path.name != "run.lock"} == before


@pytest.mark.slow
def test_a_finished_run_wants_more_epochs_and_then_trains_them(tmp_path: Path) -> None:
    run(tmp_path / "one")
    with pytest.raises(BadInput, match="trained all of its 2 epochs"):
        resume(tmp_path / "one")
    more = resume(tmp_path / "one", epochs=3)
    assert [epoch.epoch for epoch in more.heard(EpochDone)] == [3]
    assert len((tmp_path / "one" / "acc.txt").read_text().splitlines()) == 3


@pytest.mark.slow
@pytest.mark.parametrize("script", [{}, {StepDone: [Stop()]}])
def test_without_a_whole_state_there_is_nothing_to_resume(
    tmp_path: Path, script: dict[type[Event], list[Request]]
) -> None:
    run(tmp_path / "one", script)
    for state in (tmp_path / "one").glob("state_*.pt"):
        state.write_bytes(b"")
    with pytest.raises(BadInput, match="no intact training state"):
        resume(tmp_path / "one")


@pytest.mark.slow
def test_a_torn_line_and_steps_after_the_state_leave_no_trace(tmp_path: Path, whole: object) -> None:
    run(tmp_path / "cut", {EpochDone: [Stop()]})
    for newer in list_states(tmp_path / "cut")[:-1]:
        (tmp_path / "cut" / f"state_{newer.step:07d}.json").unlink()
    with (tmp_path / "cut" / JOURNAL_NAME).open("ab") as journal:
        journal.write(b'{"at":1,"event":"StepDone","st')
    with (tmp_path / "cut" / "log.txt").open("a") as log:
        log.write("001  00099 |Lo")
    resume(tmp_path / "cut")
    assert outcome(tmp_path / "cut") == whole


@pytest.mark.slow
def test_an_epoch_whose_weights_were_never_saved_is_tested_and_saved_again(tmp_path: Path, whole: object) -> None:
    """Killed between the epoch's end and its checkpoint, with a state of that very step."""
    folder = tmp_path / "cut"
    run(folder, {EpochDone: [Stop()]})
    for path in (folder / "net_001.pth", folder / "net_001.json"):
        path.unlink()
    kept = [line for line in (journal_path(folder)).read_bytes().splitlines(True) if b"CheckpointSaved" not in line]
    (journal_path(folder)).write_bytes(b"".join(kept))
    resumed = resume(folder)
    assert [epoch.epoch for epoch in resumed.heard(EpochDone)] == [1, 2]
    assert outcome(folder) == whole


def test_a_rate_asked_for_after_the_last_step_is_refused(tmp_path: Path) -> None:
    person = run(tmp_path / "one", {EpochDone: [ChangeRate(0.05)]}, epochs=1)
    assert "every step has been trained" in person.heard(Noted)[0].text
    assert isinstance(person.said[-1], RunFinished)


@pytest.mark.slow
def test_what_a_killed_trainer_was_writing_is_collected(tmp_path: Path) -> None:
    run(tmp_path / "one", {StepDone: [Stop()]})
    (tmp_path / "one" / ".writing-state_0000009.pt-abc").write_bytes(b"half")
    (tmp_path / "one" / ".writing").write_bytes(b"a person's own")
    resume(tmp_path / "one")
    assert not (tmp_path / "one" / ".writing-state_0000009.pt-abc").exists()
    assert (tmp_path / "one" / ".writing").exists()


@pytest.mark.fault(1)
def test_from_the_end_of_the_first_epoch_on_a_killed_run_resumes(tmp_path: Path) -> None:
    """A GPU is through its first epochs long before the first interval between states is over."""
    person = run(tmp_path / "one", {StateSaved: [Stop()]}, intervals=SELDOM, epochs=200)
    assert person.heard(StateSaved)[0].step == STEPS
