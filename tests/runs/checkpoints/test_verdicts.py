import dataclasses
import os
from pathlib import Path

import numpy as np
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cifar_tui.checkpoint_events import WrongImage
from cifar_tui.runs.checkpoints.predictions import Predictions, pack
from cifar_tui.runs.checkpoints.sidecars import discard_sidecars, list_sidecars, newest_checkpoint, verdict_path
from cifar_tui.runs.checkpoints.test_images import MOST_IMAGES, read_images, store_images
from cifar_tui.runs.checkpoints.verdicts import (
    SIZE_LIMIT,
    StoredEvaluation,
    check_evaluation,
    read_evaluation,
    store_evaluation,
)
from tests import scripted

NAME = "net_003.pth"


def kept_record(folder: Path) -> dict[str, object]:
    record = orjson.loads(verdict_path(folder / NAME).read_bytes())
    assert isinstance(record, dict)
    return record


def test_a_verdict_is_read_as_it_was_kept(tmp_path: Path) -> None:
    said = scripted.put_verdict(tmp_path, 3)
    kept = read_evaluation(tmp_path, NAME)
    assert kept.verdict == said
    assert kept.pictures[7] == scripted.picture(7)
    assert len(kept.pictures) == len(said.wrongest) == 90


def test_it_holds_for_the_same_weights_and_images_only(tmp_path: Path) -> None:
    sidecar = scripted.put_checkpoint(tmp_path, 3)
    scripted.put_verdict(tmp_path, 3)
    kept = read_evaluation(tmp_path, NAME)
    assert kept.outdated_because(sidecar, scripted.CHECKSUM) == ""
    assert kept.outdated_because(sidecar, "") == ""
    assert "test images" in kept.outdated_because(sidecar, "ffffffff")
    anew = dataclasses.replace(sidecar, sha256="1" * 64)
    assert "weights" in kept.outdated_because(anew, scripted.CHECKSUM)


