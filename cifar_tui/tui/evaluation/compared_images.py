"""The screen of the images that one checkpoint got right and another wrong, with both predictions."""

import base64
import binascii
from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from cifar_tui import text
from cifar_tui.checkpoint_events import MOST_DENSE, ComparedImage, ComparisonDone
from cifar_tui.report.class_names import class_names, fitted_name
from cifar_tui.report.comparison_text import change_text, changed_images, pair_name
from cifar_tui.runs.checkpoints.test_images import IMAGE_BYTES
from cifar_tui.tui import common_keys
from cifar_tui.tui.evaluation.image_cards import Card
from cifar_tui.tui.evaluation.image_pages import BACK, PAGING, ImagesScreen
from cifar_tui.tui.widgets.rows import Row

KINDS = ("fixed and broken", "fixed", "broken")


class ComparedImagesScreen(ImagesScreen):
    """Images that the second of two checkpoints fixed or broke."""

    BINDINGS: ClassVar[list[BindingType]] = [
        BACK,
        *PAGING,
        Binding(
            "right_square_bracket",
            "next_kind(1)",
            "Fixed, broken",
            key_display="]",
            tooltip="Only fixed images, only broken ones, or both",
        ),
        Binding(
            "left_square_bracket", "next_kind(-1)", "Fixed, broken", show=False, key_display="[", tooltip="The reverse"
        ),
        Binding("greater_than_sign", "next_pair(1)", "Next pair", key_display=">", tooltip="The next two checkpoints"),
        Binding(
            "less_than_sign",
            "next_pair(-1)",
            "Previous pair",
            show=False,
            key_display="<",
            tooltip="The previous two checkpoints",
        ),
        Binding("0", "all", "All", tooltip="Fixed and broken images of all classes"),
        *common_keys.BEFORE,
        *common_keys.AFTER,
    ]

    def __init__(self, done: ComparisonDone) -> None:
        """Show the images that changed between the first two checkpoints of a comparison."""
        super().__init__(class_names(done.classes))
        self._done = done
        self._place = 0
        """The pair's place among those compared."""
        self._kind = 0

    def check_action(self, action: str, _parameters: tuple[object, ...], /) -> bool | None:
        """Return False for an action that does nothing."""
        return action != "next_pair" or len(self._done.pairs) > 1

    def action_next_kind(self, by: int) -> None:
        """Show fixed images, broken ones, or both."""
        self._kind = (self._kind + by) % len(KINDS)
        self.show_first_page()

    def action_next_pair(self, by: int) -> None:
        """Show the images that changed between the next two checkpoints, or the previous two."""
        self._place = (self._place + by) % len(self._done.pairs)
        self.show_first_page()

    def action_all(self) -> None:
        """Show fixed and broken images of all classes."""
        self.label, self._kind = None, 0
        self.show_first_page()

    def chosen(self) -> Sequence[ComparedImage]:
        """Return the images that are chosen, the fixed ones first."""
        pair = self._done.pairs[self._place]
        found = [
            image
            for kind, fixed in (("fixed", True), ("broken", False))
            if KINDS[self._kind] in (kind, KINDS[0])
            for image in changed_images(self._done, pair, fixed=fixed)
        ]
        return [image for image in found if self.label in (None, image.label)]

    def labels(self) -> Sequence[int]:
        """Return the true classes that can be chosen: of many, those of images that were fixed or broken."""
        if len(self.names) <= MOST_DENSE:
            return super().labels()
        pair = self._done.pairs[self._place]
        changed = (changed_images(self._done, pair, fixed=fixed) for fixed in (True, False))
        return sorted({image.label for images in changed for image in images})

    def heading(self) -> Row:
        """Return what the images are."""
        pair = self._done.pairs[self._place]
        return ((f"{pair_name(pair)}: {KINDS[self._kind]}", "accent"),)

    def choice(self, count: int) -> list[Row]:
        """Return by which class the images were chosen, what changed in all, and which checkpoints they are."""
        pair = self._done.pairs[self._place]
        names = (text.safe_text(self._done.checkpoints[place], 60) for place in (pair.first, pair.second))
        pieces: list[Row] = [
            (("true class ", "label"), self.class_span(self.label)),
            ((change_text(pair), "value"),),
        ]
        if self.label is None and self._kind == 0 and count < pair.fixed + pair.broken:
            pieces.append(((f"{count:,} of {pair.fixed + pair.broken:,} kept", "warn"),))
        return [*pieces, ((" → ".join(names), "dim"),)]

    def cards(self, first: int, last: int) -> tuple[Card, ...]:
        """Return the cards of some of the images that are chosen."""
        return tuple(Card(_pixels(image), self._card_rows(image)) for image in self.chosen()[first:last])

    def why_none(self) -> str:
        """Return why no image is chosen."""
        of_class = "" if self.label is None else f" of {self.names[self.label]}"
        return f"No image{of_class} was {KINDS[self._kind].replace('and', 'or')}."

    def _card_rows(self, image: ComparedImage) -> tuple[Row, ...]:
        """Rows on an image: if it was fixed or broken, its true class, and both predictions."""
        pair, width = self._done.pairs[self._place], self.text_width
        fixed = image.predicted[pair.second] == image.label
        letters = pair_name(pair).split(" → ")
        predictions: list[Row] = []
        for letter, place in zip(letters, (pair.first, pair.second), strict=True):
            predicted = image.predicted[place]
            sign, style = ("✓", "good") if predicted == image.label else ("✗", "bad")
            predictions += [
                ((f"{letter} predicted", "label"),),
                ((f"{sign} {fitted_name(self.names[predicted], width - 2)}", style),),
            ]
        return (
            (("fixed", "good") if fixed else ("broken", "bad"),),
            (("true class", "label"),),
            ((f"  {fitted_name(self.names[image.label], width - 2)}", "value"),),
            (),
            *predictions,
            (),
            ((f"test image {image.index:,}", "dim"),),
        )


def _pixels(image: ComparedImage) -> bytes:
    try:
        pixels = base64.b64decode(image.pixels, validate=True)
    except binascii.Error:
        return b""
    return pixels if len(pixels) == IMAGE_BYTES else b""
