"""One decoder for training, evaluation and `predict`: what one sees, all see."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, TiffImagePlugin

from cifar_tui.engine.data.image_file import ImageUnreadable, center_crop, read_image_file, resized

FITS = pytest.mark.parametrize("fit", [resized, center_crop], ids=["training", "predict"])
Fit = Callable[[Image.Image], Image.Image]
RED, BLUE, WHITE = [255, 0, 0], [0, 0, 255], [255, 255, 255]
ORIENTATION = 0x0112


def halves(mode: str = "RGB") -> Image.Image:
    """The upper half red, the lower one blue."""
    image = Image.new("RGB", (64, 64), "blue")
    image.paste("red", (0, 0, 64, 32))
    return image.convert(mode)


def exif(orientation: int) -> Image.Exif:
    notes = Image.Exif()
    notes[ORIENTATION] = orientation
    return notes


def near(pixel: npt.NDArray[np.uint8], colour: list[int]) -> bool:
    return bool((np.abs(pixel.astype(int) - colour) < 10).all())


@FITS
@pytest.mark.parametrize("ending", ["jpg", "png", "webp", "tif"])
def test_an_image_is_turned_as_its_camera_noted(tmp_path: Path, fit: Fit, ending: str) -> None:
    path = tmp_path / f"a.{ending}"
    halves().save(path, exif=exif(6), quality=95)
    pixels = read_image_file(str(path), fit)
    # Orientation 6: the camera's upper edge is the right one.
    assert near(pixels[16, 2], BLUE)
    assert near(pixels[16, 29], RED)


@FITS
@pytest.mark.filterwarnings("ignore")  # Pillow's own, which the callers silence
def test_an_image_whose_exif_is_broken_is_read_as_it_is(tmp_path: Path, fit: Fit) -> None:
    halves().save(tmp_path / "a.png", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\x01\x12\0\x03junk")
    pixels = read_image_file(str(tmp_path / "a.png"), fit)
    assert pixels[2, 16].tolist() == RED


@FITS
@pytest.mark.parametrize("ending", ["png", "webp", "tif"])
def test_transparency_lies_on_white(tmp_path: Path, fit: Fit, ending: str) -> None:
    path = tmp_path / f"a.{ending}"
    Image.new("RGBA", (64, 64), (255, 0, 0, 0)).save(path, exact=True)
    assert (read_image_file(str(path), fit) == 255).all()


@FITS
def test_half_transparent_grey_palettes_and_one_see_through_colour_lie_on_white(tmp_path: Path, fit: Fit) -> None:
    path = str(tmp_path / "a.png")
    Image.new("LA", (64, 64), (0, 128)).save(path)
    assert (read_image_file(path, fit) == 127).all()
    halves("P").save(path, transparency=halves("P").getpixel((0, 0)))
    pixels = read_image_file(path, fit)
    assert (pixels[2, 2].tolist(), pixels[29, 2].tolist()) == (WHITE, BLUE)
    halves("P").save(tmp_path / "a.gif", transparency=halves("P").getpixel((0, 0)))
    pixels = read_image_file(str(tmp_path / "a.gif"), fit)
    assert (pixels[2, 2].tolist(), pixels[29, 2].tolist()) == (WHITE, BLUE)
    halves().save(path, transparency=(255, 0, 0))
    assert read_image_file(path, fit)[2, 2].tolist() == WHITE


@FITS
@pytest.mark.parametrize("ending", ["png", "tif"])
def test_16_bit_grey_is_scaled_and_not_clipped(tmp_path: Path, fit: Fit, ending: str) -> None:
    ramp = np.repeat(np.linspace(0, 65_535, 32).astype(np.uint16)[None], 32, axis=0)
    path = str(tmp_path / f"a.{ending}")
    Image.fromarray(ramp).save(path)
    pixels = read_image_file(path, fit)
    assert (pixels == np.round(ramp / 257).astype(np.uint8)[:, :, None]).all()
    assert (pixels[0, 0, 0], pixels[0, 31, 0]) == (0, 255)


@FITS
def test_16_bit_grey_keeps_its_orientation_and_its_see_through_value(tmp_path: Path, fit: Fit) -> None:
    grey = np.full((64, 64), 0x1234, dtype=np.uint16)
    grey[:32] = 0xF000
    Image.fromarray(grey).save(tmp_path / "a.png", exif=exif(6), transparency=0x1234)
    pixels = read_image_file(str(tmp_path / "a.png"), fit)
    assert (pixels[16, 2, 0], pixels[16, 29, 0]) == (255, 239)


@FITS
@pytest.mark.parametrize("mode", ["F", "I"])
def test_values_of_no_known_range_are_refused_by_name(tmp_path: Path, fit: Fit, mode: str) -> None:
    path = str(tmp_path / "a.tif")
    Image.new(mode, (32, 32), 7).save(path)
    with pytest.raises(ImageUnreadable, match="32 bits and no known range: save it with 8 or 16 bits"):
        read_image_file(path, fit)


@FITS
@pytest.mark.parametrize(("mode", "ending"), [("CMYK", "jpg"), ("CMYK", "tif"), ("YCbCr", "jpg"), ("P", "bmp")])
def test_other_colour_spaces_become_the_colours_they_show(tmp_path: Path, fit: Fit, mode: str, ending: str) -> None:
    path = str(tmp_path / f"a.{ending}")
    halves(mode).save(path, quality=95)
    pixels = read_image_file(path, fit)
    assert near(pixels[2, 16], RED)
    assert near(pixels[29, 16], BLUE)


@FITS
@pytest.mark.parametrize("ending", ["png", "tif", "bmp", "gif"])
def test_one_bit_is_black_and_white(tmp_path: Path, fit: Fit, ending: str) -> None:
    image = Image.new("1", (32, 32), 1)
    image.paste(0, (0, 0, 32, 16))
    path = str(tmp_path / f"a.{ending}")
    image.save(path)
    pixels = read_image_file(path, fit)
    assert (pixels[2, 2].tolist(), pixels[29, 2].tolist()) == ([0, 0, 0], WHITE)


@FITS
def test_a_lab_image_is_refused_by_name(tmp_path: Path, fit: Fit) -> None:
    Image.new("LAB", (32, 32)).save(tmp_path / "a.tif")
    with pytest.raises(ImageUnreadable, match="LAB"):
        read_image_file(str(tmp_path / "a.tif"), fit)


@FITS
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 44800000\n", "Git LFS pointer"),
        (b"\xef\xbb\xbf\n<!DOCTYPE html>\n<html><body>Sign in</body>", "web page"),
        (b"<HTML>", "web page"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 32 32\n", "not an image"),
        (b"version 2", "not an image"),
    ],
)
def test_what_lies_there_instead_is_called_by_its_name(tmp_path: Path, fit: Fit, content: bytes, words: str) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(ImageUnreadable, match=words):
        read_image_file(str(tmp_path / "a.png"), fit)


def test_a_tif_that_claims_to_be_huge_is_refused_unread(tmp_path: Path) -> None:
    content = io.BytesIO()
    Image.new("1", (8, 8)).save(content, "TIFF")
    whole = bytearray(content.getvalue())
    for tag in (TiffImagePlugin.IMAGEWIDTH, TiffImagePlugin.IMAGELENGTH):
        for kind in (3, 4):
            entry = tag.to_bytes(2, "little") + kind.to_bytes(2, "little") + (1).to_bytes(4, "little")
            if (place := whole.find(entry)) >= 0:
                whole[place + 2 : place + 12] = (
                    (4).to_bytes(2, "little") + (1).to_bytes(4, "little") + (9_000).to_bytes(4, "little")
                )
    (tmp_path / "a.tif").write_bytes(whole)
    with pytest.raises(ImageUnreadable, match="9000 × 9000 pixels are too many"):
        read_image_file(str(tmp_path / "a.tif"), center_crop)
