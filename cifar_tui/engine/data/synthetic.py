"""Draws a data set of ten shapes, for trying everything without CIFAR-10. Always called synthetic."""

import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from cifar_tui.engine.data.dataset import DataSet, Report, Split
from cifar_tui.errors import StopRequested
from cifar_tui.events import Progressed
from cifar_tui.recipe import SIDE

CLASSES = ("disc", "ring", "square", "frame", "triangle", "cross", "star", "stripes", "checker", "crescent")
TRAIN_IMAGES = 10_000
TEST_IMAGES = 2_000
SEED = 20_090_408
"""One fixed data set, whatever a run's own seed is."""
CHUNK = 200
"""Images drawn at once; the first ones are the same however many are drawn."""
REPORT_SECONDS = 0.1
NOISE = 14.0
"""Standard deviation of the grain, in grey levels of 255."""
CONTRAST = (36.0, 110.0)
"""Distance of a shape's colour from its ground, in grey levels."""
RADIUS = (5.0, 12.0)
"""Half a shape's size, in pixels."""
CLUTTER = 3
"""Small spots and strokes that mean nothing, in every image."""

Floats = npt.NDArray[np.float32]
Pixels = npt.NDArray[np.uint8]


def draw_images(
    report: Report,
    stop_requested: Callable[[], bool] = lambda: False,
    train_images: int | None = None,
    test_images: int | None = None,
) -> DataSet:
    """The first images of a fixed data set of 10,000 to train on and 2,000 to test on; None for all of a split.

    Every ten images in a row have one of each class. Raises StopRequested.
    """
    counts = (
        TRAIN_IMAGES if train_images is None else min(train_images, TRAIN_IMAGES),
        TEST_IMAGES if test_images is None else min(test_images, TEST_IMAGES),
    )
    drawing = Drawing(sum(counts), report, stop_requested)
    train, test = (drawing.split(number, count) for number, count in enumerate(counts))
    return DataSet("synthetic images", True, CLASSES, train, test)


class Drawing:
    """Draws so many images: reports its progress, and can be stopped."""

    def __init__(self, total: int, report: Report, stop_requested: Callable[[], bool]) -> None:
        self._done, self._total = 0, total
        self._report = report
        self._stop_asked = stop_requested
        self._started = self._said_at = time.monotonic()
        self._say()

    def split(self, number: int, count: int) -> Split:
        """The first `count` images of the split with this number, the same every time."""
        labels = np.arange(count, dtype=np.int64) % len(CLASSES)
        pixels = np.empty((count, SIDE, SIDE, 3), dtype=np.uint8)
        for start in range(0, count, CHUNK):
            part = pixels[start : start + CHUNK]
            part[:] = _draw(np.random.default_rng((SEED, number, start)))[: len(part)]
            self._done += len(part)
            if self._done == self._total or time.monotonic() - self._said_at >= REPORT_SECONDS:
                self._say()
            if self._stop_asked():
                raise StopRequested
        return Split(pixels, labels)

    def _say(self) -> None:
        self._said_at = time.monotonic()
        seconds = self._said_at - self._started
        self._report(Progressed("Making synthetic images", self._done, self._total, "images", seconds))


class RandomDraws:
    """Random numbers, one per image of a chunk."""

    def __init__(self, random: np.random.Generator) -> None:
        self.random = random

    def uniform(self, low: float, high: float, channels: int = 1) -> Floats:
        """float32 [CHUNK, channels, 1, 1], each from `low` to `high`."""
        return low + (high - low) * self.random.random((CHUNK, channels, 1, 1), dtype=np.float32)


def _draw(random: np.random.Generator) -> Pixels:
    """uint8 [CHUNK, 32, 32, 3]: the ten classes in turn, each shape on a ground of its own."""
    chance = RandomDraws(random)
    image = _ground(chance)
    for number in range(CLUTTER):
        u, v, size = _placed(chance, (1.0, 2.6))
        # Spots, and strokes three times as long as they are wide.
        mark = _disc(u, v) if number % 2 else np.maximum(np.abs(u) - 1.5, np.abs(v) - 0.5)
        image += _cover(mark, size) * chance.uniform(-60, 60, 3)
    u, v, size = _placed(chance, RADIUS)
    distance = np.empty_like(u)
    for label, shape in enumerate(SHAPES):
        own = slice(label, None, len(SHAPES))
        distance[own] = shape(u[own], v[own])
    direction = chance.uniform(-1, 1, 3)
    direction /= np.abs(direction).max(axis=1, keepdims=True)
    image += _cover(distance, size) * (direction * chance.uniform(*CONTRAST))
    image += NOISE * random.standard_normal(image.shape, dtype=np.float32)
    return np.clip(image, 0, 255).astype(np.uint8).transpose(0, 2, 3, 1)


