"""A list that a person sorts by its columns and filters by words."""

from collections.abc import Iterable
from typing import Generic, Protocol, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message

from cifar_tui.tui.widgets.filter_box import FilterBox
from cifar_tui.tui.widgets.list_order import ListOrder, Matching
from cifar_tui.tui.widgets.row_list import Entry, RowList


class ListedEntry(Entry, Matching, Protocol):
    """Something that has a row, and can be filtered by words."""


EntryT = TypeVar("EntryT", bound=ListedEntry)


class FilteredList(Vertical, Generic[EntryT]):
    """Rows below the words that filter them. It tells its screen when another order was chosen."""

    class Reordered(Message):
        """A person has chosen another order or other words: the screen shows its entries again."""

    def __init__(self, rows: RowList[EntryT], order: ListOrder[EntryT], words: str) -> None:
        """Show `rows` in this order; `words` says what can be typed to filter by."""
        super().__init__()
        self.rows = rows
        self._order = order
        self._filter_box = FilterBox(words)

    def compose(self) -> ComposeResult:
        """Put the filter above the rows."""
        yield self._filter_box
        yield self.rows

    def on_mount(self) -> None:
        """Give the rows the keys."""
        self.rows.focus()

    def show(self, entries: Iterable[EntryT]) -> int:
        """Show those of these entries that match, in order; equals stay as they are. Returns how many match."""
        arranged = self.matching(entries)
        self.rows.show(arranged, self._order.column, falling=self._order.falling)
        return len(arranged)

    def matching(self, entries: Iterable[EntryT]) -> list[EntryT]:
        """Return those of these entries that match, in order."""
        return self._order.arranged(entries)

    def name_list(self, title: str, subtitle: str) -> None:
        """Put a title and a subtitle, which are no markup, on the list's border."""
        self.rows.border_title = title.replace("[", "\\[")
        self.rows.border_subtitle = subtitle.replace("[", "\\[")

    @property
    def trouble(self) -> str:
        """A sentence on what was typed, where it is no filter."""
        return self._order.trouble

    def filter(self) -> None:
        """Let a person type words to filter by."""
        self._filter_box.open()

    def clear_filter(self) -> bool:
        """Filter no longer. Returns True if anything was filtered."""
        return self._filter_box.cancel()

    def sort(self, *, next_column: bool) -> None:
        """Sort by the next column in view, or by the same one the other way round."""
        if next_column:
            self._order.next_column(self.rows.columns)
        else:
            self._order.sort_by(self._order.column)
        self.post_message(self.Reordered())

    @on(RowList.HeadClicked)
    def _sort_by(self, message: RowList.HeadClicked) -> None:
        self._order.sort_by(message.column)
        self.post_message(self.Reordered())

    @on(FilterBox.Changed)
    def _filter_by(self, event: FilterBox.Changed) -> None:
        self._order.filter_by(event.value)
        self.post_message(self.Reordered())

    @on(FilterBox.Left)
    def _focus_rows(self) -> None:
        self.rows.focus()
