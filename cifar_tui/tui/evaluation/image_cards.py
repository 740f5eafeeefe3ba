"""Pictures side by side as half blocks, each with rows of words beside it."""

from dataclasses import dataclass

from rich.segment import Segment
from textual.strip import Strip

from cifar_tui.recipe import SIDE
from cifar_tui.report.half_blocks import LINES, image_line
from cifar_tui.tui.evaluation.verdict_rows import wrapped
from cifar_tui.tui.widgets.rows import Row, Rows

GAP = 2
"""Cells between a picture and its words, and at least between one and the next."""
LEAST_WORDS = 24
"""Cells the words beside a picture need."""
MOST_WORDS = 32
MOST_CARDS = 6
"""Pictures at once: each costs up to 21 KB on its way to the terminal."""
NO_COLOUR = "A picture needs colours, and NO_COLOR switches them off."
NO_ROOM = "need 60 × 20"


@dataclass(frozen=True, slots=True)
class Card:
    """A picture and its words."""

    pixels: bytes
    """uint8 [32, 32, 3], RGB."""
    rows: tuple[Row, ...]
    """At most 16 rows of at most `words_width` cells."""


class ImageCards(Rows):
    """As many cards as there is room for, in rows."""

    def __init__(self) -> None:
        super().__init__(id="wrong-pictures")
        self._cards: tuple[Card, ...] = ()

    @property
    def columns(self) -> int:
        """Cards beside each other."""
        return max((self.size.width + GAP) // (SIDE + GAP + LEAST_WORDS + GAP), 1)

    @property
    def fitting(self) -> int:
        """Cards that fit."""
        return min(self.columns * max((self.size.height + 1) // (LINES + 1), 1), MOST_CARDS)

    @property
    def words_width(self) -> int:
        """Cells there are for the words of a card."""
        return max(min(self._card_width - (SIDE + GAP if self.room_for_pictures else 0), MOST_WORDS), LEAST_WORDS)

    def show_cards(self, cards: tuple[Card, ...]) -> None:
        """Show these cards."""
        self._rows = []
        if cards != self._cards:
            self._cards = cards
            self.refresh()

    def show_words(self, rows: list[Row]) -> None:
        """Show no picture, but words."""
        self._cards = ()
        self._rows = rows
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One row of the content area as a strip."""
        if not self._cards:
            return super().render_line(y)
        band, line = divmod(y, LINES + 1)
        cards = self._cards[band * self.columns : (band + 1) * self.columns]
        background = self._style("")
        if line == LINES or not cards:
            return Strip.blank(self.size.width, background)
        strips = [self._card_line(card, line).adjust_cell_length(self._card_width, background) for card in cards]
        gap = Strip.blank(GAP, background)
        joined = Strip.join([part for strip in strips for part in (strip, gap)])
        return joined.adjust_cell_length(self.size.width, background)

    @property
    def _card_width(self) -> int:
        return (self.size.width + GAP) // self.columns - GAP

    @property
    def room_for_pictures(self) -> bool:
        """Whether a whole picture and its words fit."""
        return self._card_width >= SIDE + GAP + LEAST_WORDS and self.size.height >= LINES

    def _card_line(self, card: Card, line: int) -> Strip:
        words = [
            Segment(words, self._style(name)) for words, name in (card.rows[line] if line < len(card.rows) else ())
        ]
        if not self.room_for_pictures:
            return Strip(words)
        if self.app.no_color:
            return Strip([*self._instead(line), *words])
        return Strip([*image_line(card.pixels, line), Segment(" " * GAP, self._style("")), *words])

    def _instead(self, line: int) -> list[Segment]:
        """The sentence in the place of a picture."""
        rows = wrapped(NO_COLOUR, SIDE, "dim")
        words = "".join(words for words, _ in rows[line]) if line < len(rows) else ""
        return [Segment(f"{words:<{SIDE + GAP}}", self._style("dim"))]
