"""Screens become pictures that any browser shows: all text, in its place, and nothing from elsewhere."""

import base64
import io
import re
from collections.abc import Sequence
from xml.etree import ElementTree

import pyte
import pytest
from PIL import Image, ImageFont
from terminal_pictures import CELL_HEIGHT, CELL_WIDTH, Frame, Row, animated_svg, rows_of, svg
from terminal_png import PNG_CELL, PNG_FONTS, png

NAMESPACE = "{http://www.w3.org/2000/svg}"


def screen(*lines: str, columns: int = 30) -> tuple[Row, ...]:
    emulated = pyte.Screen(columns, len(lines))
    pyte.Stream(emulated).feed("\r\n".join(lines))
    return rows_of(emulated)


def elements(picture: str, name: str) -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(picture).iter(NAMESPACE + name))


def text_of(picture: str) -> list[str]:
    return [element.text or "" for element in elements(picture, "text")]


def test_text_stands_in_its_columns() -> None:
    picture = svg(screen("", "  loss 1.4415   a < b & c"), "One & two")
    assert text_of(picture) == ["loss 1.4415", "a < b & c"]
    first, second = elements(picture, "text")
    assert (first.get("x"), first.get("textLength")) == (str(2 * CELL_WIDTH), str(11 * CELL_WIDTH))
    assert second.get("x") == str(16 * CELL_WIDTH)
    assert elements(picture, "title")[0].text == "One & two"


def test_a_style_is_kept() -> None:
    picture = svg(screen("plain \x1b[1;38;2;255;0;16mbold red\x1b[0m", "\x1b[48;2;0;0;255m  \x1b[0m"), "")
    plain, red = (element.get("class") for element in elements(picture, "text"))
    css = elements(picture, "style")[0].text or ""
    assert re.search(rf"\.{red}{{fill:#ff0010;color:#ff0010;font-weight:700}}", css)
    assert re.search(rf"\.{plain}{{fill:#cccccc;color:#cccccc}}", css)
    assert [element.get("width") for element in elements(picture, "rect") if element.get("fill") == "#0000ff"] == ["16"]


def test_reversed_cells_change_their_colours() -> None:
    (row,) = screen("\x1b[7mon\x1b[0m off", columns=6)
    (on, reversed_style), (off, style) = row
    assert (on, off) == ("on", " off")
    assert (reversed_style.foreground, reversed_style.background) == (style.background, style.foreground)


def test_lines_and_braille_need_no_font() -> None:
    picture = svg(screen("╭───╮", "│⠁⣿ │", "╰━━╸╯"), "")
    assert not text_of(picture)
    paths = {element.get("class", "").split()[0]: element.get("d", "") for element in elements(picture, "path")}
    assert paths["dots"].count("h0") == 1 + 8
    assert paths["dots"].startswith(f"M{CELL_WIDTH + 2} 2h0")
    assert f"M{CELL_WIDTH} 8h{3 * CELL_WIDTH}" in picture  # one line, not three
    assert f"M{CELL_WIDTH} 8h{2 * CELL_WIDTH}M{3 * CELL_WIDTH} 8h4" in paths["thick"]


def test_half_blocks_become_pixels() -> None:
    picture = svg(screen("x \x1b[38;2;255;0;0;48;2;0;0;255m▀▀\x1b[0m"), "")
    (image,) = elements(picture, "image")
    assert (image.get("x"), image.get("width")) == (str(2 * CELL_WIDTH), str(2 * CELL_WIDTH))
    pixels = Image.open(io.BytesIO(base64.b64decode(image.get("href", "").removeprefix("data:image/png;base64,"))))
    assert pixels.size == (2, 2)
    assert [pixels.getpixel((0, row)) for row in (0, 1)] == [(255, 0, 0), (0, 0, 255)]
    assert len(elements(picture, "rect")) == 1  # the screen's own


def shown_at(picture: str, row: int, seconds: float, total: float) -> list[str]:
    """The text of one row of an animated picture at a moment, as a browser would place it."""
    css = elements(picture, "style")[0].text or ""
    window = next(one for one in elements(picture, "svg") if one.get("y") == str(row * CELL_HEIGHT))
    (strip,) = window
    moves = re.search(rf"@keyframes k{row}{{(.*?}})}}", css)
    offset = 0
    for share, move in re.findall(r"([\d.]+)%{transform:translateY\((-?\d+)px\)}", moves.group(1) if moves else ""):
        if float(share) / 100 * total <= seconds + 0.01:
            offset = -int(move)
    wanted = f"translate(0,{offset})" if offset else None
    return [
        text.text or ""
        for content in strip
        if content.get("transform") == wanted
        for text in content.iter(NAMESPACE + "text")
    ]


def animation(screens: Sequence[tuple[Row, ...]]) -> str:
    return animated_svg([Frame(float(at), rows) for at, rows in enumerate(screens)], len(screens), "Moves")


def test_every_frame_is_shown_at_its_time() -> None:
    shown = ["one", "two", "one", "", "four"]
    picture = animation([screen("stays", text, "") for text in shown])
    for second, text in enumerate(shown):
        assert shown_at(picture, 0, second, 5) == ["stays"]
        assert shown_at(picture, 1, second, 5) == ([text] if text else [])


def test_a_row_that_comes_back_is_held_once() -> None:
    picture = animation([screen("stays", text) for text in ("one", "two", "one", "two")])
    assert sorted(text_of(picture)) == ["one", "stays", "two"]


def test_a_picture_that_does_not_move_shows_the_fullest_frame() -> None:
    picture = animation([screen("$"), screen("a full screen"), screen("$")])
    css = elements(picture, "style")[0].text or ""
    assert f".r0{{transform:translateY({-CELL_HEIGHT}px);animation:" in css


def test_nothing_is_run_or_fetched() -> None:
    picture = animation([screen("a"), screen("\x1b[38;2;1;2;3m▀\x1b[0m")])
    names = {element.tag.removeprefix(NAMESPACE) for element in ElementTree.fromstring(picture).iter()}
    assert names <= {"svg", "title", "style", "rect", "g", "path", "text", "image"}
    assert not re.findall(r"(?:https?:|url\(|@import|@font-face)", picture.replace("http://www.w3.org/2000/svg", ""))


def test_a_png_shows_the_cells() -> None:
    try:
        ImageFont.truetype(PNG_FONTS[0])
    except OSError:
        pytest.skip("DejaVu Sans Mono is not installed")
    picture = png(screen("\x1b[48;2;0;0;255m \x1b[0m⣿", columns=3))
    width, height = PNG_CELL
    assert picture.size == (3 * width, height)
    assert picture.getpixel((width // 2, height // 2)) == (0, 0, 255)
    assert picture.getpixel((width + 2, 2)) == (0xCC, 0xCC, 0xCC)
    assert picture.getpixel((2 * width + 2, 2)) == (0x0C, 0x0C, 0x0C)