def _ground(chance: RandomDraws) -> Floats:
    """float32 [CHUNK, 3, 32, 32]: a colour that fades into another one in some direction."""
    along: Floats = np.linspace(-1, 1, SIDE, dtype=np.float32)
    slope: Floats = chance.uniform(-1, 1) * along[:, None] + chance.uniform(-1, 1) * along
    return chance.uniform(60, 195, 3) + slope * chance.uniform(-45, 45, 3)


def _placed(chance: RandomDraws, radius: tuple[float, float]) -> tuple[Floats, Floats, Floats]:
    """Coordinates u, v [CHUNK, 1, 32, 32] in which a shape of radius 1 lies anywhere, at any angle; and its pixels."""
    size = chance.uniform(*radius)
    angle = chance.uniform(0, 2 * np.pi)
    room = SIDE / 2 - size
    middle = np.float32(SIDE / 2 - 0.5)
    along = np.arange(SIDE, dtype=np.float32)
    y = (along[:, None] - middle - chance.uniform(-1, 1) * room) / size
    x = (along - middle - chance.uniform(-1, 1) * room) / size
    cos, sin = np.cos(angle), np.sin(angle)
    return cos * x - sin * y, sin * x + cos * y, size


def _cover(distance: Floats, size: Floats) -> Floats:
    """Return the share of each pixel that a shape covers, 0 to 1, from its signed distance (negative inside)."""
    cover: Floats = np.clip(0.5 - distance * size, 0, 1)
    return cover


def _disc(u: Floats, v: Floats) -> Floats:
    return np.hypot(u, v) - np.float32(0.9)


def _ring(u: Floats, v: Floats) -> Floats:
    return np.abs(np.hypot(u, v) - 0.72) - np.float32(0.18)


def _square(u: Floats, v: Floats) -> Floats:
    return np.maximum(np.abs(u), np.abs(v)) - np.float32(0.75)


def _frame(u: Floats, v: Floats) -> Floats:
    return np.abs(np.maximum(np.abs(u), np.abs(v)) - 0.6) - np.float32(0.16)


def _triangle(u: Floats, v: Floats) -> Floats:
    return np.maximum(-v, 0.5 * v + 0.866 * np.abs(u)) - np.float32(0.5)


def _cross(u: Floats, v: Floats) -> Floats:
    across, along = np.minimum(np.abs(u), np.abs(v)), np.maximum(np.abs(u), np.abs(v))
    return np.maximum(across - 0.26, along - np.float32(0.9))


def _star(u: Floats, v: Floats) -> Floats:
    """Five points: every tenth of a turn is a mirror, so one edge, from a point (1, 0) to a notch, makes all."""
    tenth = np.float32(np.pi / 5)
    angle = np.arctan2(v, u)
    turned = np.abs(angle - 2 * tenth * np.rint(angle / (2 * tenth)))
    radius = np.hypot(u, v)
    notch = 0.45 * np.cos(tenth) - 1, 0.45 * np.sin(tenth)
    across: Floats = (radius * np.cos(turned) - 1) * notch[1] - radius * np.sin(turned) * notch[0]
    return across / np.float32(np.hypot(*notch))


def _bars(u: Floats) -> Floats:
    """Bars of width 0.3 and as much between them, without end."""
    from_middle: Floats = np.abs(u - 0.6 * np.rint(u / 0.6))
    return from_middle - np.float32(0.15)


def _stripes(u: Floats, v: Floats) -> Floats:
    return np.maximum(_disc(u, v), _bars(u))


def _checker(u: Floats, v: Floats) -> Floats:
    across, along = _bars(u), _bars(v)
    fields: Floats = np.sign(across * along) * np.minimum(np.abs(across), np.abs(along))
    return np.maximum(_square(u, v), fields)


def _crescent(u: Floats, v: Floats) -> Floats:
    bitten: Floats = np.maximum(_disc(u, v), 0.7 - np.hypot(u - 0.42, v))
    return bitten


SHAPES = (_disc, _ring, _square, _frame, _triangle, _cross, _star, _stripes, _checker, _crescent)
"""Signed distances to the shapes, in class order; negative inside, for a shape of radius about 1."""
