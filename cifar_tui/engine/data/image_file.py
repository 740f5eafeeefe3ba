"""Reads one image file, whatever is in it, as 32 × 32 pixels, or tells in a few words why it cannot be used."""

import struct
import warnings
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import numpy.typing as npt

from cifar_tui.files.safe_open import open_regular
from cifar_tui.recipe import SIDE
from cifar_tui.text import safe_text

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")
"""Formats that are read, whatever a file's ending; others would start programs or rarely used readers of Pillow."""
MOST_PIXELS = 50_000_000
"""A larger image is a mistake, or meant to fill the memory."""
MOST_BYTES = 500_000_000
LONGEST_REASON = 100
UNREADABLE = (ValueError, SyntaxError, EOFError, TypeError, LookupError, ArithmeticError, struct.error, zlib.error)
"""Exceptions that Pillow raises for broken files, apart from the system's own errors."""
WHITE = (255, 255, 255, 255)

Pixels = npt.NDArray[np.uint8]


class ImageUnreadable(Exception):
    """A file is no image that can be used; the message is the reason alone. Never shown as it is."""


def read_image(file: str | BinaryIO, fit: "Callable[[Image], Image]") -> Pixels:
    """Return one image as uint8 [32, 32, 3], brought to that size by `fit`. Raises ImageUnreadable."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(file, formats=FORMATS) as image:
            if image.width * image.height > MOST_PIXELS:
                raise ValueError(f"{image.width} × {image.height} pixels are too many")
            return np.asarray(fit(image))
    except UnidentifiedImageError:
        reason = "it is not an image"
    except OSError as error:
        reason = error.strerror or str(error)
    except Image.DecompressionBombError:
        reason = "it is too large"
    except UNREADABLE as error:
        reason = str(error) or "it is broken"
    raise ImageUnreadable(safe_text(reason, LONGEST_REASON))


def read_any_image(path: str) -> Pixels:
    """Return an image of any size as uint8 [32, 32, 3]: upright, its middle cut out, scaled. Raises ImageUnreadable."""
    try:
        file = open_regular(path, MOST_BYTES, follow_links=True)
    except OSError as error:
        raise ImageUnreadable(error.strerror or "it cannot be opened") from None
    except ValueError as error:  # it is no plain file, or no file can have that name
        raise ImageUnreadable(safe_text(str(error), LONGEST_REASON)) from None
    with file, warnings.catch_warnings():
        # Pillow warns on stderr of large and odd images; they are checked here.
        warnings.simplefilter("ignore")
        return read_image(file, center_crop)


def resized(image: "Image") -> "Image":
    """Return the whole image in 32 × 32 pixels, resized as the tutorial does."""
    from PIL import Image

    rgb = image.convert("RGB")
    return rgb if rgb.size == (SIDE, SIDE) else rgb.resize((SIDE, SIDE), Image.Resampling.BILINEAR)


def center_crop(image: "Image") -> "Image":
    """Return the largest square in the middle in 32 × 32 pixels, turned as its camera noted, transparency on white."""
    from PIL import Image, ImageOps

    if image.mode.startswith(("I", "F")):
        raise ValueError("it has more than 8 bits per channel")  # Pillow would turn most of them white
    upright = ImageOps.exif_transpose(image)
    side = min(upright.size)
    left, top = ((length - side) // 2 for length in upright.size)
    middle = upright.crop((left, top, left + side, top + side))
    if middle.has_transparency_data:
        seen = middle.convert("RGBA")
        middle = Image.alpha_composite(Image.new("RGBA", seen.size, WHITE), seen)
    rgb = middle.convert("RGB")
    return rgb if side == SIDE else rgb.resize((SIDE, SIDE), Image.Resampling.BICUBIC)
