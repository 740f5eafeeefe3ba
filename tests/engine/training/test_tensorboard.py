"""A run that trains for TensorBoard: what its readers find is what was trained, and training is the same."""

from pathlib import Path

import pytest
import torch

from cifar_tui.checkpoint_events import CheckpointSaved, EvaluationDone
from cifar_tui.control import Evaluate, Stop
from cifar_tui.engine.checkpoints.checkpoint import load_network
from cifar_tui.engine.training.train import MAX_ROLL_BACKS
from cifar_tui.events import RolledBack, StepDone
from cifar_tui.runs.records.tensorboard_files import export_to
from tests.engine.trained import ALWAYS, BATCH, STEPS, resume, run
from tests.engine.training.test_nonfinite_loss import break_batches
from tests.runs.records.event_files import Boards

pytestmark = pytest.mark.slow


def test_a_run_that_stops_resumes_and_evaluates(tmp_path: Path) -> None:
    script = {CheckpointSaved: [Evaluate("net_001.pth")], EvaluationDone: [Stop()]}
    person = run(tmp_path / "one", script, intervals=ALWAYS, tensorboard=True)  # type: ignore[arg-type]
    assert STEPS <= person.heard(StepDone)[-1].step < 2 * STEPS
    resume(tmp_path / "one")
    boards = Boards(tmp_path / "one" / "tb")
    assert boards.names == ["test", "train"]
    assert boards.steps("train", "loss") == list(range(1, 2 * STEPS + 1))
    assert boards.steps("test", "accuracy") == [STEPS, 2 * STEPS]
    assert boards.tags("test", "images") == {"confusion", "wrong_images"}
    assert boards.image_steps("test", "wrong_images") == [STEPS]
    assert boards.hparams("test")["batch_size"] == BATCH
    export_to(tmp_path / "one", tmp_path / "out")
    assert Boards(tmp_path / "out").everything() == boards.everything()


def test_a_roll_back_leaves_no_step_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    break_batches(monkeypatch, first=STEPS + 3, count=1)
    person = run(tmp_path / "one", intervals=ALWAYS, tensorboard=True)
    assert 0 < len(person.heard(RolledBack)) < MAX_ROLL_BACKS
    boards = Boards(tmp_path / "one" / "tb")
    assert boards.steps("train", "loss") == list(range(1, 2 * STEPS + 1))
    assert all(loss == loss for _, loss in boards.points("train", "loss")), "the loss that was no number is gone"
    assert boards.steps("test", "loss") == [STEPS, 2 * STEPS]


@pytest.mark.slow
def test_the_network_is_the_same_to_the_bit(tmp_path: Path) -> None:
    run(tmp_path / "with", tensorboard=True)
    run(tmp_path / "without")
    one, other = (load_network(tmp_path / name, "net_002.pth")[0].state_dict() for name in ("with", "without"))
    assert all(torch.equal(one[name], other[name]) for name in one)
