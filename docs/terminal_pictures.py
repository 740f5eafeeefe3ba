"""Terminal screens as pictures: SVG that needs no script and no font from elsewhere, still or animated."""

import base64
import io
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import NamedTuple, Protocol

from PIL import Image

CELL_WIDTH, CELL_HEIGHT = 8, 16
"""A cell in the units of the SVG."""
FONT_SIZE, BASELINE = 13.3, 12.4
FONTS = "ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace"
DEFAULT_FOREGROUND, DEFAULT_BACKGROUND = "#cccccc", "#0c0c0c"
NAMED_COLOURS = {
    "black": "#0c0c0c", "red": "#cd3131", "green": "#0dbc79", "brown": "#e5e510", "blue": "#3b8eea",
    "magenta": "#bc3fbc", "cyan": "#11a8cd", "white": "#cccccc",
    "brightblack": "#767676", "brightred": "#f14c4c", "brightgreen": "#23d18b", "brightbrown": "#f5f543",
    "brightblue": "#61a8ff", "brightmagenta": "#d670d6", "brightcyan": "#29b8db", "brightwhite": "#f2f2f2",
    "bfightmagenta": "#d670d6",  # as pyte spells it
}  # fmt: skip
"""The sixteen colours of a terminal, by pyte's names."""
UPPER_HALF, LOWER_HALF = "▀", "▄"
HALF_BLOCKS = (UPPER_HALF, LOWER_HALF)
BRAILLE_DOTS = ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3))
"""Column and row of each of the eight dots, by the bits of a braille character."""
BRAILLE = 0x2800
STROKES = {
    "─": ("thin", "M{x} 8h8"), "│": ("thin", "M{m} 0v16"), "╭": ("thin", "M{m} 16v-4q0-4 4-4"),
    "╮": ("thin", "M{x} 8q4 0 4 4v4"), "╰": ("thin", "M{m} 0v4q0 4 4 4"), "╯": ("thin", "M{x} 8q4 0 4-4v-4"),
    "━": ("thick", "M{x} 8h8"), "╸": ("thick", "M{x} 8h4"), "╺": ("thick", "M{m} 8h4"), "┃": ("thick", "M{m} 0v16"),
}  # fmt: skip
"""Line characters as paths, which meet without a gap in every browser; x is a cell's left, m its middle."""


class Style(NamedTuple):
    """The looks of a cell."""

    foreground: str = DEFAULT_FOREGROUND
    background: str = DEFAULT_BACKGROUND
    bold: bool = False
    italic: bool = False
    underline: bool = False


class EmulatedCell(Protocol):
    """A cell of pyte's screen."""

    data: str
    fg: str
    bg: str
    bold: bool
    italics: bool
    underscore: bool
    reverse: bool


class EmulatedScreen(Protocol):
    """The part of pyte's screen that is read."""

    columns: int
    lines: int
    buffer: dict[int, dict[int, EmulatedCell]]


Run = tuple[str, Style]
Row = tuple[Run, ...]
"""Runs of cells of one style, from left to right."""


def rows_of(screen: EmulatedScreen) -> tuple[Row, ...]:
    """Return the rows of an emulated screen."""
    return tuple(_row(screen.buffer[line], screen.columns) for line in range(screen.lines))


def _row(cells: dict[int, EmulatedCell], columns: int) -> Row:
    styled = [(cells[column].data, _style(cells[column])) for column in range(columns)]
    groups = itertools.groupby(styled, key=lambda cell: cell[1])
    return tuple(("".join(text for text, _ in group), style) for style, group in groups)


def _style(cell: EmulatedCell) -> Style:
    foreground, background = _colour(cell.fg, DEFAULT_FOREGROUND), _colour(cell.bg, DEFAULT_BACKGROUND)
    if cell.reverse:
        foreground, background = background, foreground
    return Style(foreground, background, cell.bold, cell.italics, cell.underscore)


def _colour(name: str, default: str) -> str:
    if name == "default":
        return default
    return NAMED_COLOURS.get(name) or f"#{name}"


@dataclass
class StyleSheet:
    """The classes of an SVG's text, by the style they stand for."""

    base: str
    """The background of the whole picture."""
    names: dict[tuple[str, bool, bool, bool], str] = field(default_factory=dict)

    def name(self, style: Style) -> str:
        """Return the class of a style."""
        look = (style.foreground, style.bold, style.italic, style.underline)
        return self.names.setdefault(look, f"c{len(self.names)}")

    def css(self) -> str:
        """Return the classes as CSS."""
        return "".join(f".{name}{{{self._declarations(*look)}}}" for look, name in self.names.items())

    def _declarations(self, colour: str, bold: bool, italic: bool, underline: bool) -> str:
        marks = (("font-weight:700", bold), ("font-style:italic", italic), ("text-decoration:underline", underline))
        return ";".join([f"fill:{colour};color:{colour}", *(mark for mark, wanted in marks if wanted)])


