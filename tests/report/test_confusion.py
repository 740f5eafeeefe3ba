import dataclasses
import math

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from cifar_tui.checkpoint_events import EvaluationDone
from cifar_tui.event_records import event_from_record
from cifar_tui.report.class_names import short_names
from cifar_tui.report.confusion import Confusion, class_scores, most_confused
from cifar_tui.report.verdict_text import verdict_lines, verdict_record
from tests import scripted


def verdict(*rows: tuple[int, ...]) -> EvaluationDone:
    names = ("cat", "dog", "ship")[: len(rows)]
    images = sum(map(sum, rows))
    hits = sum(row[label] for label, row in enumerate(rows))
    return EvaluationDone("net_001.pth", images, 0.5, hits / images, names, rows, 1.0)


def test_precision_recall_and_f1_worked_out_by_hand() -> None:
    cat, dog, ship = class_scores(verdict((6, 3, 1), (2, 8, 0), (0, 0, 0)))
    assert (cat.precision, cat.recall) == (6 / 8, 6 / 10)
    assert cat.f1 == pytest.approx(2 * 0.75 * 0.6 / (0.75 + 0.6))
    assert (dog.precision, dog.recall) == (8 / 11, 8 / 10)
    assert ship.precision == 0  # one was taken for a ship, and there are none
    assert math.isnan(ship.recall)


def test_the_pairs_most_confused_come_first_and_hits_are_no_pairs() -> None:
    pairs = most_confused(verdict((6, 3, 1), (4, 8, 0), (0, 3, 7)))
    assert [(pair.label, pair.predicted, pair.images) for pair in pairs] == [(1, 0, 4), (0, 1, 3), (2, 1, 3), (0, 2, 1)]
    assert pairs[0].share == 4 / 12
    assert math.isnan(Confusion(verdict((1, 0), (0, 0))).share(1, 0))


@given(st.lists(st.lists(st.integers(0, 50), min_size=3, max_size=3), min_size=3, max_size=3))
def test_shares_are_shares_and_f1_lies_between_precision_and_recall(rows: list[list[int]]) -> None:
    if not any(map(any, rows)):
        return
    said = verdict(*(tuple(row) for row in rows))
    for label, score in enumerate(class_scores(said)):
        assert score.recall == pytest.approx(said.class_accuracy(label), nan_ok=True)
        if math.isfinite(score.precision) and math.isfinite(score.recall):
            low, high = sorted((score.precision, score.recall))
            assert low - 1e-9 <= score.f1 <= high + 1e-9
    assert sum(pair.images for pair in most_confused(said)) == said.images - round(said.accuracy * said.images)


def test_a_verdict_in_plain_lines() -> None:
    lines = verdict_lines(scripted.verdict("net_003.pth"))
    page = "\n".join(lines)
    assert "net_003.pth: test accuracy 85.50 %, loss 0.4312 on 10,000 images in 00:12" in page
    assert "top-3 accuracy 97.23 %, calibration error 4.12 % (ECE, 15 bins)" in page
    assert "  automobile    84.68 %   89.00 %   86.79 %" in page
    assert "              airp  auto  bird   cat  deer   dog  frog  hors  ship  truc" in page
    assert "  dog            9     9     9    78     9   850     9     9     9     9" in page
    assert "       truck predicted as airplane     102   10.2 % of truck" in page
    assert max(map(len, lines)) <= 80


def test_a_verdict_for_scripts_says_the_same() -> None:
    said = scripted.verdict("net_003.pth")
    record = orjson.loads(orjson.dumps(verdict_record(said)))
    assert event_from_record(record) == said
    assert record["class_scores"][9] == pytest.approx(
        {"class": "truck", "precision": 0.8700, "recall": 0.81, "f1": 0.8389}, abs=1e-4
    )
    assert record["most_confused"][0] == {"class": "truck", "taken_for": "airplane", "images": 102, "share": 0.102}


