import os
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import torch

from cifar_tui.checkpoint_events import CheckpointFailed, CheckpointSaved, EvaluationDone, EvaluationFailed
from cifar_tui.control import CancelEvaluation, Evaluate, Pause, Resume, Stop
from cifar_tui.engine.checkpoints.checkpoint import load_network, save_tensors
from cifar_tui.engine.checkpoints.run_context import Intervals
from cifar_tui.engine.network.device import CPU_NICENESS
from cifar_tui.errors import CifarTuiError
from cifar_tui.events import EpochDone, Paused, Resumed, RunFinished, RunStopped, StepDone
from cifar_tui.files.atomic_write import Written
from cifar_tui.runs.checkpoints.sidecars import list_sidecars
from tests.engine.trained import STEPS, TEST_IMAGES, run


def test_every_step_is_said_in_order_and_every_epoch_tested_and_saved(tmp_path: Path) -> None:
    person = run(tmp_path / "one")
    steps = person.heard(StepDone)
    assert [step.step for step in steps] == list(range(1, 2 * STEPS + 1))
    assert [step.epoch for step in steps] == [1] * STEPS + [2] * STEPS
    first = person.heard(EpochDone)[0]
    assert first.train_loss == pytest.approx(np.mean([step.loss for step in steps[:STEPS]]))
    assert [event.checkpoint for event in person.heard(CheckpointSaved)] == ["net_001.pth", "net_002.pth"]
    assert [sidecar.test_accuracy for sidecar in list_sidecars(tmp_path / "one")] == [
        epoch.test_accuracy for epoch in person.heard(EpochDone)
    ]
    assert isinstance(person.said[-1], RunFinished)


def test_the_ragged_last_batch_is_trained_too(tmp_path: Path) -> None:
    steps = run(tmp_path / "one", epochs=1, batch_size=15).heard(StepDone)
    assert [step.images for step in steps] == [15, 15, 15, 5]


@pytest.mark.slow
def test_the_loss_goes_down(tmp_path: Path) -> None:
    person = run(tmp_path / "one", epochs=8, crop_padding=0, cutout=0)
    epochs = person.heard(EpochDone)
    assert epochs[-1].train_loss < 0.8 * epochs[0].train_loss


def weights(folder: Path) -> list[str]:
    return [sidecar.sha256 for sidecar in list_sidecars(folder)]


def test_the_same_seed_gives_the_same_weights_and_pausing_and_evaluating_change_none(tmp_path: Path) -> None:
    run(tmp_path / "plain")
    paused = run(
        tmp_path / "watched",
        {
            StepDone: [Pause()],
            Paused: [Resume()],
            CheckpointSaved: [Evaluate("net_001.pth")],
        },
    )
    assert len(paused.heard(EvaluationDone)) == 1
    assert weights(tmp_path / "plain") == weights(tmp_path / "watched")
    run(tmp_path / "other", seed=1)
    assert weights(tmp_path / "other") != weights(tmp_path / "plain")


def test_a_pause_is_confirmed_and_no_step_is_made_in_it(tmp_path: Path) -> None:
    person = run(tmp_path / "one", {StepDone: [Pause()], Paused: [Resume()]})
    kinds = [type(event) for event in person.said]
    assert kinds[kinds.index(Paused) + 1] is Resumed
    assert person.heard(Paused)[0].step == person.heard(Resumed)[0].step
    before = [event.step for event in person.said[: kinds.index(Paused)] if isinstance(event, StepDone)]
    assert before[-1] == person.heard(Paused)[0].step


def test_a_stop_in_mid_epoch_saves_under_a_name_of_its_own(tmp_path: Path) -> None:
    person = run(tmp_path / "one", {StepDone: [Stop()]})
    stopped = person.heard(RunStopped)[0]
    assert 1 <= stopped.step < STEPS
    assert stopped.checkpoint == f"net_001_step_{stopped.step:05d}.pth"
    load_network(tmp_path / "one", stopped.checkpoint)
    assert not (tmp_path / "one" / "net_001.pth").exists()


def test_a_stop_after_an_epoch_names_what_is_saved_already(tmp_path: Path) -> None:
    person = run(tmp_path / "one", {EpochDone: [Stop()]})
    assert person.heard(RunStopped) == [RunStopped(STEPS, "net_001.pth")]
    assert len(list_sidecars(tmp_path / "one")) == 1


