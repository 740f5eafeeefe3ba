"""An image as half blocks: every terminal cell shows two pixels, one above the other, in its two colours."""

from functools import lru_cache

from rich.color import Color
from rich.segment import Segment
from rich.style import Style

from cifar_tui import lazy_numpy as np
from cifar_tui.recipe import SIDE

LINES = SIDE // 2
"""Rows of cells that a full image takes; it is `SIDE` cells wide."""
HALF_BLOCK = "▀"


def image_line(pixels: bytes, line: int, side: int = SIDE) -> list[Segment]:
    """Return one row of an image's cells, from the top: `pixels` are uint8 [side, side, 3], RGB."""
    segments = []
    for column in range(side):
        above = 3 * (2 * line * side + column)
        below = above + 3 * side
        segments.append(Segment(HALF_BLOCK, _style(pixels[above : above + 3], pixels[below : below + 3])))
    return segments


@lru_cache(maxsize=64)
def shrunk(pixels: bytes, side: int) -> bytes:
    """Return an image with fewer pixels: each the mean of the area it covers. uint8 [32, 32, 3] to [side, side, 3]."""
    if side == SIDE:
        return pixels
    edges = np.arange(side + 1) * SIDE / side
    places = np.arange(SIDE)
    # Overlap of every new pixel with every old one, as a share of the new one: the weights of an area mean.
    overlap = np.minimum(edges[1:, None], places + 1) - np.maximum(edges[:-1, None], places)
    weights = np.maximum(overlap, 0.0) * side / SIDE
    image = np.frombuffer(pixels, np.uint8).reshape(SIDE, SIDE, 3)
    smaller = np.einsum("ya,xb,abc->yxc", weights, weights, image, optimize=True)
    return bytes(np.round(smaller).astype(np.uint8).data.tobytes())


@lru_cache(maxsize=8_192)
def _style(above: bytes, below: bytes) -> Style:
    return Style(color=Color.from_rgb(*above), bgcolor=Color.from_rgb(*below))