def test_verdicts_are_no_sidecars_and_go_with_their_checkpoints(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        scripted.put_checkpoint(tmp_path, number)
        scripted.put_verdict(tmp_path, number)
    assert [sidecar.checkpoint for sidecar in list_sidecars(tmp_path)] == ["net_001.pth", "net_002.pth", "net_003.pth"]
    assert newest_checkpoint(tmp_path) == NAME
    discard_sidecars(tmp_path, 2 * scripted.STEPS_PER_EPOCH)
    assert {path.name for path in tmp_path.glob("*.json")} == {
        "net_001.json",
        "net_001.verdict.json",
        "net_002.json",
        "net_002.verdict.json",
    }


CHANGES: list[tuple[str, object]] = [
    ("checkpoint", "net_004.pth"),
    ("images", 9_999),
    ("accuracy", 1.5),
    ("top3_accuracy", -0.1),
    ("calibration_error", "nan"),
    ("seconds", "inf"),
    ("classes", ["cat"]),
    ("confusion", [[1, 2], [3, 4]]),
    ("confusion", [[-1] * 10] * 10),
    ("wrongest", [{"index": 0, "label": 10, "predicted": 0, "probabilities": [0.1] * 10}]),
    ("wrongest", [{"index": 0, "label": 1, "predicted": 0, "probabilities": [0.1] * 9}]),
    ("wrongest", [{"index": 0, "label": 1, "predicted": 0, "probabilities": [2.0] * 10}]),
    ("wrongest", [{"index": 0}]),
    ("wrongest", []),
    ("event", "StepDone"),
]


@pytest.mark.parametrize(("name", "value"), CHANGES)
def test_numbers_that_do_not_fit_each_other_are_no_verdict(tmp_path: Path, name: str, value: object) -> None:
    scripted.put_verdict(tmp_path, 3)
    record = kept_record(tmp_path)
    assert isinstance(record["verdict"], dict)
    record["verdict"][name] = value
    verdict_path(tmp_path / NAME).write_bytes(orjson.dumps(record))
    with pytest.raises(ValueError):
        read_evaluation(tmp_path, NAME)


BROKEN: list[tuple[str, object]] = [
    ("sha256", "x"),
    ("pictures", "?"),
    ("pictures", "AAAA"),
    ("predictions", "AAAA"),
    ("predictions", 3),
    ("verdict", 3),
]


@pytest.mark.parametrize(("name", "value"), BROKEN)
def test_a_file_with_a_broken_part_is_no_verdict(tmp_path: Path, name: str, value: object) -> None:
    scripted.put_verdict(tmp_path, 3)
    verdict_path(tmp_path / NAME).write_bytes(orjson.dumps({**kept_record(tmp_path), name: value}))
    with pytest.raises(ValueError):
        read_evaluation(tmp_path, NAME)


def test_what_is_no_plain_file_of_a_verdicts_size_is_refused(tmp_path: Path) -> None:
    path = verdict_path(tmp_path / NAME)
    path.write_bytes(b" " * (SIZE_LIMIT + 1))
    with pytest.raises(ValueError, match="too large"):
        read_evaluation(tmp_path, NAME)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(ValueError, match="regular file"):
        read_evaluation(tmp_path, NAME)
    path.unlink()
    path.mkdir()
    with pytest.raises(ValueError, match="regular file"):
        read_evaluation(tmp_path, NAME)
    path.rmdir()
    path.symlink_to("/etc/passwd")
    with pytest.raises(OSError):
        read_evaluation(tmp_path, NAME)
    with pytest.raises(ValueError, match="name"):
        read_evaluation(tmp_path, "../../etc/passwd")


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.binary(max_size=200) | st.text(max_size=50).map(lambda text: orjson.dumps({"verdict": {"event": text}}))
)
def test_any_bytes_are_a_verdict_or_one_named_error(tmp_path: Path, content: bytes) -> None:
    verdict_path(tmp_path / NAME).write_bytes(content)
    with pytest.raises(ValueError):
        read_evaluation(tmp_path, NAME)


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 14_000), byte=st.integers(0, 255))
def test_one_changed_byte_gives_a_sound_verdict_or_one_named_error(tmp_path: Path, place: int, byte: int) -> None:
    scripted.put_verdict(tmp_path, 3)
    content = bytearray(verdict_path(tmp_path / NAME).read_bytes())
    content[place] = byte
    verdict_path(tmp_path / NAME).write_bytes(content)
    try:
        kept = read_evaluation(tmp_path, NAME)
    except ValueError:
        return
    check_evaluation(kept.verdict)


def test_the_most_pictures_there_can_be_fit(tmp_path: Path) -> None:
    said = scripted.verdict(NAME)
    most = dataclasses.replace(said, wrongest=tuple(scripted.wrong_image(number % 90) for number in range(190)))
    store_evaluation(
        tmp_path, StoredEvaluation(most, "0" * 64, tuple(scripted.picture(number) for number in range(190)))
    )
    assert verdict_path(tmp_path / NAME).stat().st_size < SIZE_LIMIT / 2
    assert len(read_evaluation(tmp_path, NAME).pictures) == 190


@pytest.mark.parametrize("classes", [2, 20, 37, 100, pytest.param(1_000, marks=pytest.mark.slow)])
def test_a_file_of_many_classes_is_about_as_large_as_one_of_ten(tmp_path: Path, classes: int) -> None:
    done = scripted.put_evaluation(tmp_path, 3, scripted.class_list(classes))
    kept = read_evaluation(tmp_path, NAME)
    assert kept.verdict == done
    assert len(kept.pictures) == len(done.wrongest) <= 190
    assert verdict_path(tmp_path / NAME).stat().st_size < 1_100_000
    record = kept_record(tmp_path)["verdict"]
    assert isinstance(record, dict)
    assert ("sparse_confusion" in record) == (classes > 20)
    assert {"shares" in one for one in record["wrongest"]} == {classes > 20}
    predictions = Predictions(kept.predictions, kept.verdict)
    label, predicted, images = next(cell for cell in done.cells() if cell[0] != cell[1])
    indexes = predictions.indexes(label, predicted)
    assert len(indexes) == images
    assert {predictions.cell(index) for index in indexes} == {(label, predicted)}
    assert predictions.image(indexes[0]).label == label


