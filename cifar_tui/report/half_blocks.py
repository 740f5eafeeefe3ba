"""An image as half blocks: every terminal cell shows two pixels, one above the other, in its two colours."""

from functools import lru_cache

from rich.color import Color
from rich.segment import Segment
from rich.style import Style

from cifar_tui.recipe import SIDE

LINES = SIDE // 2
"""Rows of cells that an image takes; it is `SIDE` cells wide."""
HALF_BLOCK = "▀"


def image_line(pixels: bytes, line: int) -> list[Segment]:
    """Return one row of an image's cells, from the top: `pixels` are uint8 [32, 32, 3], RGB."""
    segments = []
    for column in range(SIDE):
        above = 3 * (2 * line * SIDE + column)
        below = above + 3 * SIDE
        segments.append(Segment(HALF_BLOCK, _style(pixels[above : above + 3], pixels[below : below + 3])))
    return segments


@lru_cache(maxsize=8_192)
def _style(above: bytes, below: bytes) -> Style:
    return Style(color=Color.from_rgb(*above), bgcolor=Color.from_rgb(*below))
