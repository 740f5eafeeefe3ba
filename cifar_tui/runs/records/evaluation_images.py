"""Draws an evaluation as PNG images: the confusion matrix, and the images that were most wrong."""

import io
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

from cifar_tui.checkpoint_events import EvaluationDone
from cifar_tui.recipe import SIDE
from cifar_tui.text import safe_text

Drawn = tuple[bytes, tuple[int, int]]
"""A PNG, with its width and height in pixels."""

MATRIX_SIDE = 880
"""Pixels of a confusion matrix, about; of its cells at most `MOST_CELL`."""
MOST_CELL = 44
NAMES_FROM, COUNTS_FROM = 12, 26
"""Pixels of a cell from which on there is room for the classes' names, and for the counts."""
NAME_LENGTH = 16
LINE = 12
"""Pixels of a line of text."""
SCALE, COLUMNS, MOST_IMAGES, GAP = 3, 6, 24, 8
"""Wrong images: how many times they are enlarged, how many beside each other and in all, pixels between two."""
INK, PAPER, RIGHT, WRONG, FULL = (30, 30, 30), (255, 255, 255), (20, 110, 60), (180, 30, 30), (8, 60, 130)


def draw_confusion(done: EvaluationDone) -> Drawn:
    """Draw images by true class (rows) and predicted class (columns), coloured by the share of the true class."""
    classes = len(done.classes)
    cell = max(1, min(MOST_CELL, MATRIX_SIDE // classes))
    names = [_name(name) for name in done.classes] if cell >= NAMES_FROM else []
    font = ImageFont.load_default()
    margin = int(max((font.getlength(name) for name in names), default=0.0)) + 10
    top = margin + LINE
    side = cell * classes
    image = Image.new("RGB", (max(margin + side + 1, 260), top + side + 1), PAPER)
    draw = ImageDraw.Draw(image)
    draw.text((4, 2), "rows: true class, columns: predicted as", INK, font)
    of_class = [sum(done.row(label).values()) for label in range(classes)]
    for label, predicted, images in done.cells():
        left, upper = margin + predicted * cell, top + label * cell
        share = images / of_class[label]
        draw.rectangle((left, upper, left + cell - 1, upper + cell - 1), _shade(share))
        if cell >= COUNTS_FROM:
            ink = PAPER if share > 0.5 else INK
            draw.text((left + cell / 2, upper + cell / 2), str(images), ink, font, anchor="mm")
    for number, name in enumerate(names):
        middle = top + number * cell + cell / 2
        draw.text((margin - 5, middle), name, INK, font, anchor="rm")
        _draw_upwards(image, name, margin + number * cell + (cell - LINE) // 2, top - 4)
    return _png(image)


def draw_wrong_images(done: EvaluationDone, pixels: Sequence[bytes]) -> Drawn:
    """Draw the wrongest images, each over its true class and what it was predicted as.

    `pixels` are those of the first of `done.wrongest`, each uint8 [32, 32, 3].
    """
    wrong = list(zip(done.wrongest, pixels, strict=False))[:MOST_IMAGES]
    columns = min(COLUMNS, len(wrong))
    side = SIDE * SCALE
    width, height = side + GAP, side + 2 * LINE + GAP
    font = ImageFont.load_default()
    image = Image.new("RGB", (columns * width + GAP, -(-len(wrong) // columns) * height + GAP), PAPER)
    draw = ImageDraw.Draw(image)
    for place, (one, content) in enumerate(wrong):
        left, upper = GAP + place % columns * width, GAP + place // columns * height
        shown = Image.frombytes("RGB", (SIDE, SIDE), content).resize((side, side), Image.Resampling.NEAREST)
        image.paste(shown, (left, upper))
        draw.text((left, upper + side), _name(done.classes[one.label]), RIGHT, font)
        draw.text((left, upper + side + LINE), f"as {_name(done.classes[one.predicted])}", WRONG, font)
    return _png(image)


def _name(name: str) -> str:
    """Return a class's name in characters that the font has."""
    return safe_text(name, NAME_LENGTH).replace("…", ".").encode("latin-1", "replace").decode("latin-1")


def _shade(share: float) -> tuple[int, int, int]:
    red, green, blue = (round(light + (dark - light) * share**0.5) for light, dark in zip(PAPER, FULL, strict=True))
    return red, green, blue


def _draw_upwards(image: Image.Image, text: str, left: int, bottom: int) -> None:
    """Draw text that reads from below, above the matrix."""
    font = ImageFont.load_default()
    line = Image.new("RGB", (int(font.getlength(text)) + 2, LINE), PAPER)
    ImageDraw.Draw(line).text((0, 0), text, INK, font)
    turned = line.transpose(Image.Transpose.ROTATE_90)
    image.paste(turned, (left, bottom - turned.height))


def _png(image: Image.Image) -> Drawn:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue(), image.size