def most_common_background(screens: Sequence[Sequence[Row]]) -> str:
    """Return the background of most cells."""
    counts: dict[str, int] = {}
    for text, style in itertools.chain.from_iterable(row for rows in screens for row in rows):
        counts[style.background] = counts.get(style.background, 0) + len(text)
    return max(counts, key=lambda colour: counts[colour], default=DEFAULT_BACKGROUND)


def svg_row(row: Row, sheet: StyleSheet) -> str:
    """Return one row as SVG, its top at 0: backgrounds, half blocks as pixels, lines and dots as paths, text."""
    below = [_rectangle(*stretch) for stretch in backgrounds(row) if stretch[2] not in (sheet.base, "")]
    strokes: dict[tuple[str, str], list[str]] = {}
    texts: list[str] = []
    column = 0
    for half_blocks, group in itertools.groupby(row, key=_is_pixels):
        runs = list(group)
        if half_blocks:
            below.append(_pixels(runs, column))
        for text, style in runs:
            if not half_blocks:
                _add_characters(text, column, sheet.name(style), strokes, texts)
            column += len(text)
    paths = (f'<path class="{kind} {name}" d="{"".join(parts)}"/>' for (kind, name), parts in strokes.items())
    return "".join([*below, *paths, *texts])


def _is_pixels(run: Run) -> bool:
    return set(run[0]) <= set(HALF_BLOCKS)


def backgrounds(row: Row) -> Iterator[tuple[int, int, str]]:
    """Yield the first column, the length and the colour of every stretch of one background; "" below half blocks."""
    column = 0
    for colour, group in itertools.groupby(row, key=lambda run: "" if _is_pixels(run) else run[1].background):
        length = sum(len(text) for text, _ in group)
        yield column, length, colour
        column += length


def _rectangle(column: int, length: int, colour: str) -> str:
    place = f'x="{column * CELL_WIDTH}" width="{length * CELL_WIDTH}"'
    return f'<rect {place} height="{CELL_HEIGHT}" fill="{colour}"/>'


