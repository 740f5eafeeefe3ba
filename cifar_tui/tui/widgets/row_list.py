"""A list with a head and a cursor; it draws only the rows in view, however many there are."""

from collections.abc import Sequence
from typing import ClassVar, Generic, Protocol, TypeVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from cifar_tui.dataclass import dataclass
from cifar_tui.tui.terminal.lazy_styles import LazyStyles
from cifar_tui.tui.widgets.rows import cut

GAP = 1
CURSOR_SIGN = "›"
"""Takes the first cell of the row under the cursor, which is then told by more than its colour."""
MARK_SIGN = "✓"


class Entry(Protocol):
    """Something that has a row."""

    @property
    def name(self) -> str:
        """Its name, by which it is known again."""

    def cells(self) -> dict[str, str]:
        """Return its row's text, by column."""


EntryT = TypeVar("EntryT", bound=Entry)


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a list."""

    widths: dict[str, int]
    """The cells each needs, the sign in its head included; the last takes what is left."""
    left: tuple[str, ...]
    """Columns that begin at the left; numbers end at the right."""
    least_needed: tuple[str, ...]
    """Columns that are left out, in this order, where there is no room."""

    def fitting(self, width: int) -> tuple[str, ...]:
        """Return the columns that fit so many cells."""
        chosen = list(self.widths)
        for name in self.least_needed:
            if sum(self.widths[one] + GAP for one in chosen) - GAP > width:
                chosen.remove(name)
        return tuple(chosen)

    def cell(self, column: str, value: str, most: int) -> str:
        """Return a value with the gap after it, in the cells of its column, or in `most` in the last."""
        width = most if column == list(self.widths)[-1] else self.widths[column]
        shown = cut(value, width)
        room = " " * (width - cell_len(shown))
        return (shown + room if column in self.left else room + shown) + " " * GAP


class RowList(ScrollView, Generic[EntryT], can_focus=True):
    """Rows of entries; the cursor stays on its entry when rows come, go, or change places."""

    COLUMNS: ClassVar[Columns]

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
        """Another entry is under the cursor."""

    class Chosen(Message):
        """A person opens the entry under the cursor."""

    @dataclass
    class HeadClicked(Message):
        """A person sorts by a column."""

        column: str

    def __init__(self, start_at: str = "", *, id: str) -> None:  # noqa: A002 - textual's own name
        """Show nothing yet; the cursor starts at the entry called `start_at` once it is listed."""
        self._start_at = start_at
        self._styles_by_name = LazyStyles(self)
        super().__init__(id=id, classes="panel")
        self._entries: Sequence[EntryT] = ()
        self._row = 0
        self._head = ("", True)
        self.plan = self.COLUMNS
        """The columns; those of the class, unless a screen has others."""

    @property
    def selected(self) -> EntryT | None:
        """The entry under the cursor."""
        return self._entries[self._row] if self._row < len(self._entries) else None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns there is room for."""
        return self.plan.fitting(self.size.width)

    def show(self, entries: Sequence[EntryT], column: str, *, falling: bool) -> None:
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
        """Return the row of an entry now; of one that is gone, the row it was in."""
        return next((row for row, one in enumerate(self._entries) if one.name == name), self._row)

    def go_to(self, name: str) -> None:
        """Put the cursor on the entry of this name, if it is listed."""
        self._move_to(self._place_of(name))

    def go_round(self, by: int) -> None:
        """Move the cursor; the first entry follows the last."""
        if self._entries:
            self._move_to((self._row + by) % len(self._entries))

    def action_move(self, by: int) -> None:
        """Move the cursor, and stop at the ends."""
        self._move_to(min(max(self._row + by, 0), max(len(self._entries) - 1, 0)))

    def action_move_page(self, by: int) -> None:
        """Move the cursor by as many rows as are in view."""
        self.action_move(by * self._rows_in_view)

    def action_choose(self) -> None:
        """Open the entry under the cursor."""
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
        segments = self._row_segments(self._entries[row], style, on_cursor=row == self._row)
        if row == self._row and segments[0].text.startswith(" "):
            segments[0] = Segment(CURSOR_SIGN + segments[0].text[1:], segments[0].style)
        return Strip(segments).adjust_cell_length(width, style)

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
            label = name + sign if name in self.plan.left else sign + name
            segments.append(Segment(self.plan.cell(name, label, self.size.width), style))
        return segments

    def _row_segments(self, entry: EntryT, style: Style, *, on_cursor: bool) -> list[Segment]:
        """Return a row; on the cursor's ground, no colour but its own can be read in every theme."""
        cells = entry.cells()
        segments = []
        for name in self.columns:
            shown = style
            if (special := self.style_of(cells[name])) and not on_cursor:
                shown += Style(color=self._style(special).color)
            segments.append(Segment(self.plan.cell(name, cells[name], self.size.width), shown))
        return segments

    def style_of(self, value: str) -> str:  # noqa: ARG002 - a list without such cells has no use for it
        """Return the class of the stylesheet whose colour a cell of this text has; empty for that of its row."""
        return ""

    def _column_at(self, x: int) -> str:
        """Return the column whose head is there; the last takes what is left."""
        for name in self.columns:
            x -= self.plan.widths[name] + GAP
            if x < 0:
                return name
        return self.columns[-1]

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
