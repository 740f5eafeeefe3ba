"""The order of a list's rows, and the words that they are filtered by."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from cifar_tui.errors import BadInput


class Matching(Protocol):
    """Something that can be filtered by words."""

    def matches(self, words: Sequence[str]) -> bool:
        """Return True if every word names it."""


EntryT = TypeVar("EntryT", bound=Matching)
Key = Callable[[EntryT], float | str | None]


@dataclass(slots=True)
class ListOrder(Generic[EntryT]):
    """The order that a person has chosen."""

    keys: Mapping[str, Key[EntryT]]
    """The key that each column is sorted by; None comes last either way."""
    column: str
    """The column that is sorted by."""
    falling: bool = True
    """True if the highest comes first."""
    filter_text: str = ""
    """The words that are filtered by; empty for all."""
    parse: Callable[[str], Callable[[EntryT], bool]] | None = None
    """Returns the filter of a text, BadInput for one that is none; None where a text is words, all to be matched."""
    trouble: str = ""
    """A sentence on a text that is no filter; the one before still holds."""
    _parsed: Callable[[EntryT], bool] | None = None

    def filter_by(self, text: str) -> None:
        """Filter by a text; by one that is no filter, as before, with `trouble`."""
        self.filter_text, self.trouble = text, ""
        try:
            self._parsed = self.parse(text) if self.parse is not None else None
        except BadInput as error:
            self.trouble = str(error)

    def sort_by(self, column: str) -> None:
        """Sort by a column, the highest first; by the one that is sorted by already, the other way round."""
        self.falling = not self.falling if column == self.column else True
        self.column = column

    def next_column(self, columns: Sequence[str]) -> None:
        """Sort by the next of these columns, and after the last by the first."""
        place = columns.index(self.column) + 1 if self.column in columns else 0
        self.column = columns[place % len(columns)]

    def arranged(self, entries: Iterable[EntryT]) -> list[EntryT]:
        """Return those of these entries that match, in order; equals stay as they were."""
        words, key = self.filter_text.lower().split(), self.keys[self.column]
        matches = self._parsed or (lambda one: one.matches(words))
        matching = [one for one in entries if matches(one)]
        known = [one for one in matching if key(one) is not None]
        known.sort(key=key, reverse=self.falling)  # type: ignore[arg-type] # of one column, and so of one type
        return known + [one for one in matching if key(one) is None]