def test_a_stop_during_a_pause_is_heeded(tmp_path: Path) -> None:
    assert run(tmp_path / "one", {StepDone: [Pause()], Paused: [Stop()]}).heard(RunStopped)


def test_an_evaluation_gives_the_accuracy_of_the_epochs_test(tmp_path: Path) -> None:
    person = run(tmp_path / "one", {CheckpointSaved: [Evaluate("net_001.pth")]})
    done, epoch = person.heard(EvaluationDone)[0], person.heard(EpochDone)[0]
    assert done.accuracy == pytest.approx(epoch.test_accuracy)
    assert done.loss == pytest.approx(epoch.test_loss, rel=1e-5)
    assert sum(map(sum, done.confusion)) == done.images == TEST_IMAGES


def test_an_evaluation_that_waits_is_cancelled_too(tmp_path: Path) -> None:
    person = run(tmp_path / "one", {CheckpointSaved: [Evaluate("net_001.pth"), CancelEvaluation()]}, epochs=1)
    (failed,) = person.heard(EvaluationFailed)
    assert (failed.checkpoint, failed.damaged) == ("net_001.pth", False)
    assert "cancelled" in failed.reason
    assert person.heard(EvaluationDone) == []


@pytest.mark.slow
def test_a_damaged_checkpoint_and_a_cancelled_evaluation_leave_the_run_alone(tmp_path: Path) -> None:
    person = run(
        tmp_path / "one",
        {CheckpointSaved: [Evaluate("net_009.pth"), Evaluate("net_001.pth")], EvaluationFailed: [CancelEvaluation()]},
    )
    failures = person.heard(EvaluationFailed)
    assert failures[0].damaged
    assert isinstance(person.said[-1], RunFinished)


@pytest.mark.slow
def test_a_full_disk_is_said_and_training_goes_on_until_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cifar_tui.engine.checkpoints import checkpointer

    whole, tries = save_tensors, []

    def full_at_first(content: dict[str, torch.Tensor], path: Path) -> Written:
        tries.append(path.name)
        if len(tries) < 4:
            raise OSError(28, "No space left on device")
        return whole(content, path)

    monkeypatch.setattr(checkpointer, "save_tensors", full_at_first)
    person = run(tmp_path / "one", intervals=Intervals(room_poll_seconds=0.01))
    reason = person.heard(CheckpointFailed)[0].reason
    assert "No space left" in reason
    assert "Nothing is saved yet" in reason
    assert "tried again in 30 s" in reason
    assert {saved.checkpoint for saved in person.heard(CheckpointSaved)} == {"net_001.pth", "net_002.pth"}
    assert isinstance(person.said[-1], RunFinished)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("refused", "way"),
    [
        (("save_tensors",), r"Once there is room, resume with --resume one\."),
        (("save_tensors", "save_state"), r"Nothing was saved before: start anew where there is room\."),
    ],
)
def test_a_run_whose_end_cannot_be_saved_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: tuple[str, ...], way: str
) -> None:
    """It names the way on that there is, and no other."""
    from cifar_tui.engine.checkpoints import checkpointer

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    for name in refused:
        monkeypatch.setattr(checkpointer, name, full)
    with pytest.raises(CifarTuiError, match=f"trained, but the last could not be saved: .*{way}"):
        run(tmp_path / "one", intervals=Intervals(room_seconds=0.0))


@pytest.mark.slow
def test_a_bug_that_keeps_the_end_from_being_saved_is_called_a_bug(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cifar_tui.engine.checkpoints import checkpointer

    monkeypatch.setattr(checkpointer, "save_tensors", lambda *_: len(None))  # type: ignore[arg-type]
    with pytest.raises(CifarTuiError, match="TypeError, a bug in cifar-tui"):
        run(tmp_path / "one")
    assert "len(None)" in (tmp_path / "one" / "failure.txt").read_text()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a thread has no niceness of its own")
def test_training_on_the_processor_lets_screens_go_first(tmp_path: Path) -> None:
    before = os.getpriority(os.PRIO_PROCESS, 0)
    seen: list[int] = []

    def train() -> None:
        run(tmp_path / "one")
        seen.append(os.getpriority(os.PRIO_PROCESS, 0))

    thread = threading.Thread(target=train)
    thread.start()
    thread.join()
    assert seen == [max(before, CPU_NICENESS)]
    assert os.getpriority(os.PRIO_PROCESS, 0) == before
