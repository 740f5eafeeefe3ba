"""A widget of styled text rows that sends only the rows that changed to the terminal."""

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from cifar_tui.text import shortened
from cifar_tui.tui.terminal.lazy_styles import LazyStyles

Span = tuple[str, str]
"""Text and the name of its style: a class of the stylesheet without `rows--`; empty for plain text."""
Row = tuple[Span, ...]


class Rows(Widget):
    """Shows rows of spans. What does not fit the width is cut, never wrapped."""

    class Outdated(Message):
        """The widget has to be shown again without a new event: its size has changed."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - textual's own name
        """Start without rows."""
        self._lazy_styles = LazyStyles(self)
        super().__init__(id=id, classes=classes)
        self._rows: list[Row] = []

    def set_rows(self, rows: list[Row]) -> None:
        """Show these rows, and repaint only those that differ."""
        before, self._rows = self._rows, rows
        changed = [
            Region(0, y, self.size.width, 1)
            for y in range(max(len(before), len(rows)))
            if y >= len(before) or y >= len(rows) or before[y] != rows[y]
        ]
        if changed and self.size.width:
            self.refresh(*changed)

    def on_resize(self) -> None:
        """Ask to be shown again in the new size."""
        self.post_message(self.Outdated())

    def render_line(self, y: int) -> Strip:
        """Return one row of the content area."""
        width = self.size.width
        background = self._style("")
        if y >= len(self._rows):
            return Strip.blank(width, background)
        segments = [Segment(text, self._style(name)) for text, name in self._rows[y]]
        return Strip(segments).adjust_cell_length(width, background)

    def notify_style_update(self) -> None:
        """Forget the resolved styles when the theme or a class changes."""
        super().notify_style_update()
        self._lazy_styles.forget()

    def _style(self, name: str) -> Style:
        return self._lazy_styles.style(self._component(name) if name else "")

    def _component(self, name: str) -> str:
        return f"rows--{name}"


def bar(share: float, width: int) -> Row:
    """Return a progress bar of so many cells for a share of 0 to 1, in half cells."""
    halves = round(min(max(share, 0.0), 1.0) * width * 2)
    full, half = divmod(halves, 2)
    done = "━" * full + "╸" * half
    return (done, "bar"), ("─" * (width - full - half), "bar-rest")


def cut(text: str, width: int) -> str:
    """Return the text in at most so many cells, with `…` where some is left out; wide characters take two cells."""
    if cell_len(text) <= width:
        return text
    return f"{set_cell_size(text, width - 1).rstrip()}…" if width > 0 else ""


def cut_middle(text: str, width: int) -> str:
    """Return the text in at most so many cells, with `…` in its middle where some is left out."""
    if cell_len(text) <= width:
        return text
    limit = min(len(text), width)
    while limit > 1 and cell_len(shortened(text, limit)) > width:
        limit -= 1
    return shortened(text, limit)


def cells_of(*pieces: Row) -> int:
    """Return the cells that pieces take, without gaps."""
    return sum(cell_len(text) for piece in pieces for text, _ in piece)


def fitted(pieces: list[Row], width: int, gap: str = "   ") -> Row:
    """Return as many pieces as fit the width, in order of importance; none is cut."""
    spans: list[Span] = []
    used = 0
    for piece in pieces:
        needed = cells_of(piece) + (len(gap) if spans else 0)
        if used + needed > width:
            continue
        if spans:
            spans.append((gap, ""))
        spans.extend(piece)
        used += needed
    return tuple(spans)
