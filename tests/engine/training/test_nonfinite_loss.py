"""A loss that is no number: the update is left out, and training goes back, goes on or stops."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch

from cifar_tui.checkpoint_events import CheckpointFailed
from cifar_tui.control import ChangeRate, Ignore, Pause, Request, RollBack, SetAttended, Stop
from cifar_tui.engine.checkpoints.checkpoint import load_network
from cifar_tui.engine.data.augment import DeviceDataset
from cifar_tui.engine.network import meter
from cifar_tui.engine.network.device import choose_device
from cifar_tui.engine.network.stepper import Stepper
from cifar_tui.errors import CifarTuiError
from cifar_tui.events import EpochDone, Event, LossNotFinite, RolledBack, RunFinished, RunStarted, RunStopped, StepDone
from cifar_tui.runs.checkpoints.sidecars import list_sidecars
from cifar_tui.runs.folder import RunFolder
from tests.engine.trained import ALWAYS, SELDOM, STEPS, resume, run, tiny_recipe


def break_batches(monkeypatch: pytest.MonkeyPatch, first: int, count: int) -> None:
    """From the `first` batch drawn, so many hold a pixel that is no number."""
    drawn = 0
    whole = DeviceDataset.batch

    def batch(*arguments: object) -> tuple[torch.Tensor, torch.Tensor]:
        nonlocal drawn
        drawn += 1
        images, labels = whole(*arguments)  # type: ignore[arg-type]
        if first <= drawn < first + count:
            images[0, 0, 0, 0] = math.nan
        return images, labels

    monkeypatch.setattr(DeviceDataset, "batch", batch)


@pytest.mark.fault(17)
def test_an_update_without_a_number_is_left_out(tmp_path: Path) -> None:
    recipe = tiny_recipe()
    stepper = Stepper(recipe, choose_device(recipe))
    images, labels = torch.randn(20, 3, 32, 32), torch.arange(20) % 10
    before = stepper.export(0)
    loss, _ = stepper.update(images * math.nan, labels, 0.1)
    assert not math.isfinite(float(loss))
    after = stepper.export(0)
    for name, _weight in stepper.network.named_parameters():
        assert torch.equal(before.network[name], after.network[name])
        assert torch.equal(before.optimizer["momentum"][name], after.optimizer["momentum"][name])
    assert not stepper.finite(), "the running statistics took it in"
    stepper.restore_bn_stats(before)
    assert stepper.finite()
    stepper.update(images, labels, 0.1)
    assert not torch.equal(before.network["fc.weight"], stepper.export(0).network["fc.weight"])


@pytest.mark.fault(17)
def test_a_run_nobody_watches_goes_back_and_on_with_half_the_rate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_batches(monkeypatch, first=STEPS + 3, count=1)
    person = run(tmp_path / "one", schedule="constant", intervals=ALWAYS)
    broken, back = person.heard(LossNotFinite)[0], person.heard(RolledBack)[0]
    assert (broken.at_step, broken.waiting) == (STEPS + 3, False)
    assert back.to_step < broken.at_step
    assert back.learning_rate == pytest.approx(0.025)
    assert isinstance(person.said[-1], RunFinished)
    lines = (tmp_path / "one" / "log.txt").read_text().splitlines()
    assert [int(line.split()[1]) for line in lines] == list(range(1, 2 * STEPS + 1))
    assert "nan" not in (tmp_path / "one" / "log.txt").read_text()
    assert RunFolder.reopen(tmp_path / "one").recipe().rate_changes == ((back.to_step + 1, 0.5),)


@pytest.mark.slow
@pytest.mark.fault(17)
@pytest.mark.parametrize("changes", [{"optimizer": "adamw", "learning_rate": 0.001}, {"ema": 0.9}])
def test_after_going_back_training_is_as_if_resumed_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]
) -> None:
    """Nothing of the steps that were undone is left in what the optimizer keeps."""
    break_batches(monkeypatch, first=STEPS + 3, count=1)
    back = run(tmp_path / "back", schedule="constant", **changes).heard(RolledBack)[0]
    assert back.to_step == STEPS
    monkeypatch.undo()
    run(tmp_path / "resumed", {EpochDone: [Stop()]}, schedule="constant", **changes)
    resume(tmp_path / "resumed", rate_changes=((STEPS + 1, 0.5),))
    found, expected = (load_network(tmp_path / name, "net_002.pth")[1].sha256 for name in ("back", "resumed"))
    assert found == expected


@pytest.mark.slow
@pytest.mark.fault(17)
def test_a_run_that_never_recovers_ends_after_three_returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    break_batches(monkeypatch, first=3, count=1_000)
    with pytest.raises(CifarTuiError, match="rolled back 3 times"):
        run(tmp_path / "one", intervals=ALWAYS)


def attended(*answers: Request) -> dict[type[Event], list[Request]]:
    return {RunStarted: [SetAttended(attended=True)], LossNotFinite: list(answers)}


@pytest.mark.fault(17)
def test_a_person_who_watches_is_asked_and_can_go_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    break_batches(monkeypatch, first=3, count=1)
    person = run(tmp_path / "one", attended(RollBack()), intervals=ALWAYS)
    assert person.heard(LossNotFinite)[0].waiting
    assert person.heard(RolledBack)
    assert isinstance(person.said[-1], RunFinished)


@pytest.mark.slow
@pytest.mark.fault(17)
def test_a_person_can_ignore_it_and_the_statistics_are_mended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    break_batches(monkeypatch, first=STEPS + 3, count=1)
    person = run(tmp_path / "one", attended(Ignore()), intervals=ALWAYS)
    assert not person.heard(RolledBack)
    assert [step.step for step in person.heard(StepDone)] == list(range(1, 2 * STEPS + 1))
    assert all(math.isfinite(epoch.test_loss) for epoch in person.heard(EpochDone))
    network, _ = load_network(tmp_path / "one", "net_002.pth")
    assert all(bool(torch.isfinite(tensor).all()) for tensor in network.state_dict().values())


@pytest.mark.fault(17)
def test_a_person_can_stop_and_no_broken_state_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    break_batches(monkeypatch, first=3, count=1)
    monkeypatch.setattr(meter, "READ_SECONDS", 0.0)  # else a slow save lets another step begin before the loss is read
    person = run(tmp_path / "one", attended(Stop()), intervals=ALWAYS)
    assert person.heard(RunStopped) == [RunStopped(3, "")]
    assert "NaN or infinite" in person.heard(CheckpointFailed)[0].reason
    assert not (tmp_path / "one" / "state_0000003.pt").exists()
    assert sorted((tmp_path / "one").glob("state_000000[12].pt")), "the one before stands"


@pytest.mark.slow
@pytest.mark.fault(17)
def test_when_the_person_leaves_the_engine_decides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    break_batches(monkeypatch, first=3, count=1)
    person = run(tmp_path / "one", attended(SetAttended(attended=False)), intervals=ALWAYS)
    assert person.heard(RolledBack)
    assert isinstance(person.said[-1], RunFinished)


@pytest.mark.fault(18)
def test_out_of_memory_ends_with_the_next_batch_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    monkeypatch.setattr(Stepper, "run", full)
    with pytest.raises(CifarTuiError, match="--batch-size 5"):
        run(tmp_path / "one", intervals=ALWAYS)


@pytest.mark.slow
@pytest.mark.fault(17)
def test_a_pause_asked_for_before_the_answer_does_not_hold_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_batches(monkeypatch, first=3, count=1)
    person = run(tmp_path / "one", attended(Pause(), Ignore()), intervals=ALWAYS)
    assert isinstance(person.said[-1], RunFinished)


@pytest.mark.slow
@pytest.mark.fault(17)
def test_going_back_never_raises_a_rate_that_was_lowered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    break_batches(monkeypatch, first=4, count=1)
    person = run(tmp_path / "one", {StepDone: [ChangeRate(0.001)]}, schedule="constant", intervals=SELDOM)
    assert person.heard(RolledBack)[0].to_step == 0
    assert person.heard(RolledBack)[0].learning_rate == pytest.approx(0.0005)


@pytest.mark.slow
@pytest.mark.fault(17)
def test_checkpoints_of_undone_steps_are_not_taken_for_the_newest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_batches(monkeypatch, first=2 * STEPS + 2, count=1)
    person = run(tmp_path / "one", {RolledBack: [Stop()]}, intervals=SELDOM, epochs=3)
    assert person.heard(RolledBack)[0].to_step == STEPS
    assert [sidecar.checkpoint for sidecar in list_sidecars(tmp_path / "one")] == ["net_001.pth"]
    assert person.heard(RunStopped) == [RunStopped(STEPS, "net_001.pth")]
