import dataclasses
import os
from pathlib import Path

import numpy as np
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

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
