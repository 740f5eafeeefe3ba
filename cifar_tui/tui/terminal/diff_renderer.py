"""Sends the terminal only the cells that differ from what it shows, with as few colour changes as they need.

Textual sends all of a changed region, each stretch with its full style and a reset. Over a slow link that is most of
the traffic, so updates are compared, cell by cell, with what was sent before.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import repeat
from typing import NamedTuple

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.strip import Strip

MAX_STYLES = 4_096
NARROW = re.compile("[\u0020-\u007e\u00a0-\u00ac\u00ae-\u02ff\u2500-\u25fc\u2800-\u28ff]*").fullmatch
"""Matches text of characters of one cell each: Latin, lines, blocks and braille. Other text is looked at closer."""


class CellStyle(NamedTuple):
    """Style of a cell, as parameters of the terminal's SGR sequence; each empty for the terminal's own."""

    attributes: str = ""
    """Bold, dim, italic and the like."""
    foreground: str = ""
    background: str = ""

    def after(self, before: "CellStyle") -> str:
        """Return the sequence that changes the style `before` into this one; empty where they are equal."""
        if self == before:
            return ""
        dropped = (
            self.attributes != before.attributes
            or (before.foreground and not self.foreground)
            or (before.background and not self.background)
        )
        if dropped:
            parts = ["0", self.attributes, self.foreground, self.background]
        else:
            parts = [
                self.foreground if self.foreground != before.foreground else "",
                self.background if self.background != before.background else "",
            ]
        return f"\x1b[{';'.join(part for part in parts if part)}m"


Cell = tuple[str, CellStyle]
"""A character, empty in the second cell of a wide one, and its style."""
Run = tuple[int, int, int]
"""Row, first column, and the column after the last, of cells in one style."""
PLAIN = CellStyle()
BLANK: Cell = (" ", PLAIN)


class DiffRenderer:
    """Holds the cells that the terminal shows, and encodes what changes in them."""

    def __init__(self) -> None:
        self._shown: dict[int, list[Cell | None]] = {}
        self._size = (0, 0)
        self._known_styles: dict[Style | None, CellStyle] = {None: PLAIN}

    def forget(self) -> None:
        """Forget what the terminal shows, so that all of the next update is sent."""
        self._shown = {}

    def encode(self, update: CompositorUpdate, console: Console, size: tuple[int, int]) -> str:
        """Return what to write so that a terminal of `size` (columns, rows) shows the update."""
        if size != self._size:
            self._size = size
            self.forget()
        changed: defaultdict[CellStyle, list[Run]] = defaultdict(list)
        for y, x, strip in _stretches(update):
            if 0 <= y < size[1]:
                self._note_changes(changed, y, x, strip, console)
        output: list[str] = []
        style = PLAIN
        # A colour costs more bytes than a move of the cursor: each is set once, for all of its cells.
        for following in sorted(changed, key=_order):
            output.append(following.after(style))
            style = following
            self._write(output, style, changed[style])
        if style != PLAIN:
            output.append("\x1b[0m")
        return "".join(output)

    def _note_changes(
        self, changed: "defaultdict[CellStyle, list[Run]]", y: int, x: int, strip: Strip, console: Console
    ) -> None:
        """Add what changes in one stretch of a row to the runs of each style."""
        shown = self._shown.setdefault(y, [None] * self._size[0])
        cells = self._cells_of(strip, console)[: max(self._size[0] - x, 0)]
        before = shown[x : x + len(cells)]
        if before == cells:
            return
        _forget_halves(shown, x, before, cells)
        shown[x : x + len(cells)] = cells
        style, start = PLAIN, -1
        for column, (old, cell) in enumerate(zip(before, cells, strict=True), start=x):
            is_new = old != cell
            if start >= 0:
                if is_new and (cell[1] is style or _looks_the_same(cell, style)):
                    continue
                changed[style].append((y, start, column))
                start = -1
            if is_new and cell[0]:  # an empty one is sent with the wide character before it
                style = style if _looks_the_same(cell, style) else cell[1]
                start = column
        if start >= 0:
            changed[style].append((y, start, x + len(cells)))

    def _write(self, output: list[str], style: CellStyle, runs: list[Run]) -> None:
        """Append the cells of some runs, and the moves of the cursor from one to the next."""
        at = (-1, -1)
        for y, start, end in runs:
            shown = self._shown[y]
            if at[0] != y:
                output.append(f"\x1b[{y + 1};{start + 1}H")
            elif at[1] < start:
                output.append(_way(shown[at[1] : start], style))
            output.extend([(cell or BLANK)[0] for cell in shown[start:end]])
            at = (y, end + _is_wide(shown, end - 1))

    def _cells_of(self, strip: Strip, console: Console) -> list[Cell]:
        cells: list[Cell] = []
        for text, rich_style, control in strip:
            if control:
                continue
            style = self._cell_style(rich_style, console)
            if text.isascii() or NARROW(text):
                cells += zip(text, repeat(style))
                continue
            for character in text:
                width = cell_len(character)
                if width == 0 and cells:
                    cells[-1] = (cells[-1][0] + character, style)
                    continue
                cells.append((character, style))
                if width == 2:
                    cells.append(("", style))
        return cells

    def _cell_style(self, rich_style: Style | None, console: Console) -> CellStyle:
        known = self._known_styles.get(rich_style)
        if known is not None:
            return known
        if len(self._known_styles) >= MAX_STYLES:
            self._known_styles = {None: PLAIN}
        rendered = Strip([Segment("x", rich_style)]).render(console)
        start = rendered.find("\x1b[")
        codes = rendered[start + 2 : rendered.index("m", start)] if 0 <= start < rendered.index("x") else ""
        style = self._known_styles[rich_style] = _parsed(codes)
        return style


def _forget_halves(shown: list[Cell | None], x: int, before: list[Cell | None], cells: list[Cell]) -> None:
    """Have both halves of a wide character sent again where one of them is written on.

    Writing on one half blanks the other, in a way that differs between terminals.
    """
    for place, old in enumerate(before):
        if old is not None and not old[0]:
            if place and before[place - 1] != cells[place - 1]:
                before[place] = None
            elif not place and x and old != cells[0]:
                shown[x - 1] = None
    if _is_wide(shown, x + len(cells) - 1) and before[-1] != cells[-1]:
        shown[x + len(cells)] = None


def _is_wide(row: Sequence[Cell | None], column: int) -> bool:
    """Return True where a character takes the next cell, too, which is empty then."""
    return column + 1 < len(row) and (following := row[column + 1]) is not None and not following[0]


def _order(style: CellStyle) -> tuple[str, str, str]:
    """Put styles in an order in which most differ from the one before by their foreground alone."""
    return style.attributes, style.background, style.foreground


def _way(gap: Sequence[Cell | None], style: CellStyle) -> str:
    """Return what takes the cursor over cells that stay: the same again where that is as short as a jump."""
    jump = f"\x1b[{len(gap)}C"
    if len(gap) <= len(jump) and all(one and one[0] and _looks_the_same(one, style) for one in gap):
        again = "".join(one[0] for one in gap if one)
        if len(again.encode()) <= len(jump):
            return again
    return jump


def _looks_the_same(cell: Cell, style: CellStyle) -> bool:
    """Return True where a cell looks the same in another style: a blank shows its background alone."""
    return cell[1] == style or (
        cell[0] == " " and not (cell[1].attributes or style.attributes) and cell[1].background == style.background
    )


def _parsed(codes: str) -> CellStyle:
    """An SGR sequence's parameters, sorted into what they set."""
    parts = codes.split(";") if codes else []
    attributes, foreground, background = [], "", ""
    while parts:
        code = parts.pop(0)
        if code in ("38", "48"):
            count = 2 if parts and parts[0] == "5" else 4
            parameter = ";".join([code, *parts[:count]])
            parts = parts[count:]
        else:
            parameter = code
        number = int(code)
        if number == 38 or 30 <= number <= 37 or 90 <= number <= 97:
            foreground = parameter
        elif number == 48 or 40 <= number <= 47 or 100 <= number <= 107:
            background = parameter
        elif number not in (39, 49):
            attributes.append(parameter)
    return CellStyle(";".join(attributes), foreground, background)


def _stretches(update: CompositorUpdate) -> Iterator[tuple[int, int, Strip]]:
    """Yield the stretches of an update: row, first column, cells."""
    if isinstance(update, LayoutUpdate):
        for y, strips in enumerate(update.strips, start=update.region.y):
            x = update.region.x
            for strip in strips:
                yield y, x, strip
                x += strip.cell_length
    elif isinstance(update, ChopsUpdate):
        for y, x1, x2 in update.spans:
            for end, (x, chop) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
                if chop is not None and x <= x2 and end > x1:
                    yield y, x, chop.crop(0, min(end, x2) - x)


class EncodedUpdate(CompositorUpdate):
    """An update that the renderer has encoded."""

    def __init__(self, encoded: str) -> None:
        self._encoded = encoded

    def render_segments(self, console: Console) -> str:  # noqa: ARG002 - textual's own signature
        """Return what is written to the terminal."""
        return self._encoded

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the same for rich."""
        yield Segment(self._encoded)
