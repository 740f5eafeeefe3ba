from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
import torch

from cifar_tui.checkpoint_events import CheckpointSaved, EvaluationDone, EvaluationFailed, EvaluationProgressed
from cifar_tui.control import Evaluate, RequestQueue, Stop
from cifar_tui.engine.evaluation import evaluate_checkpoint
from cifar_tui.events import DataReady, Emit, EpochDone, Event, Noted, RunFinished
from cifar_tui.runs.checkpoints.predictions import Predictions
from cifar_tui.runs.checkpoints.sidecars import list_sidecars, verdict_path
from cifar_tui.runs.checkpoints.test_images import read_images
from cifar_tui.runs.checkpoints.verdicts import read_evaluation
from cifar_tui.runs.folder import read_recipe
from tests.engine import trained

NAME = "net_001.pth"


def evaluate(folder: Path, emit: Emit, requests: RequestQueue, **choices: Any) -> None:
    evaluate_checkpoint.evaluate_checkpoint(
        read_recipe(folder), folder, NAME, emit, requests, load_data=trained.easy_images, **choices
    )


def alone(folder: Path, requests: RequestQueue | None = None, **choices: Any) -> list[Event]:
    said: list[Event] = []
    evaluate(folder, said.append, requests or RequestQueue(), **choices)
    return said


def test_a_live_run_keeps_its_verdict_with_the_pictures_it_got_wrong(tmp_path: Path) -> None:
    folder = tmp_path / "one"
    person = trained.run(folder, {CheckpointSaved: [Evaluate(NAME)]}, epochs=1)
    (said,) = person.heard(EvaluationDone)
    kept = read_evaluation(folder, NAME)
    assert kept.verdict == said
    assert said.accuracy == person.heard(EpochDone)[0].test_accuracy
    assert kept.outdated_because(list_sidecars(folder)[0], person.heard(DataReady)[0].test_checksum) == ""
    test = trained.easy_images().test
    predictions = Predictions(kept.predictions, said)
    wrong = predictions.indexes(None, None)
    assert len(wrong) == said.images - round(said.accuracy * said.images)
    assert {one.index for one in said.wrongest} <= set(wrong)
    for image in said.wrongest:
        assert (predictions.image(image.index).label, predictions.image(image.index).predicted) == (
            image.label,
            image.predicted,
        )
    last = said.images - 1
    assert read_images(folder, said.test_checksum, said.images, [last]) == [test.pixels[last].tobytes()]
    assert said.test_checksum == test.checksum()
    assert len(kept.pictures) == len(said.wrongest) > 0
    for image, picture in zip(said.wrongest, kept.pictures, strict=True):
        assert test.labels[image.index] == image.label
        assert picture == np.ascontiguousarray(test.pixels[image.index]).tobytes()
    (line,) = (one for one in (folder / "journal.jsonl").read_bytes().splitlines() if b"EvaluationDone" in one)
    assert "pictures" not in orjson.loads(line)


@pytest.mark.slow
@pytest.mark.fault(18)
def test_a_network_that_does_not_fit_beside_the_training_does_not_end_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    monkeypatch.setattr(evaluate_checkpoint, "evaluate", full)
    person = trained.run(tmp_path / "one", {CheckpointSaved: [Evaluate(NAME)]}, epochs=2)
    assert "ran out of memory" in person.heard(EvaluationFailed)[0].reason
    assert person.heard(RunFinished)


def test_an_ended_run_gets_the_same_verdict_in_a_job_of_its_own(tmp_path: Path) -> None:
    folder = tmp_path / "one"
    (live,) = trained.run(folder, {CheckpointSaved: [Evaluate(NAME)]}, epochs=1).heard(EvaluationDone)
    verdict_path(folder / NAME).unlink()
    done = alone(folder)[-1]
    assert isinstance(done, EvaluationDone)
    assert (done.confusion, done.wrongest, done.test_checksum) == (live.confusion, live.wrongest, live.test_checksum)
    assert read_evaluation(folder, NAME).verdict == done


@pytest.mark.slow
def test_what_is_not_the_runs_own_verdict_is_not_kept(tmp_path: Path) -> None:
    folder = tmp_path / "one"
    trained.run(folder, epochs=1)
    done = alone(folder, tta=True, keep=False)[-1]
    assert isinstance(done, EvaluationDone)
    assert done.tta
    assert not verdict_path(folder / NAME).exists()


@pytest.mark.slow
def test_a_verdict_that_cannot_be_kept_is_said_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "one"
    trained.run(folder, epochs=1)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(evaluate_checkpoint, "store_evaluation", full)
    said = alone(folder)
    assert any(isinstance(event, Noted) and "No space left" in event.text for event in said)
    assert isinstance(said[-1], EvaluationDone)


@pytest.mark.slow
def test_an_evaluation_given_up_leaves_the_verdict_before(tmp_path: Path) -> None:
    folder = tmp_path / "one"
    trained.run(folder, {CheckpointSaved: [Evaluate(NAME)]}, epochs=1)
    before = verdict_path(folder / NAME).read_bytes()
    requests = RequestQueue()
    requests.enqueue(Stop())
    said = alone(folder, requests)
    assert isinstance(said[-1], EvaluationFailed)
    assert sum(isinstance(event, EvaluationProgressed) for event in said) == 1
    assert verdict_path(folder / NAME).read_bytes() == before


@pytest.mark.slow
@pytest.mark.fault(12)
@pytest.mark.parametrize("what", ["deleted", "replaced"])
def test_a_checkpoint_that_goes_while_it_is_measured_is_measured_as_it_was(tmp_path: Path, what: str) -> None:
    folder = tmp_path / "one"
    (live,) = trained.run(folder, {CheckpointSaved: [Evaluate(NAME)]}, epochs=1).heard(EvaluationDone)

    class Hand:
        """Takes the file away as soon as its measuring has begun."""

        def append(self, event: Event) -> None:
            said.append(event)
            if isinstance(event, EvaluationProgressed):
                (folder / NAME).unlink(missing_ok=True)
                if what == "replaced":
                    (folder / NAME).write_bytes(b"something else")

    said: list[Event] = []
    evaluate(folder, Hand().append, RequestQueue())
    (done,) = [event for event in said if isinstance(event, EvaluationDone)]
    assert done.confusion == live.confusion
    again: list[Event] = []
    evaluate(folder, again.append, RequestQueue())
    (failed,) = [event for event in again if isinstance(event, EvaluationFailed)]
    assert "deleted" in failed.reason or "damaged" in failed.reason
