"""A screen of pages of images, from the first to the last, chosen by class."""

from abc import abstractmethod
from collections.abc import Sequence

from textual.app import ComposeResult
from textual.binding import Binding

from cifar_tui import text
from cifar_tui.report.class_names import fitted_name
from cifar_tui.tui.evaluation.evaluation_rows import wrapped
from cifar_tui.tui.evaluation.image_cards import TOO_SMALL, Card, ImageCards
from cifar_tui.tui.sized_screen import SizedScreen
from cifar_tui.tui.widgets.key_row import KeyRow
from cifar_tui.tui.widgets.rows import Row, Rows, Span, bar, fitted

PAGING = (
    Binding("left", "page(-1)", "Previous", key_display="←", tooltip="The previous images"),
    Binding("right", "page(1)", "Next", key_display="→", tooltip="The next images"),
    Binding("home", "page(-1000000)", "First", show=False, tooltip="The first images"),
    Binding("end", "page(1000000)", "Last", show=False, tooltip="The last images"),
    Binding("down", "next_label(1)", "True class", key_display="↓", tooltip="Only images of the next true class"),
    Binding("up", "next_label(-1)", "True class", show=False, tooltip="Only images of the previous true class"),
)
BACK = Binding("escape", "app.pop_screen", "Back", key_display="esc", tooltip="Back to the previous screen")
WIDE_TEXT = 24
"""Cells from which a class fits one row with its bar."""
NUMBER_ROOM = 11
"""Cells of a class's row without its bar and its name."""
NUMBER = 8
"""Cells of a percentage, and a space before it."""
MIN_BAR = 3


class ImagesScreen(SizedScreen[None]):
    """Pages through the images that a subclass chooses."""

    def __init__(self, names: Sequence[str], label: int | None = None) -> None:
        """Show images of classes with these names, at first those of a true class; None is all."""
        super().__init__()
        self.names = names
        self.label = label
        self._first = 0

    @abstractmethod
    def chosen(self) -> Sequence[object]:
        """Return the images that are chosen, in order."""

    @abstractmethod
    def heading(self) -> Row:
        """Return what the images are."""

    @abstractmethod
    def choice(self, count: int) -> list[Row]:
        """Return by which classes `count` images were chosen, in pieces by importance."""

    @abstractmethod
    def cards(self, first: int, last: int) -> tuple[Card, ...]:
        """Return the cards of some of the images that are chosen."""

    @abstractmethod
    def why_none(self) -> str:
        """Return why no image is chosen."""

    def compose(self) -> ComposeResult:
        """Lay out the images."""
        yield Rows(id="pictures-head", classes="head")
        yield ImageCards()
        yield KeyRow()

    def on_mount(self) -> None:
        """Give the head its height."""
        self.query_one("#pictures-head").styles.height = 2

    def on_rows_outdated(self, message: Rows.Outdated) -> None:
        """Draw for the new size."""
        message.stop()
        self.show_page()

    def on_screen_resume(self) -> None:
        """Draw for a size that may have changed behind another screen."""
        self.show_page()

    def action_page(self, by: int) -> None:
        """Show the next images, or the previous ones."""
        fitting = self.query_one(ImageCards).fitting
        last = max((len(self.chosen()) - 1) // fitting * fitting, 0)
        self._first = min(max(self._first + by * fitting, 0), last)
        self.show_page()

    def action_next_label(self, by: int) -> None:
        """Choose the next true class, or the previous one; between the last and the first are all."""
        self.label = after(self.label, by, self.labels())
        self.show_first_page()

    def labels(self) -> Sequence[int]:
        """Return the true classes that can be chosen, in order."""
        return range(len(self.names))

    def show_first_page(self) -> None:
        """Show the first of other images."""
        self._first = 0
        self.show_page()

    def show_page(self) -> None:
        """Draw the page in view."""
        cards, count = self.query_one(ImageCards), len(self.chosen())
        self._first = min(self._first, max(count - 1, 0) // cards.fitting * cards.fitting)
        last = min(self._first + cards.fitting, count)
        head = self.query_one("#pictures-head", Rows)
        pieces: list[Row] = [self.heading()]
        if count:
            place = f"{last:,}" if last == self._first + 1 else f"{self._first + 1:,}–{last:,}"
            pieces.append(((f"{place} of {count:,}", "value"),))
        if not cards.room_for_images:
            pieces.append(((TOO_SMALL, "warn"),))
        width = head.size.width
        head.set_rows([fitted(pieces, width), fitted(self.choice(count), width)])
        if count:
            cards.show_cards(self.cards(self._first, last))
        else:
            cards.show_text(wrapped(self.why_none(), cards.size.width, "dim"))

    def class_span(self, label: int | None) -> Span:
        """Return a class's name; None is all of them."""
        return ("all", "value") if label is None else (self.names[label], "accent")

    def share_rows(self, shares: Sequence[tuple[int, float]], label: int, predicted: int) -> list[Row]:
        """Return rows on the probabilities of classes, the true and the predicted one with their signs."""
        width = self.query_one(ImageCards).text_width
        rows: list[Row] = []
        for one, share in shares:
            sign, style = {label: ("✓", "good"), predicted: ("✗", "bad")}.get(one, (" ", "label"))
            number = (f"{text.percent(share, 1):>{NUMBER}}", "value")
            if width >= WIDE_TEXT:
                room = width - NUMBER_ROOM
                longest = min(max(map(text.cells, self.names)), room - MIN_BAR)
                name = f"{sign} {text.padded(fitted_name(self.names[one], longest), longest)} "
                rows.append(((name, style), *bar(share, room - longest), number))
            else:
                rows += [
                    ((f"{sign} {fitted_name(self.names[one], width - 2)}", style),),
                    (*bar(share, width - NUMBER), number),
                ]
        return rows

    @property
    def text_width(self) -> int:
        """Cells of the text beside an image."""
        return self.query_one(ImageCards).text_width


def after(chosen: int | None, by: int, choices: Sequence[int]) -> int | None:
    """Return the next of some choices, or the previous; between the last and the first is None, for all."""
    every: list[int | None] = [None, *choices]
    if chosen is None or chosen in choices:
        return every[(every.index(chosen) + by) % len(every)]
    lower = sum(one < chosen for one in choices)  # it is no choice any more: the next is counted from its place
    return every[(lower + (by > 0)) % len(every)]
