"""Checkpoints are compared beside a run that trains, by a process of its own that ends when it is given up."""

from pathlib import Path

import pytest

from cifar_tui.checkpoint_events import ComparisonDone, EvaluationFailed
from cifar_tui.control import CancelEvaluation, Evaluate
from cifar_tui.events import Progressed
from cifar_tui.history.run_history import FeedItem
from cifar_tui.jobs.local import compare
from cifar_tui.jobs.session import RunConnection
from tests.faults.trainers import trainer


def said_until_it_ended(connection: RunConnection) -> list[FeedItem]:
    assert connection.join(250)
    return list(connection.poll())


@pytest.mark.slow
@pytest.mark.timeout(400)  # it stands behind everything else, on a busy machine for minutes
def test_checkpoints_of_two_runs_are_compared_while_one_of_them_trains(tmp_path: Path) -> None:
    with trainer(tmp_path / "two", epochs=1) as other:
        assert other.exit_code() == 0
    with trainer(tmp_path / "one") as live:
        live.wait_for(lambda: bool(live.said("CheckpointSaved")))
        weights = [tmp_path / name / "net_001.pth" for name in ("one", "two")]
        before = len(live.said("StepDone"))
        said = said_until_it_ended(compare(weights, beside=True))
        assert len(live.said("StepDone")) > before, "it trained on"
        done = said[-1]
        assert isinstance(done, ComparisonDone)
        assert done.checkpoints == ("one/net_001.pth", "two/net_001.pth")
        assert sum(done.class_images) == 100
        assert any(isinstance(event, Progressed) for event in said)
        given_up = compare(weights, beside=True)
        assert not given_up.accepts(Evaluate)
        given_up.submit(CancelEvaluation())
        assert isinstance(said_until_it_ended(given_up)[-1], EvaluationFailed)
        live.process.terminate()
        assert live.exit_code() == 143
        assert not live.said("ComparisonDone")


def test_what_cannot_be_compared_ends_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "net_001.pth").write_bytes(b"weights")
    (failed,) = said_until_it_ended(compare([tmp_path / "net_001.pth"] * 2, beside=True))
    assert isinstance(failed, EvaluationFailed)
    assert "not the folder of a run" in failed.reason
