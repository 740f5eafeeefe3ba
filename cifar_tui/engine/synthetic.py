"""Draws a data set of ten shapes, for trying everything without CIFAR-10. Always called synthetic."""

import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from cifar_tui.engine.data import SIDE, DataSet, Report, Split
from cifar_tui.events import Progressed

CLASSES = ("disc", "ring", "square", "frame", "triangle", "cross", "star", "stripes", "checker", "crescent")
TRAIN_IMAGES = 10_000
TEST_IMAGES = 2_000
SEED = 20_090_408
"""One fixed data set, whatever a run's own seed is."""
CHUNK = 500
"""Pictures drawn at once."""
NOISE = 20.0
"""Standard deviation of the grain, in grey levels of 255."""
CONTRAST = (40.0, 100.0)
"""How far a shape's colour is from its ground, in grey levels."""
RADIUS = (4.5, 11.0)
"""Half a shape's size, in pixels."""
CLUTTER = 3
"""Small spots and strokes that mean nothing, in every picture."""

Floats = npt.NDArray[np.float32]


def draw_pictures(report: Report) -> DataSet:
    """The whole data set: 10,000 to train on and 2,000 to test on, the same every time."""
    started = time.monotonic()
    total = TRAIN_IMAGES + TEST_IMAGES
    labels = np.arange(total, dtype=np.int64) % len(CLASSES)
    pixels = np.empty((total, SIDE, SIDE, 3), dtype=np.uint8)
    for start in range(0, total, CHUNK):
        report(Progressed("Drawing synthetic pictures", start, total, "images", time.monotonic() - started))
        part = slice(start, start + CHUNK)
        pixels[part] = _draw(labels[part], np.random.default_rng((SEED, start)))
    report(Progressed("Drawing synthetic pictures", total, total, "images", time.monotonic() - started))
    return DataSet(
        description="synthetic pictures",
        synthetic=True,
        classes=CLASSES,
        train=Split(pixels[:TRAIN_IMAGES], labels[:TRAIN_IMAGES]),
        test=Split(pixels[TRAIN_IMAGES:], labels[TRAIN_IMAGES:]),
    )


def _draw(labels: npt.NDArray[np.int64], random: np.random.Generator) -> npt.NDArray[np.uint8]:
    """uint8 [N, 32, 32, 3] with the shape of its label in every picture."""
    count = len(labels)

    def between(low: float, high: float, *shape: int) -> Floats:
        return random.uniform(low, high, (count, *shape)).astype(np.float32)

    ground = _ground(between)
    for _ in range(CLUTTER):
        spot = _inside(np.full(count, random.integers(0, 2)), *_placed(between, (1.0, 2.5)))
        ground += spot[..., None] * between(-60, 60, 1, 1, 3)
    shape = _inside(labels, *_placed(between, RADIUS))
    direction = random.normal(size=(count, 1, 1, 3)).astype(np.float32)
    direction /= np.abs(direction).max(axis=-1, keepdims=True)
    picture = ground + shape[..., None] * direction * between(*CONTRAST, 1, 1, 1)
    picture += random.normal(0, NOISE, picture.shape).astype(np.float32)
    return np.clip(picture, 0, 255).astype(np.uint8)


def _ground(between: Callable[..., Floats]) -> Floats:
    """float32 [N, 32, 32, 3]: a colour that fades into another one in some direction."""
    rows, columns = np.meshgrid(np.linspace(-1, 1, SIDE), np.linspace(-1, 1, SIDE), indexing="ij")
    slope = between(-1, 1, 1, 1) * rows.astype(np.float32) + between(-1, 1, 1, 1) * columns.astype(np.float32)
    return between(60, 195, 1, 1, 3) + slope[..., None] * between(-45, 45, 1, 1, 3)


def _placed(between: Callable[..., Floats], radius: tuple[float, float]) -> tuple[Floats, Floats]:
    """Coordinates u, v [N, 32, 32] in which a shape of radius 1 lies anywhere, at any size and angle."""
    size = between(*radius, 1, 1)
    angle = between(0, 2 * np.pi, 1, 1)
    room = SIDE / 2 - size
    row = SIDE / 2 - 0.5 + between(-1, 1, 1, 1) * room
    column = SIDE / 2 - 0.5 + between(-1, 1, 1, 1) * room
    y = (np.arange(SIDE, dtype=np.float32)[:, None] - row) / size
    x = (np.arange(SIDE, dtype=np.float32)[None, :] - column) / size
    return np.cos(angle) * x - np.sin(angle) * y, np.sin(angle) * x + np.cos(angle) * y


def _inside(labels: npt.NDArray[np.int64], u: Floats, v: Floats) -> Floats:
    """float32 [N, 32, 32]: 1 inside the shape of each label, 0 outside."""
    distance = np.hypot(u, v)
    corner = np.maximum(np.abs(u), np.abs(v))
    disc, square = distance < 0.9, corner < 0.75
    thin = np.minimum(np.abs(u), np.abs(v))
    shapes = (
        disc,
        disc & (distance > 0.55),
        square,
        square & (corner > 0.42),
        (v > -0.5) & (v + 1.732 * np.abs(u) < 1.0),
        (corner < 0.9) & (thin < 0.28),
        distance < 0.62 + 0.38 * np.cos(5 * np.arctan2(v, u)),
        disc & (np.sin(8.0 * u) > 0),
        square & (np.sin(6.0 * u) * np.sin(6.0 * v) > 0),
        disc & (np.hypot(u - 0.45, v) > 0.7),
    )
    return np.stack(shapes)[labels, np.arange(len(labels))].astype(np.float32)