def _add_characters(
    text: str, column: int, name: str, strokes: dict[tuple[str, str], list[str]], texts: list[str]
) -> None:
    """Add what is drawn of a run in the class `name`."""
    words: list[str] = []
    for place, cell in enumerate(text, start=column):
        bits = ord(cell) - BRAILLE
        if 0 <= bits < 256:
            strokes.setdefault(("dots", name), []).append(_dots(bits, place))
        elif cell in STROKES:
            kind, path = STROKES[cell]
            parts = strokes.setdefault((kind, name), [])
            x = place * CELL_WIDTH
            if cell in "─━" and parts and parts[-1].startswith("M") and _ends_at(parts[-1]) == x:
                parts[-1] = _lengthened(parts[-1])
            else:
                parts.append(path.format(x=x, m=x + CELL_WIDTH // 2))
        else:
            words.append(cell)
            continue
        words.append(" ")
    for start, word in _words("".join(words)):
        texts.append(_text(word, column + start, name))


def _dots(bits: int, column: int) -> str:
    """Return the dots of a braille character as lines without length, which have round ends."""
    return "".join(
        f"M{column * CELL_WIDTH + 2 + 4 * x} {2 + 4 * y}h0"
        for bit, (x, y) in enumerate(BRAILLE_DOTS)
        if bits >> bit & 1
    )


def _ends_at(line: str) -> int:
    """Return the right end of a path `Mx 8hlength`; -1 of another one."""
    start, _, length = line.removeprefix("M").partition(" 8h")
    return int(start) + int(length) if length.isdigit() else -1


def _lengthened(line: str) -> str:
    start, _, length = line.partition("h")
    return f"{start}h{int(length) + CELL_WIDTH}"


def _words(text: str) -> Iterator[tuple[int, str]]:
    """Yield the stretches of a text between two or more spaces, with their places."""
    for found in re.finditer(r"\S+(?: \S+)*", text):
        yield found.start(), found.group()


def _text(text: str, column: int, name: str) -> str:
    length = f' textLength="{len(text) * CELL_WIDTH}"' if len(text) > 1 else ""
    return f'<text x="{column * CELL_WIDTH}" y="{BASELINE}" class="{name}"{length}>{escape(text, quote=False)}</text>'


def _pixels(runs: Sequence[Run], column: int) -> str:
    """Return half blocks as a picture of two rows of pixels."""
    width = sum(len(text) for text, _ in runs)
    upper, lower = [], []
    for text, style in runs:
        for cell in text:
            above, below = style.foreground, style.background
            if cell == LOWER_HALF:
                above, below = below, above
            upper.append(above)
            lower.append(below)
    picture = Image.frombytes("RGB", (width, 2), bytes.fromhex("".join([*upper, *lower]).replace("#", "")))
    content = io.BytesIO()
    picture.save(content, "PNG", optimize=True)
    data = base64.b64encode(content.getvalue()).decode()
    return (
        f'<image x="{column * CELL_WIDTH}" width="{width * CELL_WIDTH}" height="{CELL_HEIGHT}" '
        f'preserveAspectRatio="none" style="image-rendering:pixelated" href="data:image/png;base64,{data}"/>'
    )


def _document(size: tuple[int, int], title: str, css: str, base: str, body: str) -> str:
    width, height = size[0] * CELL_WIDTH + 16, size[1] * CELL_HEIGHT + 16
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-8 -8 {width} {height}" width="{width}">\n'
        f"<title>{escape(title)}</title>\n"
        f"<style>text{{font:{FONT_SIZE}px {FONTS}}}path{{stroke:currentColor;fill:none!important}}"
        f".dots{{stroke-width:3;stroke-linecap:round}}.thin{{stroke-width:1.2}}.thick{{stroke-width:2.6}}{css}</style>\n"
        f'<rect x="-8" y="-8" width="{width}" height="{height}" rx="8" fill="{base}"/>\n{body}\n</svg>\n'
    )


def svg(rows: Sequence[Row], title: str) -> str:
    """Return a screen as SVG."""
    sheet = StyleSheet(most_common_background([rows]))
    body = "\n".join(
        f'<g transform="translate(0,{CELL_HEIGHT * line})">{content}</g>'
        for line, content in enumerate(svg_row(row, sheet) for row in rows)
        if content
    )
    return _document((width_of(rows), len(rows)), title, sheet.css(), sheet.base, body)


def width_of(rows: Sequence[Row]) -> int:
    """Return the columns of a screen."""
    return max(sum(len(text) for text, _ in row) for row in rows)


@dataclass(frozen=True, slots=True)
class Frame:
    """A screen, and the time from which it is shown."""

    at: float
    """Seconds since the first frame."""
    rows: tuple[Row, ...]


def animated_svg(frames: Sequence[Frame], seconds: float, title: str) -> str:
    """Return frames as an SVG that plays them for so many seconds, again and again.

    Every row is a strip of all that it ever shows, each once; a strip moves behind a window of one row. The fullest
    frame is what is seen where nothing moves.
    """
    poster = max(range(len(frames)), key=lambda number: _filled(frames[number].rows))
    sheet = StyleSheet(most_common_background([frame.rows for frame in frames]))
    size = (width_of(frames[0].rows), len(frames[0].rows))
    css, body = [], []
    for line in range(size[1]):
        strip: dict[str, int] = {}
        contents = [svg_row(frame.rows[line], sheet) for frame in frames]
        places: list[tuple[float, int]] = []
        for frame, row in zip(frames, contents, strict=True):
            place = strip.setdefault(row, len(strip))
            if not places or places[-1][1] != place:
                places.append((frame.at, place))
        content = "".join(
            f'<g transform="translate(0,{CELL_HEIGHT * place})">{row}</g>' if place else f"<g>{row}</g>"
            for row, place in strip.items()
            if row
        )
        moves = "".join(f"{100 * at / seconds:.4g}%{{transform:translateY({-CELL_HEIGHT * place}px)}}"
                        for at, place in places)  # fmt: skip
        if len(places) > 1:
            still = f"transform:translateY({-CELL_HEIGHT * strip[contents[poster]]}px)"
            plays = f"animation:k{line} {seconds:.4g}s steps(1,end) infinite"
            css.append(f"@keyframes k{line}{{{moves}}}.r{line}{{{still};{plays}}}")
        if content:
            window = f'<svg y="{CELL_HEIGHT * line}" width="{size[0] * CELL_WIDTH}" height="{CELL_HEIGHT}">'
            body.append(f'{window}<g class="r{line}">{content}</g></svg>')
    calm = "@media(prefers-reduced-motion:reduce){g{animation:none!important}}"
    return _document(size, title, "".join([sheet.css(), *css, calm]), sheet.base, "\n".join(body))


def _filled(rows: Sequence[Row]) -> int:
    return sum(len(text) - text.count(" ") for row in rows for text, _ in row)
