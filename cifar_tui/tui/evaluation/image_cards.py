"""Images side by side as half blocks, each with rows of text beside it."""

from dataclasses import dataclass

from rich.segment import Segment
from textual.strip import Strip

from cifar_tui.recipe import SIDE
from cifar_tui.report.half_blocks import LINES, image_line
from cifar_tui.tui.evaluation.evaluation_rows import wrapped
from cifar_tui.tui.widgets.rows import Row, Rows

GAP = 2
"""Cells between an image and its text, and at least between two cards."""
MIN_TEXT = 24
"""Cells that the text beside an image needs."""
MAX_TEXT = 32
MAX_CARDS = 6
"""Images at once: each sends up to 21 KB to the terminal."""
NO_COLOUR = "A picture needs colours, and NO_COLOR switches them off."
TOO_SMALL = "need 60 × 20"


@dataclass(frozen=True, slots=True)
class Card:
    """An image and its text."""

    pixels: bytes
    """uint8 [32, 32, 3], RGB."""
    rows: tuple[Row, ...]
    """At most 16 rows of at most `text_width` cells."""


class ImageCards(Rows):
    """As many cards as fit, in rows."""

    def __init__(self) -> None:
        super().__init__(id="wrong-pictures")
        self._cards: tuple[Card, ...] = ()

    @property
    def columns(self) -> int:
        """Cards beside each other."""
        return max((self.size.width + GAP) // (SIDE + GAP + MIN_TEXT + GAP), 1)

    @property
    def fitting(self) -> int:
        """Cards that fit."""
        return min(self.columns * max((self.size.height + 1) // (LINES + 1), 1), MAX_CARDS)

    @property
    def text_width(self) -> int:
        """Cells for the text of a card."""
        return max(min(self._card_width - (SIDE + GAP if self.room_for_images else 0), MAX_TEXT), MIN_TEXT)

    def show_cards(self, cards: tuple[Card, ...]) -> None:
        """Show these cards."""
        self._rows = []
        if cards != self._cards:
            self._cards = cards
            self.refresh()

    def show_text(self, rows: list[Row]) -> None:
        """Show text in the place of images."""
        self._cards = ()
        self._rows = rows
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Return one row of the content area."""
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
    def room_for_images(self) -> bool:
        """True where a full image and its text fit."""
        return self._card_width >= SIDE + GAP + MIN_TEXT and self.size.height >= LINES

    def _card_line(self, card: Card, line: int) -> Strip:
        spans = card.rows[line] if line < len(card.rows) else ()
        texts = [Segment(text, self._style(name)) for text, name in spans]
        if not self.room_for_images:
            return Strip(texts)
        if self.app.no_color:
            return Strip([*self._no_colour_line(line), *texts])
        return Strip([*image_line(card.pixels, line), Segment(" " * GAP, self._style("")), *texts])

    def _no_colour_line(self, line: int) -> list[Segment]:
        """One line of the sentence in the place of an image."""
        rows = wrapped(NO_COLOUR, SIDE, "dim")
        text = "".join(text for text, _ in rows[line]) if line < len(rows) else ""
        return [Segment(f"{text:<{SIDE + GAP}}", self._style("dim"))]
