"""Images side by side as half blocks, each with rows of text beside it."""

from rich.segment import Segment
from textual.strip import Strip

from cifar_tui.dataclass import dataclass
from cifar_tui.recipe import SIDE
from cifar_tui.report.half_blocks import image_line, shrunk
from cifar_tui.tui.evaluation.evaluation_rows import wrapped
from cifar_tui.tui.widgets.rows import Row, Rows

GAP = 2
"""Cells between two cards."""
MAX_TEXT = 32
MOST_CELLS = 6 * SIDE * SIDE // 2
"""Cells of images at once: each sends up to 41 bytes to the terminal."""
NO_COLOUR = "NO_COLOR is set, and an image needs colours."
NOT_STORED = "The pixels of this image were not stored."
TOO_SMALL = "images need 40 × 14"


@dataclass(frozen=True, slots=True)
class CardSize:
    """A size that cards are drawn in."""

    side: int
    """Pixels, and cells, across an image; half as many rows."""
    gap: int
    """Cells between the image and its text."""
    min_text: int
    """Cells that the text needs."""

    @property
    def lines(self) -> int:
        """Rows of an image."""
        return self.side // 2


FULL = CardSize(SIDE, 2, 24)
SMALL = CardSize(22, 1, 15)
"""Taken where at least twice as many fit: nine on 120 × 40."""


@dataclass(frozen=True, slots=True)
class Card:
    """An image and its text."""

    pixels: bytes
    """uint8 [32, 32, 3], RGB; empty where they are not known."""
    rows: tuple[Row, ...]
    """At most `lines` rows of at most `text_width` cells."""


class ImageCards(Rows):
    """As many cards as fit, in rows."""

    def __init__(self) -> None:
        super().__init__(id="wrong-pictures")
        self._cards: tuple[Card, ...] = ()

    @property
    def card_size(self) -> CardSize:
        """The size that cards are drawn in."""
        full = self._columns(FULL) * self._bands(FULL)
        return SMALL if self._columns(SMALL) * self._bands(SMALL) >= 2 * full else FULL

    @property
    def columns(self) -> int:
        """Cards beside each other."""
        return max(self._columns(self.card_size), 1)

    @property
    def fitting(self) -> int:
        """Cards that fit."""
        size = self.card_size
        most = MOST_CELLS // (size.side * size.lines)
        return min(self.columns * max(self._bands(size), 1), most // self.columns * self.columns or most)

    @property
    def text_width(self) -> int:
        """Cells for the text of a card."""
        size = self.card_size
        beside = size.side + size.gap if self.room_for_images else 0
        return max(min(self._card_width - beside, MAX_TEXT), size.min_text)

    @property
    def room_for_images(self) -> bool:
        """True where an image and its text fit."""
        return self._columns(SMALL) * self._bands(SMALL) > 0

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
        lines = self.card_size.lines
        band, line = divmod(y, lines + 1)
        cards = self._cards[band * self.columns : (band + 1) * self.columns]
        background = self._style("")
        if line == lines or not cards:
            return Strip.blank(self.size.width, background)
        strips = [self._card_line(card, line).adjust_cell_length(self._card_width, background) for card in cards]
        gap = Strip.blank(GAP, background)
        joined = Strip.join([part for strip in strips for part in (strip, gap)])
        return joined.adjust_cell_length(self.size.width, background)

    def _columns(self, size: CardSize) -> int:
        return (self.size.width + GAP) // (size.side + size.gap + size.min_text + GAP)

    def _bands(self, size: CardSize) -> int:
        return (self.size.height + 1) // (size.lines + 1)

    @property
    def _card_width(self) -> int:
        return (self.size.width + GAP) // self.columns - GAP

    def _card_line(self, card: Card, line: int) -> Strip:
        size = self.card_size
        spans = card.rows[line] if line < len(card.rows) else ()
        texts = [Segment(text, self._style(name)) for text, name in spans]
        if not self.room_for_images:
            return Strip(texts)
        if self.app.no_color or not card.pixels:
            sentence = NO_COLOUR if card.pixels else NOT_STORED
            return Strip([self._sentence_line(sentence, line, size), *texts])
        pixels = shrunk(card.pixels, size.side)
        return Strip([*image_line(pixels, line, size.side), Segment(" " * size.gap, self._style("")), *texts])

    def _sentence_line(self, sentence: str, line: int, size: CardSize) -> Segment:
        """One line of a sentence in the place of an image."""
        rows = wrapped(sentence, size.side, "dim")
        text = "".join(text for text, _ in rows[line]) if line < len(rows) else ""
        return Segment(f"{text:<{size.side + size.gap}}", self._style("dim"))
