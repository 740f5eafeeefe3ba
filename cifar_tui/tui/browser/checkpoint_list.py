"""The list of checkpoints, with a head and a cursor; it draws only the rows in view, however many there are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from cifar_tui.tui.browser.checkpoint_view import PIN_SIGN, Entry
from cifar_tui.tui.terminal.lazy_styles import LazyStyles
from cifar_tui.tui.widgets.rows import cut

WIDTHS = {"Epoch": 6, "Step": 7, "Acc %": 6, "Test %": 7, "Size": 7, "Saved": 10, PIN_SIGN: 2, "File": 12}
"""The columns, and the cells each needs, the sign in its head included; file names take what is left."""
LEFT = ("Saved", PIN_SIGN, "File")
"""Columns that begin at the left; numbers end at the right."""
LEAST_NEEDED = ("Saved", "Acc %", "Step", "Size", PIN_SIGN)
"""Columns that are left out, in this order, where there is no room."""
GAP = 1


class CheckpointList(ScrollView, can_focus=True):
    """Rows of checkpoints; the cursor stays on its checkpoint when rows come, go, or change places."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "Up", show=False),
        Binding("down", "move(1)", "Down", show=False),
        Binding("pageup", "move_page(-1)", "Page up", show=False),
        Binding("pagedown", "move_page(1)", "Page down", show=False),
        Binding("home", "move(-1000000)", "First", show=False),
        Binding("end", "move(1000000)", "Last", show=False),
        Binding("enter", "choose", "Choose", show=False),
    ]

    class Moved(Message):
        """Another checkpoint is under the cursor."""

    class Chosen(Message):
        """A person opens the checkpoint under the cursor."""

    @dataclass
    class HeadClicked(Message):
        """A person sorts by a column."""

        column: str

    def __init__(self, start_at: str = "") -> None:
        """Show nothing yet; the cursor starts at the checkpoint `start_at` once it is listed."""
        self._start_at = start_at
        self._styles_by_name = LazyStyles(self)
        super().__init__(id="checkpoint-list", classes="panel")
        self._entries: Sequence[Entry] = ()
        self._row = 0
        self._head = ("", True)

    @property
    def selected(self) -> Entry | None:
        """The checkpoint under the cursor."""
        return self._entries[self._row] if self._row < len(self._entries) else None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns there is room for."""
        return columns_for(self.size.width)

    def show(self, entries: Sequence[Entry], column: str, *, falling: bool) -> None:
        """Show these rows, sorted by a column."""
        selected, before = self.selected, (self._entries, self._head)
        self._entries, self._head = entries, (column, falling)
        name = selected.name if selected is not None else ""
        if any(one.name == self._start_at for one in entries):
            name, self._start_at = self._start_at, ""
        self._row = self._place_of(name)
        self._row = min(self._row, max(len(entries) - 1, 0))
        self.virtual_size = Size(self.size.width, len(entries) + 1)
        self._keep_in_view()
        if before != (self._entries, self._head):
            self.refresh()
        if self.selected != selected:
            self.post_message(self.Moved())

    def _place_of(self, name: str) -> int:
        """Return the row of a checkpoint now; of one that is gone, the row it was in."""
        return next((row for row, one in enumerate(self._entries) if one.name == name), self._row)

    def action_move(self, by: int) -> None:
        """Move the cursor, and stop at the ends."""
        self._move_to(min(max(self._row + by, 0), max(len(self._entries) - 1, 0)))

    def action_move_page(self, by: int) -> None:
        """Move the cursor by as many rows as are in view."""
        self.action_move(by * self._rows_in_view)

    def action_choose(self) -> None:
        """Open the checkpoint under the cursor."""
        self.post_message(self.Chosen())

    def on_click(self, event: events.Click) -> None:
        """Move the cursor to the row; a click on the one under the cursor opens it, one on the head sorts."""
        place = event.get_content_offset(self)
        if place is None:
            return
        if place.y == 0:
            self.post_message(self.HeadClicked(self._column_at(place.x)))
            return
        row = place.y - 1 + self.scroll_offset.y
        if row == self._row and row < len(self._entries):
            self.post_message(self.Chosen())
        elif row < len(self._entries):
            self._move_to(row)

    def on_resize(self) -> None:
        """Keep the cursor in view."""
        self.virtual_size = Size(self.size.width, len(self._entries) + 1)
        self._keep_in_view()

    def render_line(self, y: int) -> Strip:
        """Return a row of the content area as a strip; the first is the head, which stays."""
        width = self.size.width
        if y == 0:
            return Strip(self._head_segments()).adjust_cell_length(width, self._style(""))
        row = y - 1 + self.scroll_offset.y
        if row >= len(self._entries):
            return Strip.blank(width, self._style(""))
        style = self._style("list--cursor") if row == self._row else self._style("")
        return Strip(self._row_segments(self._entries[row], style)).adjust_cell_length(width, style)

    def notify_style_update(self) -> None:
        """Forget the resolved styles when the theme or a class changes."""
        super().notify_style_update()
        self._styles_by_name.forget()

    def _style(self, name: str) -> Style:
        return self._styles_by_name.style(name)

    def _head_segments(self) -> list[Segment]:
        column, falling = self._head
        segments = []
        for name in self.columns:
            style = self._style("list--sorted" if name == column else "list--head")
            sign = ("▼" if falling else "▲") if name == column else ""
            label = name + sign if name in LEFT else sign + name
            segments.append(Segment(_cell(name, label, self.size.width), style))
        return segments

    def _row_segments(self, entry: Entry, style: Style) -> list[Segment]:
        bad = Style(color=self._style("list--bad").color)  # on the cursor's background, too
        cells = entry.cells()
        return [
            Segment(_cell(name, cells[name], self.size.width), style + bad if _bad(cells[name]) else style)
            for name in self.columns
        ]

    def _column_at(self, x: int) -> str:
        """Return the column whose head is there; files take what is left."""
        for name in self.columns:
            x -= WIDTHS[name] + GAP
            if x < 0:
                return name
        return "File"

    @property
    def _rows_in_view(self) -> int:
        return max(self.size.height - 1, 1)

    def _move_to(self, row: int) -> None:
        if row != self._row:
            self._row = row
            self._keep_in_view()
            self.refresh()
            self.post_message(self.Moved())

    def _keep_in_view(self) -> None:
        top = self.scroll_offset.y
        wanted = min(max(top, self._row - self._rows_in_view + 1), self._row)
        if wanted != top:
            self.scroll_to(y=wanted, animate=False, immediate=True)


def columns_for(width: int) -> tuple[str, ...]:
    """Return the columns that fit so many cells."""
    chosen = list(WIDTHS)
    for name in LEAST_NEEDED:
        if sum(WIDTHS[one] + GAP for one in chosen) - GAP > width:
            chosen.remove(name)
    return tuple(chosen)


def _cell(column: str, value: str, most: int) -> str:
    width = most if column == "File" else WIDTHS[column]
    shown = cut(value, width)
    return (f"{shown:<{width}}" if column in LEFT else f"{shown:>{width}}") + " " * GAP


def _bad(value: str) -> bool:
    return value in ("missing", "damaged")