@pytest.mark.parametrize(
    ("names", "short"),
    [
        (["airplane", "cat"], ["airp", "cat"]),
        (["class0", "class1"], ["cla0", "cla1"]),
        (["a[/x]b", "a[/x]c"], ["a[/b", "a[/c"]),
        (["long_a_name", "long_b_name"], ["0", "1"]),
        (["飞机", "汽车"], ["飞机", "汽车"]),
        (["飞机一号", "飞机二号"], ["一号", "二号"]),
        (["一号飞机", "二号飞机"], ["一号", "二号"]),
    ],
)
def test_short_names_still_differ(names: list[str], short: list[str]) -> None:
    assert short_names(names, 4) == short


def test_wide_names_keep_the_columns_of_all_tables() -> None:
    done = dataclasses.replace(scripted.verdict("net_003.pth"), classes=scripted.WIDE_CLASSES)
    lines = verdict_lines(done)
    classes = lines.index(next(line for line in lines if "precision" in line))
    assert len({cell_len(line) for line in lines[classes : classes + 11]}) == 1
    matrix = lines.index("Images by true class (rows) and predicted class (columns):") + 1
    assert len({cell_len(line) for line in lines[matrix : matrix + 11]}) == 1
    pairs = lines[lines.index("Most confused:") + 1 :]
    assert len({cell_len(line[: line.index(" of ")]) for line in pairs}) == 1


@pytest.mark.parametrize("classes", [2, 10, 20, 37, 100, pytest.param(1_000, marks=pytest.mark.slow)])
def test_the_lines_of_any_number_of_classes_fit_a_terminal(classes: int) -> None:
    done, _ = scripted.evaluation_of("net_003.pth", scripted.class_list(classes), 2_000)
    lines = verdict_lines(done, 80)
    assert max(map(cell_len, lines)) <= 80
    assert len(lines) < 60
    page = "\n".join(lines)
    assert ("top-3" in page) == (classes > 3)
    assert ("columns):" in page) == (classes <= 10)
    assert (f"The worst of {classes:,} classes:" in page) == (classes > 20)
    wide = "\n".join(verdict_lines(done))
    assert ("columns):" in wide) == (classes <= 20)


@pytest.mark.parametrize("classes", [20, 21, 100])
def test_a_script_reads_the_whole_matrix_of_any_number_of_classes(classes: int) -> None:
    done, _ = scripted.evaluation_of("net_003.pth", scripted.class_list(classes), 2_000)
    record = orjson.loads(orjson.dumps(verdict_record(done)))
    matrix = record["confusion"]
    assert [len(row) for row in matrix] == [classes] * classes
    assert all(matrix[label][predicted] == images for label, predicted, images in done.cells())
    assert sum(map(sum, matrix)) == 2_000
    assert "sparse_confusion" not in record
    assert len(record["class_scores"]) == classes
    event = event_from_record(record)
    assert isinstance(event, EvaluationDone)
    assert set(event.cells()) == set(done.cells())


@pytest.mark.slow
@given(st.integers(0, 2**32 - 1), st.integers(2, 40))
def test_a_sparse_matrix_scores_as_the_whole_one_does(seed: int, classes: int) -> None:
    done, _ = scripted.evaluation_of("net_003.pth", scripted.class_list(classes), 300, seed)
    rows = tuple(tuple(done.row(label).get(other, 0) for other in range(classes)) for label in range(classes))
    dense, confusion = dataclasses.replace(done, confusion=rows, sparse_confusion=()), Confusion(done)
    assert str(class_scores(dense)) == str(class_scores(done))  # as text, for NaN is equal to nothing
    assert most_confused(dense) == most_confused(done)
    for label in range(classes):
        assert confusion.images[label] == sum(rows[label])
        assert confusion.predicted[label] == sum(row[label] for row in rows)
        assert {pair.predicted: pair.images for pair in confusion.predicted_as(label)} == {
            other: images for other, images in enumerate(rows[label]) if images and other != label
        }
        assert {pair.label: pair.images for pair in confusion.predicted_from(label)} == {
            other: row[label] for other, row in enumerate(rows) if row[label] and other != label
        }
        assert done.class_accuracy(label) == pytest.approx(dense.class_accuracy(label), nan_ok=True)
    assert confusion.wrong(None, None) == done.images - round(done.accuracy * done.images)