def test_the_most_that_a_thousand_classes_can_need_fits(tmp_path: Path) -> None:
    names = tuple(f"{label:04}{'类' * 96}" for label in range(1_000))
    everything = np.arange(MOST_IMAGES)
    rows: list[list[int]] = [[] for _ in names]
    for label in everything.tolist():
        rows[label % 1_000] += [label // 1_000 * 20, 1]
    probabilities = np.zeros((1, 1_000))
    shares = ((0, 0.1234), (999, 0.1234), (998, 0.1234), (997, 0.1234))
    wrongest = tuple(WrongImage(49_999, 999, 0, (), shares) for _ in range(190))
    most = dataclasses.replace(
        scripted.verdict(NAME),
        images=MOST_IMAGES,
        classes=names,
        confusion=(),
        sparse_confusion=tuple(map(tuple, rows)),
        wrongest=wrongest,
    )
    record = pack(probabilities, np.zeros(1, np.int64), np.zeros(1, np.int64))
    pictures = (scripted.picture(1),) * 190
    store_evaluation(tmp_path, StoredEvaluation(most, "0" * 64, pictures, record * MOST_IMAGES))
    with pytest.raises(ValueError, match="matrix"):  # the predictions are of the right size, and nothing more
        read_evaluation(tmp_path, NAME)
    assert 2_000_000 < verdict_path(tmp_path / NAME).stat().st_size < SIZE_LIMIT
    store_evaluation(tmp_path, StoredEvaluation(most, "0" * 64, (scripted.picture(1),) * 190))
    assert read_evaluation(tmp_path, NAME).verdict == most


@pytest.mark.slow
def test_a_larger_one_is_not_stored_for_it_would_not_be_read(tmp_path: Path) -> None:
    rows = tuple(tuple(value for other in range(1_000) for value in (other, 1)) for _ in range(1_000))
    done = dataclasses.replace(
        scripted.verdict(NAME),
        images=1_000_000,
        classes=scripted.class_list(1_000),
        confusion=(),
        sparse_confusion=rows,
        wrongest=(),
    )
    check_evaluation(done)
    with pytest.raises(OSError, match=r"more than 4\.2 MB"):
        store_evaluation(tmp_path, StoredEvaluation(done, "0" * 64, ()))
    assert list(tmp_path.iterdir()) == []


SPARSE = [
    [[0, 1, 1]] + [[]] * 99,
    [[0, 10_000, 0, 1]] + [[]] * 99,
    [[1, 1, 0, 9_999]] + [[]] * 99,
    [[100, 10_000]] + [[]] * 99,
    [[-1, 10_000]] + [[]] * 99,
    [[0, 0, 1, 10_000]] + [[]] * 99,
    [[0, -1, 1, 10_001]] + [[]] * 99,
    [[0, 9_999]] + [[]] * 99,
    [[0, 10_000]] + [[]] * 98,
    [[0, 10_000]] * 100,
    [],
]


@pytest.mark.parametrize("rows", SPARSE)
def test_a_sparse_matrix_that_is_none_is_no_verdict(tmp_path: Path, rows: list[list[int]]) -> None:
    scripted.put_evaluation(tmp_path, 3, scripted.class_list(100))
    record = kept_record(tmp_path)
    assert isinstance(record["verdict"], dict)
    record["verdict"]["sparse_confusion"] = rows
    verdict_path(tmp_path / NAME).write_bytes(orjson.dumps({**record, "predictions": ""}))
    with pytest.raises(ValueError):
        read_evaluation(tmp_path, NAME)
    record["verdict"]["sparse_confusion"] = [[0, 10_000]] + [[]] * 99
    verdict_path(tmp_path / NAME).write_bytes(orjson.dumps({**record, "predictions": ""}))
    assert list(read_evaluation(tmp_path, NAME).verdict.cells()) == [(0, 0, 10_000)]


@pytest.mark.parametrize("shares", [[[0, 0.5]], [[100, 0.5]], [[0, 1.5]], [[-1, 0.5]], [[0, 0.5, 1]], [[0.5, 0]]])
def test_wrong_images_of_many_classes_name_their_own_classes(tmp_path: Path, shares: list[list[float]]) -> None:
    done = scripted.put_evaluation(tmp_path, 3, scripted.class_list(100))
    record = kept_record(tmp_path)
    assert isinstance(record["verdict"], dict)
    first = done.wrongest[0]
    record["verdict"]["wrongest"][0]["shares"] = [[first.label, 0.25], [first.predicted, 0.5]][
        : 2 * (shares[0][0] != 0)
    ]
    record["verdict"]["wrongest"][0]["shares"] += shares
    verdict_path(tmp_path / NAME).write_bytes(orjson.dumps(record))
    with pytest.raises(ValueError):
        read_evaluation(tmp_path, NAME)


def test_both_spellings_at_once_are_no_verdict() -> None:
    done, _ = scripted.evaluation_of(NAME, scripted.class_list(10), 500)
    rows = tuple(
        tuple(part for place, images in done.row(label).items() for part in (place, images)) for label in range(10)
    )
    check_evaluation(dataclasses.replace(done, confusion=(), sparse_confusion=rows))
    for wrong in (
        dataclasses.replace(done, sparse_confusion=rows),
        dataclasses.replace(done, confusion=()),
        dataclasses.replace(done, classes=("x",) * 1_001, confusion=((0,) * 1_001,) * 1_001),
    ):
        with pytest.raises(ValueError):
            check_evaluation(wrong)


@pytest.mark.slow
def test_predictions_that_do_not_fit_the_matrix_are_refused(tmp_path: Path) -> None:
    scripted.put_all_images(tmp_path, 3)
    kept = read_evaluation(tmp_path, NAME)
    rows = [list(row) for row in kept.verdict.confusion]
    rows[0][0], rows[0][1] = rows[0][0] - 1, rows[0][1] + 1
    with pytest.raises(ValueError, match="matrix"):
        Predictions(kept.predictions, dataclasses.replace(kept.verdict, confusion=tuple(map(tuple, rows))))
    with pytest.raises(ValueError, match="unknown"):
        Predictions(b"\xff" + kept.predictions[1:], kept.verdict)
    assert pack(np.full((MOST_IMAGES + 1, 2), 0.5), *[np.zeros(MOST_IMAGES + 1, np.int64)] * 2) == b""


def test_a_run_keeps_the_test_images_once_and_only_the_newest(tmp_path: Path) -> None:
    pixels = scripted.picture(1) + scripted.picture(2)
    store_images(tmp_path, "0a1b2c3d", 2, lambda: pixels)
    store_images(tmp_path, "0a1b2c3d", 2, lambda: b"never asked for")
    assert read_images(tmp_path, "0a1b2c3d", 2, [1, 0]) == [scripted.picture(2), scripted.picture(1)]
    store_images(tmp_path, "ffffffff", 1, lambda: scripted.picture(3))
    assert read_images(tmp_path, "0a1b2c3d", 2, [1]) == []
    assert read_images(tmp_path, "ffffffff", 1, [0]) == [scripted.picture(3)]
    assert read_images(tmp_path, "ffffffff", 1, [1]) == []
    assert read_images(tmp_path, "../../x", 1, [0]) == []
    store_images(tmp_path, "eeeeeeee", MOST_IMAGES + 1, lambda: b"too many")
    assert [path.name for path in tmp_path.iterdir()] == ["test_images_ffffffff.rgb"]
