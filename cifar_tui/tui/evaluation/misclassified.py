"""The screen of the test images that a checkpoint got most wrong, with the predicted classes."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from cifar_tui import text
from cifar_tui.checkpoint_events import WrongImage
from cifar_tui.report.verdict_text import class_names
from cifar_tui.tui import common_keys
from cifar_tui.tui.evaluation.evaluation_finder import FoundEvaluation
from cifar_tui.tui.evaluation.evaluation_rows import wrapped
from cifar_tui.tui.evaluation.image_cards import TOO_SMALL, Card, ImageCards
from cifar_tui.tui.widgets.key_row import KeyRow
from cifar_tui.tui.widgets.rows import Row, Rows, Span, bar, cut, fitted

NOT_KEPT = "The pictures of this verdict were not kept: e, among the checkpoints, measures it again."
NONE_WRONG = "No test image was taken for another class."
ONLY_WRONG = "Only pictures that were taken for another class are kept, the wrongest ones."

NUMBER_ROOM = 11
"""Cells of a class's row without its bar and its name."""
MIN_BAR = 3


class MisclassifiedScreen(Screen[None]):
    """The wrongest images: all, or those of a chosen true or predicted class."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("i,escape", "app.pop_screen", "Back", key_display="i", tooltip="Back to the verdict"),
        Binding("left", "page(-1)", "Before", key_display="←", tooltip="The pictures before"),
        Binding("right", "page(1)", "Next", key_display="→", tooltip="The next pictures"),
        Binding("down", "next_label(1)", "True", key_display="↓", tooltip="Only pictures of the next true class"),
        Binding("up", "next_label(-1)", "True", show=False, tooltip="Of the true class before"),
        Binding(
            "right_square_bracket",
            "next_predicted(1)",
            "Predicted",
            key_display="]",
            tooltip="Only pictures taken for the next class",
        ),
        Binding(
            "left_square_bracket",
            "next_predicted(-1)",
            "Predicted",
            show=False,
            key_display="[",
            tooltip="Taken for the class before",
        ),
        Binding("a", "all", "All", tooltip="Pictures of every class"),
        *common_keys.BEFORE,
        *common_keys.AFTER,
    ]

    def __init__(self, found: FoundEvaluation, label: int | None = None, predicted: int | None = None) -> None:
        """Show the images of an evaluation; only those of a true or a predicted class where one is given."""
        super().__init__()
        self._found = found
        self._names = class_names(found.result)
        self._label = label
        self._predicted = predicted
        self._first = 0

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
        self._show()

    def on_screen_resume(self) -> None:
        """Draw for a size that may have changed behind another screen."""
        self._show()

    def action_page(self, by: int) -> None:
        """Show the next images, or those before."""
        fitting = self.query_one(ImageCards).fitting
        last = max((len(self._filtered()) - 1) // fitting * fitting, 0)
        self._first = min(max(self._first + by * fitting, 0), last)
        self._show()

    def action_next_label(self, by: int) -> None:
        """Choose the next true class, or the one before; between the last and the first are all."""
        self._label = self._after(self._label, by)
        self._show_first_page()

    def action_next_predicted(self, by: int) -> None:
        """Choose the predicted class in the same way."""
        self._predicted = self._after(self._predicted, by)
        self._show_first_page()

    def action_all(self) -> None:
        """Choose the images of all classes."""
        self._label = self._predicted = None
        self._show_first_page()

    def _after(self, chosen: int | None, by: int) -> int | None:
        choices: list[int | None] = [None, *range(len(self._names))]
        return choices[(choices.index(chosen) + by) % len(choices)]

    def _show_first_page(self) -> None:
        self._first = 0
        self._show()

    def _filtered(self) -> list[tuple[WrongImage, bytes]]:
        """The images to show, with their pixels, the wrongest first."""
        return [
            (image, pixels)
            for image, pixels in zip(self._found.result.wrongest, self._found.pixels, strict=False)
            if self._label in (None, image.label) and self._predicted in (None, image.predicted)
        ]

    def _show(self) -> None:
        cards, chosen = self.query_one(ImageCards), self._filtered()
        shown = chosen[self._first : self._first + cards.fitting]
        head = self.query_one("#pictures-head", Rows)
        head.set_rows([self._title(len(shown), len(chosen), head.size.width), self._filter_row(head.size.width)])
        if shown:
            cards.show_cards(tuple(Card(pixels, self._card_rows(image)) for image, pixels in shown))
        else:
            cards.show_text(wrapped(self._why_no_images(), cards.size.width, "dim"))

    def _title(self, shown: int, chosen: int, width: int) -> Row:
        last = self._first + shown
        range_ = f"{self._first + 1}" if shown == 1 else f"{self._first + 1}–{last}"
        pieces: list[Row] = [(("Wrongest pictures", "accent"),)]
        if shown:
            pieces.append(((f"{range_} of {chosen}", "value"),))
        if not self.query_one(ImageCards).room_for_images:
            pieces.append(((TOO_SMALL, "warn"),))
        pieces.append(((text.safe_text(self._found.result.checkpoint, 40), "dim"),))
        return fitted(pieces, width)

    def _filter_row(self, width: int) -> Row:
        def named(label: int | None) -> Span:
            return ("any", "value") if label is None else (self._names[label], "accent")

        pieces: list[Row] = [
            (("true ", "label"), named(self._label)),
            (("taken for ", "label"), named(self._predicted)),
        ]
        if self._label is not None and self._predicted not in (None, self._label):
            there = self._found.result.confusion[self._label][self._predicted or 0]
            pieces.append(((f"{text.counted(there, 'image')} in all", "dim"),))
        return fitted(pieces, width)

    def _why_no_images(self) -> str:
        result = self._found.result
        if self._label is not None and self._label == self._predicted:
            return ONLY_WRONG
        if not result.wrongest and result.accuracy == 1:
            return NONE_WRONG
        if not self._found.pixels:
            return NOT_KEPT
        true = f"no {self._names[self._label]}" if self._label is not None else "nothing"
        return f"No picture: {true} was taken for {self._predicted_name()}."

    def _predicted_name(self) -> str:
        return "another class" if self._predicted is None else self._names[self._predicted]

    def _card_rows(self, image: WrongImage) -> tuple[Row, ...]:
        """Rows on an image: true and predicted class, and a bar for every class."""
        width = self.query_one(ImageCards).text_width
        head: list[Row] = [
            (("✓ true ", "label"), (cut(self._names[image.label], width - 7), "good")),
            (("✗ taken for ", "label"), (cut(self._names[image.predicted], width - 12), "bad")),
            ((f"test image {image.index:,}", "dim"),),
            (),
        ]
        return (*head, *(self._class_row(image, label) for label in range(len(self._names))))

    def _class_row(self, image: WrongImage, label: int) -> Row:
        room = self.query_one(ImageCards).text_width - NUMBER_ROOM
        width = min(max(map(len, self._names)), room - MIN_BAR)
        name, cells = cut(self._names[label], width), room - width
        sign, style = {image.label: ("✓", "good"), image.predicted: ("✗", "bad")}.get(label, (" ", "label"))
        share = image.probabilities[label]
        return (
            (f"{sign} {name:<{width}} ", style),
            *bar(share, cells),
            (f" {text.percent(share, 1):>7}", "value"),
        )
