"""Reads one image file, whatever is in it, as 32 × 32 pixels, or tells in a few words why it cannot be used."""

import struct
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import numpy.typing as npt

from cifar_tui.files.placeholder import HEAD_BYTES, describe_placeholder
from cifar_tui.files.safe_open import open_regular
from cifar_tui.recipe import SIDE
from cifar_tui.text import safe_text

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
"""Formats that are read, whatever a file's ending; others would start programs or rarely used readers of Pillow."""
MOST_PIXELS = 50_000_000
"""A larger image is a mistake, or meant to fill the memory."""
MOST_BYTES = 500_000_000
LONGEST_REASON = 100
UNREADABLE = (ValueError, SyntaxError, EOFError, TypeError, LookupError, ArithmeticError, struct.error, zlib.error)
"""Exceptions that Pillow raises for broken files, apart from the system's own errors."""
WHITE = (255, 255, 255, 255)
ORIENTATION = 0x0112
TURNS = {
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}
"""Names of the transpositions that turn an image as it is viewed, by its orientation in EXIF."""

Pixels = npt.NDArray[np.uint8]


class ImageUnreadable(Exception):
    """A file is no image that can be used; the message is the reason alone. Never shown as it is."""


def read_image_file(path: str, fit: "Callable[[Image], Image]") -> Pixels:
    """Return the image of a regular file as `read_image` does; waits for no pipe. Raises ImageUnreadable."""
    try:
        file = open_regular(path, MOST_BYTES, follow_links=True)
    except OSError as error:
        raise ImageUnreadable(error.strerror or "it cannot be opened") from None
    except ValueError as error:  # it is no plain file, or no file can have that name
        raise ImageUnreadable(safe_text(str(error), LONGEST_REASON)) from None
    with file:
        return read_image(file, fit)


def read_image(file: BinaryIO, fit: "Callable[[Image], Image]") -> Pixels:
    """Return one image as viewers show it, brought by `fit` to uint8 [32, 32, 3]. Raises ImageUnreadable."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(file, formats=FORMATS) as image:
            if image.width * image.height > MOST_PIXELS:
                raise ValueError(f"{image.width} × {image.height} pixels are too many")
            return np.asarray(fit(_as_viewed(image)))
    except UnidentifiedImageError:
        file.seek(0)
        reason = describe_placeholder(file.read(HEAD_BYTES)) or "it is not an image"
    except OSError as error:
        reason = error.strerror or str(error)
    except Image.DecompressionBombError:
        reason = "it is too large"
    except UNREADABLE as error:
        reason = str(error) or "it is broken"
    raise ImageUnreadable(safe_text(reason, LONGEST_REASON))


def resized(image: "Image") -> "Image":
    """Return the whole RGB image in 32 × 32 pixels, resized as the tutorial does."""
    from PIL import Image

    return image if image.size == (SIDE, SIDE) else image.resize((SIDE, SIDE), Image.Resampling.BILINEAR)


def center_crop(image: "Image", side: int = SIDE) -> "Image":
    """Return the largest square in the middle of an RGB image in 32 × 32 pixels, those beside `side` × `side` black."""
    from PIL import Image

    shorter = min(image.size)
    left, top = ((length - shorter) // 2 for length in image.size)
    middle = image.crop((left, top, left + shorter, top + shorter))
    if shorter == SIDE:  # as the network sees it
        return middle
    scaled = middle if shorter == side else middle.resize((side, side), Image.Resampling.BICUBIC)
    if side == SIDE:
        return scaled
    framed = Image.new("RGB", (SIDE, SIDE))
    framed.paste(scaled, ((SIDE - side) // 2, (SIDE - side) // 2))
    return framed


def _as_viewed(image: "Image") -> "Image":
    """Return an image as RGB: turned as its camera noted, transparency on white, 16 bits scaled to 8."""
    from PIL import Image

    image.load()
    # Older versions of Pillow open a PNG of 16 bits as 32.
    if image.mode.startswith("I;16") or (image.mode, image.format) == ("I", "PNG"):
        image = _from_16_bits(image)
    if image.mode in ("I", "F"):
        raise ValueError("its values have 32 bits and no known range: save it with 8 or 16 bits")
    if image.mode == "LAB":
        raise ValueError("its colors are LAB: save it as RGB")
    turn = TURNS.get(_orientation(image))
    upright = image.transpose(Image.Transpose[turn]) if turn else image
    if upright.has_transparency_data:
        seen = upright.convert("RGBA")
        upright = Image.alpha_composite(Image.new("RGBA", seen.size, WHITE), seen)
    return upright.convert("RGB")


def _from_16_bits(image: "Image") -> "Image":
    """Return 16-bit grey as 8-bit grey over the same range, with its EXIF; Pillow would turn most of it white."""
    from PIL import Image

    values = np.asarray(image).astype(np.uint32)
    if isinstance(transparent := image.info.get("transparency"), int):
        values[values == transparent] = 65_535
    scaled = Image.fromarray(((values + 128) // 257).astype(np.uint8))
    scaled.info = {key: value for key, value in image.info.items() if key in ("exif", "xmp")}
    return scaled


def _orientation(image: "Image") -> int:
    """Return the orientation of the image's EXIF; 1, upright, where that is absent or broken."""
    try:
        return int(image.getexif().get(ORIENTATION, 1))
    except (OSError, *UNREADABLE):  # viewers show an image with broken EXIF, too
        return 1
