import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from rich.console import Console

from cifar_tui.checkpoint_events import EvaluationDone
from cifar_tui.cli.predict import most_probable, print_prediction, to_json
from cifar_tui.engine.data.image_file import (
    MOST_PIXELS,
    ImageUnreadable,
    Pixels,
    center_crop,
    read_image,
    read_image_file,
)
from cifar_tui.engine.evaluation.predict import Prediction, Predictor, Refusal, class_names
from cifar_tui.report import half_blocks
from cifar_tui.runs.folder import read_recipe
from tests.engine import trained
from tests.engine.evaluation.test_evaluate_checkpoint import alone

NAME = "net_001.pth"
ORIENTATION = 0x0112


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose network was trained for an epoch."""
    path = tmp_path_factory.mktemp("runs") / "one"
    trained.run(path, epochs=1)
    return path


def read_any_image(path: str) -> Pixels:
    return read_image_file(path, center_crop)


def quarters(width: int, height: int) -> Image.Image:
    """Red and green above, blue and white below."""
    picture = Image.new("RGB", (width, height), "white")
    picture.paste("red", (0, 0, width // 2, height // 2))
    picture.paste("lime", (width // 2, 0, width, height // 2))
    picture.paste("blue", (0, height // 2, width // 2, height))
    return picture


def corners(pixels: "np.typing.NDArray[np.uint8]") -> list[str]:
    names = {(255, 0, 0): "red", (0, 255, 0): "lime", (0, 0, 255): "blue", (255, 255, 255): "white"}
    seen = [tuple(map(int, pixels[row, column])) for row in (2, 29) for column in (2, 29)]
    return [names.get((red, green, blue), "?") for red, green, blue in seen]


@pytest.mark.slow
def test_predictions_are_what_the_evaluation_found(folder: Path, tmp_path: Path) -> None:
    done = alone(folder)[-1]
    assert isinstance(done, EvaluationDone)
    test = trained.easy_images().test
    predictor = Predictor(read_recipe(folder), folder, NAME)
    assert predictor.classes == tuple(f"class{label}" for label in range(10))
    for image in done.wrongest[:5]:
        path = tmp_path / f"{image.index}.png"
        Image.fromarray(test.pixels[image.index]).save(path)
        (one,) = predictor.predict([str(path)])
        assert isinstance(one, Prediction)
        assert one.pixels == test.pixels[image.index].tobytes()
        assert int(np.argmax(one.probabilities)) == image.predicted
        assert one.probabilities == pytest.approx(image.probabilities, abs=1e-3)
        assert most_probable(one, predictor.classes)[0] == (f"class{image.predicted}", max(one.probabilities))


def test_one_that_cannot_be_read_is_named_and_the_others_are_classified(folder: Path, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.jpg", tmp_path / "\x1b[31mbad.png"
    quarters(200, 100).save(good)
    bad.write_bytes(b"no picture")
    os.mkfifo(tmp_path / "fifo")
    names = [str(bad), str(good), str(tmp_path / "fifo"), str(tmp_path), str(tmp_path / "none"), "nul\0", str(good)]
    found = list(Predictor(read_recipe(folder), folder, NAME).predict(names))
    assert [isinstance(one, Prediction) for one in found] == [False, True, False, False, False, False, True]
    reasons = [one.reason for one in found if isinstance(one, Refusal)]
    for reason, words in zip(
        reasons, ("not an image", "regular file", "regular file", "No such file", "null"), strict=True
    ):
        assert reason.startswith("Cannot read ")
        assert words in reason
        assert "\x1b" not in reason
    record = orjson.loads(to_json(NAME, found, class_names(folder, 10)))
    assert record["checkpoint"] == NAME
    assert [len(one.get("most_probable", [])) for one in record["pictures"]] == [0, 3, 0, 0, 0, 0, 3]
    assert sum(record["pictures"][1]["probabilities"]) == pytest.approx(1, abs=1e-3)
    assert "not an image" in record["pictures"][0]["error"]


@pytest.mark.parametrize("size", [(32, 32), (320, 320), (8, 8)])
def test_a_picture_of_any_size_is_scaled(tmp_path: Path, size: tuple[int, int]) -> None:
    quarters(*size).save(tmp_path / "one.png")
    assert corners(read_any_image(str(tmp_path / "one.png"))) == ["red", "lime", "blue", "white"]


def test_the_middle_is_cut_out_and_the_borders_are_not_seen(tmp_path: Path) -> None:
    for size, place in (((300, 100), (100, 0)), ((100, 300), (0, 100))):
        picture = Image.new("RGB", size, "black")
        picture.paste(quarters(100, 100), place)
        picture.save(tmp_path / "one.png")
        assert corners(read_any_image(str(tmp_path / "one.png"))) == ["red", "lime", "blue", "white"]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_turned_as_its_camera_noted(tmp_path: Path, orientation: int) -> None:
    turns = Image.Transpose
    undo: dict[int, list[Image.Transpose]] = {
        2: [turns.FLIP_LEFT_RIGHT],
        3: [turns.ROTATE_180],
        4: [turns.FLIP_TOP_BOTTOM],
        5: [turns.TRANSPOSE],
        6: [turns.ROTATE_90],
        7: [turns.TRANSVERSE],
        8: [turns.ROTATE_270],
    }
    picture = quarters(96, 96)
    for turn in undo.get(orientation, []):
        picture = picture.transpose(turn)
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    picture.save(tmp_path / "one.png", exif=exif)
    assert corners(read_any_image(str(tmp_path / "one.png"))) == ["red", "lime", "blue", "white"]


def test_what_is_see_through_is_white_and_palettes_and_greys_are_colours(tmp_path: Path) -> None:
    path = tmp_path / "one.png"
    Image.new("RGBA", (64, 64), (255, 0, 0, 0)).save(path)
    assert np.array_equal(read_any_image(str(path)), np.full((32, 32, 3), 255))
    quarters(64, 64).convert("P").save(path)
    assert corners(read_any_image(str(path)))[3] == "white"
    Image.new("L", (64, 64), 7).save(path)
    assert np.array_equal(read_any_image(str(path)), np.full((32, 32, 3), 7))


def test_a_decompression_bomb_is_refused_unopened(tmp_path: Path) -> None:
    content = io.BytesIO()
    Image.new("1", (1, 1)).save(content, "PNG")
    for side, words in ((8_000, "too many"), (20_000, "too large")):
        assert side * side > MOST_PIXELS
        bomb = bytearray(content.getvalue())
        bomb[16:24] = struct.pack(">II", side, side)
        bomb[29:33] = struct.pack(">I", zlib.crc32(bomb[12:29]))
        (tmp_path / "bomb.png").write_bytes(bomb)
        with pytest.raises(ImageUnreadable, match=words):
            read_any_image(str(tmp_path / "bomb.png"))


def _jpeg() -> bytes:
    content = io.BytesIO()
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    quarters(40, 40).save(content, "JPEG", exif=exif)
    return content.getvalue()


@pytest.mark.filterwarnings("ignore")  # Pillow's own, which the callers silence too
@given(st.binary(max_size=200) | st.tuples(st.integers(0, 400), st.binary(min_size=1, max_size=8)))
def test_any_bytes_are_a_picture_or_one_named_error(content: bytes | tuple[int, bytes]) -> None:
    if isinstance(content, tuple):
        place, change = content
        whole = _jpeg()
        content = whole[:place] + change + whole[place + len(change) :]
    try:
        pixels = read_image(io.BytesIO(content), center_crop)
    except ImageUnreadable as error:
        assert str(error)
    else:
        assert pixels.shape == (32, 32, 3)


@pytest.mark.parametrize(("system", "sign"), [("truecolor", "38;2;255;0;0"), ("256", "38;5;"), (None, None)])
def test_pictures_are_shown_on_terminals_with_colours(
    capsys: pytest.CaptureFixture[str], system: str | None, sign: str | None
) -> None:
    half_blocks._style.cache_clear()  # rich remembers a style's codes for the first terminal it is written to
    output = io.StringIO()
    pixels = np.asarray(quarters(32, 32)).tobytes()
    console = Console(file=output, force_terminal=system is not None, color_system=system, width=80)  # type: ignore[arg-type]
    shares = (0.9, 0.05, 0.03, *[0.0] * 7)
    print_prediction(Prediction("a.png", pixels, shares), tuple("abcdefghij"), console)
    assert capsys.readouterr().out == "a.png: a 90.00 %, b 5.00 %, c 3.00 %\n"
    drawn = output.getvalue()
    assert drawn.count("▀") == (16 * 32 if sign else 0)
    assert (sign or "") in drawn


def test_without_a_journal_classes_have_numbers(tmp_path: Path) -> None:
    assert class_names(tmp_path, 10)[3] == "class 3"
