"""Terminal screens as PNG, to be looked at where there is no browser."""

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont
from terminal_pictures import BRAILLE, BRAILLE_DOTS, HALF_BLOCKS, UPPER_HALF, Row, Style, backgrounds, width_of

PNG_FONTS = ("DejaVuSansMono.ttf", "DejaVuSansMono-Bold.ttf")
PNG_FONT_SIZE, PNG_CELL, PNG_BASELINE = 16.4, (10, 19), 15


def png(rows: Sequence[Row]) -> Image.Image:
    """Return a screen as a picture of pixels. Raises OSError without the font DejaVu Sans Mono."""
    width, height = PNG_CELL
    fonts = [ImageFont.truetype(name, PNG_FONT_SIZE) for name in PNG_FONTS]
    picture = Image.new("RGB", (width_of(rows) * width, len(rows) * height))
    draw = ImageDraw.Draw(picture)
    for line, row in enumerate(rows):
        for column, length, colour in backgrounds(row):
            left, top = column * width, line * height
            if colour:
                draw.rectangle((left, top, left + length * width - 1, top + height - 1), fill=colour)
    for line, row in enumerate(rows):
        column = 0
        for text, style in row:
            for place, cell in enumerate(text, start=column):
                _draw_cell(draw, cell, (place * width, line * height), style, fonts[style.bold])
            column += len(text)
    return picture


def _draw_cell(
    draw: ImageDraw.ImageDraw, cell: str, at: tuple[int, int], style: Style, font: ImageFont.FreeTypeFont
) -> None:
    (x, y), (width, height), colour = at, PNG_CELL, style.foreground
    bits = ord(cell) - BRAILLE
    if 0 <= bits < 256:
        for bit, (across, down) in enumerate(BRAILLE_DOTS):
            if bits >> bit & 1:
                left, top = x + 1 + 5 * across, y + 1 + round(4.75 * down)
                draw.ellipse((left, top, left + 2, top + 2), fill=colour)
    elif cell in HALF_BLOCKS:
        above, below = (colour, style.background) if cell == UPPER_HALF else (style.background, colour)
        draw.rectangle((x, y, x + width - 1, y + height // 2 - 1), fill=above)
        draw.rectangle((x, y + height // 2, x + width - 1, y + height - 1), fill=below)
    elif cell.strip():
        draw.text((x, y + PNG_BASELINE), cell, fill=colour, font=font, anchor="ls")
    if style.underline:
        draw.line((x, y + height - 2, x + width - 1, y + height - 2), fill=colour)
