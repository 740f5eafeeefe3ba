import base64
import dataclasses
from pathlib import Path

import numpy as np
import orjson
import pytest

from cifar_tui.checkpoint_events import ComparedPair, ComparisonDone, EvaluationFailed
from cifar_tui.control import CancelEvaluation, RequestQueue
from cifar_tui.engine.evaluation.compare import compare_checkpoints, side_by_side
from cifar_tui.errors import BadInput
from cifar_tui.event_records import event_from_record, event_to_record
from cifar_tui.events import EpochDone, Event
from cifar_tui.runs.compared_checkpoint import compared_checkpoint
from tests.engine import trained
from tests.engine.trained import TEST_IMAGES, easy_images


@pytest.mark.slow
def test_two_checkpoints_are_measured_as_their_run_measured_them(tmp_path: Path) -> None:
    epochs = trained.run(tmp_path / "one").heard(EpochDone)
    contenders = [compared_checkpoint(tmp_path / "one" / f"net_00{number}.pth") for number in (1, 2)]
    said: list[Event] = []
    compare_checkpoints(contenders, said.append, RequestQueue(), easy_images)
    done = said[-1]
    assert isinstance(done, ComparisonDone)
    assert done.checkpoints == ("one/net_001.pth", "one/net_002.pth")
    assert [sum(hits) / TEST_IMAGES for hits in done.hits] == [epoch.test_accuracy for epoch in epochs]
    assert done.losses == pytest.approx([epoch.test_loss for epoch in epochs])
    (pair,) = done.pairs
    assert pair.fixed - pair.broken == sum(done.hits[1]) - sum(done.hits[0])

    requests = RequestQueue()
    requests.enqueue(CancelEvaluation())
    compare_checkpoints(contenders, said.append, requests, easy_images)
    assert isinstance(said[-1], EvaluationFailed)

    other = dataclasses.replace(contenders[1], classes=("cat", *contenders[1].classes[1:]))
    with pytest.raises(BadInput, match=r"other classes than one/net_001\.pth \(cat, not class0\)"):
        compare_checkpoints([contenders[0], other], said.append, RequestQueue(), easy_images)


def test_images_fixed_broken_and_agreed_on_are_counted_image_by_image() -> None:
    data = easy_images()
    labels = data.test.labels
    first, second = labels.copy(), labels.copy()
    first[:7] = (labels[:7] + 1) % 10
    second[5:9] = (labels[5:9] + 2) % 10
    done = side_by_side(("a", "b"), data, (0.5, 0.4), [first, second])
    images = len(labels)
    assert done.pairs == (ComparedPair(0, 1, agreed=images - 9, fixed=5, broken=2, both_wrong=2),)
    assert sum(done.class_images) == images
    assert [image.index for image in done.changed] == [0, 1, 2, 3, 4, 7, 8]
    assert done.changed[0].predicted == ((labels[0] + 1) % 10, labels[0])
    assert base64.b64decode(done.changed[6].pixels) == data.test.pixels[8].tobytes()
    assert event_from_record(orjson.loads(orjson.dumps(event_to_record(done)))) == done
    assert [sum(hits) for hits in done.hits] == [images - 7, images - 4]
    assert np.array(done.hits).shape == (2, 10)
