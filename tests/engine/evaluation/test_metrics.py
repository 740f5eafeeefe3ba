import dataclasses

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cifar_tui.checkpoint_events import EvaluationDone
from cifar_tui.engine.evaluation.metrics import WRONGEST, calibration_error, evaluation_result, top_accuracy

LABELS = np.array([0, 1, 2, 3])


def logits_of(probabilities: list[list[float]]) -> npt.NDArray[np.float32]:
    return np.log(np.array(probabilities, dtype=np.float32))


PROBABILITIES = [
    [0.7, 0.1, 0.1, 0.06, 0.04],  # right
    [0.5, 0.3, 0.1, 0.06, 0.04],  # 1 taken for 0, second
    [0.6, 0.2, 0.1, 0.06, 0.04],  # 2 taken for 0, third
    [0.4, 0.3, 0.2, 0.06, 0.04],  # 3 taken for 0, fourth
]


def test_the_numbers_of_four_images_worked_out_by_hand() -> None:
    verdict = evaluation_result(logits_of(PROBABILITIES), LABELS)
    assert (verdict.images, verdict.accuracy, verdict.top3_accuracy) == (4, 0.25, 0.75)
    assert verdict.loss == pytest.approx(-np.log([0.7, 0.3, 0.1, 0.06]).mean(), rel=1e-6)
    assert verdict.confusion == ((1, 0, 0, 0, 0), (1, 0, 0, 0, 0), (1, 0, 0, 0, 0), (1, 0, 0, 0, 0), (0,) * 5)
    # One image a bin: |1 - 0.7|, |0 - 0.5|, |0 - 0.6|, |0 - 0.4|, a quarter each.
    assert verdict.calibration_error == pytest.approx((0.3 + 0.5 + 0.6 + 0.4) / 4, abs=1e-6)
    assert [(one.index, one.label, one.predicted) for one in verdict.wrongest] == [(3, 3, 0), (2, 2, 0), (1, 1, 0)]
    assert verdict.wrongest[0].probabilities == (0.4, 0.3, 0.2, 0.06, 0.04)


def test_the_calibration_error_of_two_bins_worked_out_by_hand() -> None:
    # Bin 14, (13/15, 14/15]: confidences 0.9 and 0.92, one hit. Bin 9, (8/15, 9/15]: 0.6, its very edge, and a hit.
    error = calibration_error(np.array([0.9, 0.92, 0.6]), np.array([True, False, True]))
    assert error == pytest.approx(2 / 3 * abs(0.5 - 0.91) + 1 / 3 * abs(1 - 0.6))


def test_confidence_that_comes_true_has_no_calibration_error() -> None:
    hits = np.arange(1_000) < 750
    assert calibration_error(np.full(1_000, 0.75), hits) == pytest.approx(0)


def test_among_the_three_most_probable_counts_places() -> None:
    logits = np.array([[5, 4, 3, 2], [2, 3, 4, 5]], dtype=np.float32)
    assert [top_accuracy(logits, np.array([2, 0]), places) for places in (1, 3, 4)] == [0, 0.5, 1]


def test_the_hundred_wrongest_are_named_and_one_at_least_of_every_pair() -> None:
    random = np.random.default_rng(0)
    probabilities = random.dirichlet(np.ones(10), 3_000)
    labels = random.integers(0, 10, 3_000)
    verdict = evaluation_result(np.log(probabilities).astype(np.float32), labels)
    of_true = [one.probabilities[one.label] for one in verdict.wrongest]
    assert of_true == sorted(of_true)
    assert WRONGEST < len(verdict.wrongest) <= WRONGEST + 90
    assert len({(one.label, one.predicted) for one in verdict.wrongest}) == 90
    wrong = probabilities.argmax(1) != labels
    assert of_true[WRONGEST - 1] == pytest.approx(np.sort(probabilities[wrong, labels[wrong]])[WRONGEST - 1], abs=1e-4)


@pytest.mark.parametrize("classes", [2, 10, 20, 21, 100, 1_000])
def test_the_images_named_are_as_few_for_many_classes(classes: int) -> None:
    random = np.random.default_rng(1)
    labels = random.integers(0, classes, 3_000)
    logits = random.standard_normal((3_000, classes)).astype(np.float32)
    result = evaluation_result(logits, labels)
    predicted = logits.argmax(1)
    pairs, counts = np.unique((labels * classes + predicted)[labels != predicted], return_counts=True)
    named = {one.label * classes + one.predicted for one in result.wrongest}
    most = pairs[np.argsort(-counts, kind="stable")[:90]]
    assert set(most.tolist()) <= named
    assert len(result.wrongest) <= WRONGEST + 90
    for one in result.wrongest:
        assert len(one.probabilities) == (classes if classes <= 20 else 0)
        known = one.probability_of()
        assert {one.label, one.predicted} <= set(known)
        assert known[one.predicted] == max(known.values())
        assert len(one.shares) <= 4
    assert (len(result.confusion), len(result.sparse_confusion)) == ((classes, 0) if classes <= 20 else (0, classes))
    done = EvaluationDone("net_001.pth", 3_000, 0.0, 0.0, ("x",) * classes, result.confusion, 0.0)
    done = dataclasses.replace(done, sparse_confusion=result.sparse_confusion)
    cells = {label * classes + other: images for label, other, images in done.cells()}
    assert cells == dict(zip(*np.unique(labels * classes + predicted, return_counts=True), strict=True))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_network_without_numbers_gets_a_verdict_without_a_loss() -> None:
    logits = np.full((4, 10), np.nan, dtype=np.float32)
    logits[0] = np.inf
    verdict = evaluation_result(logits, LABELS)
    assert np.isnan(verdict.loss)
    assert 0 <= verdict.calibration_error <= 1
    assert all(0 <= share <= 1 for one in verdict.wrongest for share in one.probabilities)


@given(st.integers(1, 60), st.integers(0, 2**32 - 1), st.floats(0.01, 30))
def test_whatever_the_logits_the_numbers_fit_each_other(images: int, seed: int, scale: float) -> None:
    random = np.random.default_rng(seed)
    labels = random.integers(0, 10, images)
    verdict = evaluation_result((scale * random.standard_normal((images, 10))).astype(np.float32), labels)
    assert sum(map(sum, verdict.confusion)) == images
    assert sum(verdict.confusion[label][label] for label in range(10)) == round(verdict.accuracy * images)
    assert [sum(row) for row in verdict.confusion] == np.bincount(labels, minlength=10).tolist()
    assert verdict.accuracy <= verdict.top3_accuracy <= 1
    assert 0 <= verdict.calibration_error <= 1
    assert len(verdict.wrongest) == images - round(verdict.accuracy * images)
    assert all(one.label == labels[one.index] != one.predicted for one in verdict.wrongest)
