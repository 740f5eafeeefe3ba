"""Encoded updates make a terminal show exactly what Textual's own updates would."""

from collections.abc import Iterable

import pyte
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual._compositor import LayoutUpdate
from textual.geometry import Region
from textual.strip import Strip

from cifar_tui.tui.terminal.diff_renderer import DiffRenderer

COLUMNS, ROWS = 24, 4
CONSOLE = Console(color_system="256", force_terminal=True, legacy_windows=False)
STYLES = [
    None,
    Style.parse("red"),
    Style.parse("bold green on blue"),
    Style.parse("on color(17)"),
    Style.parse("italic #aabbcc on #010203"),
    Style.parse("reverse"),
]

segments = st.lists(
    st.tuples(st.text(alphabet="ab  ─⣿★日", max_size=9), st.sampled_from(STYLES)).map(lambda pair: Segment(*pair)),
    max_size=5,
)
updates = st.lists(
    st.tuples(st.integers(0, COLUMNS - 1), st.integers(0, ROWS - 1), st.lists(segments, min_size=1, max_size=3)),
    max_size=8,
)


def update(x: int, y: int, rows: list[list[Segment]]) -> LayoutUpdate:
    width = COLUMNS - x
    strips: list[Iterable[Strip]] = [[Strip(row).adjust_cell_length(width)] for row in rows[: ROWS - y]]
    return LayoutUpdate(strips, Region(x, y, width, len(strips)))


def seen(cell: pyte.screens.Char) -> bool:
    """Whether its foreground can be seen: a blank has none."""
    return bool(cell.data != " " or cell.reverse)


def shown(screen: pyte.Screen) -> list[list[tuple[object, ...]]]:
    return [
        [
            (cell.data, cell.fg if seen(cell) else "", cell.bg, cell.bold, cell.italics, cell.reverse)
            for cell in (screen.buffer[y][x] for x in range(COLUMNS))
        ]
        for y in range(ROWS)
    ]


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(updates)
def test_a_terminal_shows_the_same_either_way(script: list[tuple[int, int, list[list[Segment]]]]) -> None:
    renderer = DiffRenderer()
    diffed, full = pyte.Screen(COLUMNS, ROWS), pyte.Screen(COLUMNS, ROWS)
    diff_stream, full_stream = pyte.Stream(diffed), pyte.Stream(full)
    blank = update(0, 0, [[Segment(" " * COLUMNS)]] * ROWS)
    for one in [blank, *(update(*parts) for parts in script)]:
        diff_stream.feed(renderer.encode(one, CONSOLE, (COLUMNS, ROWS)))
        # A line feed at the end of a row moves on; a terminal's own newline handling is not what is tested here.
        for y, strips in enumerate(one.strips, start=one.region.y):
            full_stream.feed(f"\x1b[{y + 1};{one.region.x + 1}H" + "".join(strip.render(CONSOLE) for strip in strips))
        assert shown(diffed) == shown(full)


def sent(
    renderer: DiffRenderer, words: str, style: Style | None = None, size: tuple[int, int] = (COLUMNS, ROWS)
) -> str:
    strip = Strip([Segment(words.ljust(COLUMNS), style)])
    return renderer.encode(LayoutUpdate([[strip]], Region(0, 1, COLUMNS, 1)), CONSOLE, size)


def test_only_what_changed_is_sent() -> None:
    renderer = DiffRenderer()
    assert sent(renderer, "step 1,234 of 80,000") == "\x1b[2;1Hstep 1,234 of 80,000    "
    assert sent(renderer, "step 1,234 of 80,000") == ""
    assert sent(renderer, "step 1,239 of 80,000") == "\x1b[2;10H9"
    assert sent(renderer, "Step 1,239 of 80,001") == "\x1b[2;1HS\x1b[18C1"


def test_a_colour_is_set_once_for_all_cells_that_have_it() -> None:
    renderer = DiffRenderer()
    red = Style.parse("red")
    assert sent(renderer, "ab", red) == "\x1b[31m\x1b[2;1Hab" + " " * 22 + "\x1b[0m"
    assert sent(renderer, "xy", red) == "\x1b[31m\x1b[2;1Hxy\x1b[0m"


def test_after_a_resize_or_on_request_everything_is_sent_again() -> None:
    renderer = DiffRenderer()
    first = sent(renderer, "words")
    assert sent(renderer, "words", size=(COLUMNS, ROWS + 1)) == first
    assert sent(renderer, "words", size=(COLUMNS, ROWS + 1)) == ""
    renderer.forget()
    assert sent(renderer, "words", size=(COLUMNS, ROWS + 1)) == first


def test_both_halves_of_a_wide_character_are_sent() -> None:
    renderer = DiffRenderer()
    sent(renderer, "中文ab")
    screen = pyte.Screen(COLUMNS, ROWS)
    stream = pyte.Stream(screen)
    stream.feed("\x1b[2;1H中文ab")
    stream.feed(sent(renderer, "中x ab"))
    assert screen.display[1].startswith("中x ab")
