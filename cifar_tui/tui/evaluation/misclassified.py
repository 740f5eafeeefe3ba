"""The screen of the test images that a checkpoint got wrong, or of one cell of its confusion matrix."""

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from cifar_tui import text
from cifar_tui.checkpoint_events import MOST_DENSE
from cifar_tui.report.class_names import fitted_name
from cifar_tui.runs.checkpoints.predictions import PredictedImage
from cifar_tui.tui import common_keys
from cifar_tui.tui.evaluation.evaluated_images import EvaluatedImages
from cifar_tui.tui.evaluation.evaluation_finder import FoundEvaluation
from cifar_tui.tui.evaluation.image_cards import Card
from cifar_tui.tui.evaluation.image_pages import PAGING, WIDE_TEXT, ImagesScreen, after
from cifar_tui.tui.widgets.filter_box import FilterBox
from cifar_tui.tui.widgets.rows import Row

NOT_STORED = "The images of this evaluation were not stored. Evaluate the checkpoint again (e) to see them."
NONE_WRONG = "No test image was predicted as another class."


class MisclassifiedScreen(ImagesScreen):
    """The most confident mistakes: all, or those of a chosen true or predicted class."""

    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", key_display="esc", tooltip="Clear the filter; then back"),
        *PAGING,
        Binding(
            "right_square_bracket",
            "next_predicted(1)",
            "Predicted class",
            key_display="]",
            tooltip="Only images predicted as the next class",
        ),
        Binding(
            "left_square_bracket",
            "next_predicted(-1)",
            "Predicted class",
            show=False,
            key_display="[",
            tooltip="Only images predicted as the previous class",
        ),
        Binding("0", "all", "All", tooltip="The wrong images of all classes"),
        Binding("slash", "filter", "Filter", key_display="/", tooltip="Only images of classes with the names you type"),
        *common_keys.BEFORE,
        *common_keys.AFTER,
    ]

    def __init__(
        self, found: FoundEvaluation, title: str, label: int | None = None, predicted: int | None = None
    ) -> None:
        """Show an evaluation's images, only those of a true or a predicted class where one is given."""
        self._images = EvaluatedImages(found)
        super().__init__(self._images.names, label)
        self._found = found
        self._title = title
        self._predicted = predicted
        self._filter_box = FilterBox("names of classes, true or predicted")

    def compose(self) -> ComposeResult:
        """Put the filter above the images."""
        yield self._filter_box
        yield from super().compose()

    def action_next_predicted(self, by: int) -> None:
        """Choose the next predicted class, or the previous one; between the last and the first are all."""
        many = len(self.names) > MOST_DENSE
        choices = self._images.classes(self.label, true=False) if many else range(len(self.names))
        self._predicted = after(self._predicted, by, choices)
        self.show_first_page()

    def labels(self) -> Sequence[int]:
        """Return the true classes that can be chosen: of many, those that images are predicted from."""
        return self._images.classes(self._predicted, true=True) if len(self.names) > MOST_DENSE else super().labels()

    def action_back(self) -> None:
        """Show the images of all names again, or return to the previous screen."""
        if not self._filter_box.cancel():
            self.app.pop_screen()

    def action_filter(self) -> None:
        """Type names to filter by."""
        self._filter_box.open()

    @on(FilterBox.Changed)
    def _filter_by(self) -> None:
        self.show_first_page()

    @on(FilterBox.Left)
    def _take_keys(self) -> None:
        self.set_focus(None)

    def action_all(self) -> None:
        """Choose the wrong images of all classes."""
        self.label = self._predicted = None
        self.show_first_page()

    def chosen(self) -> Sequence[int]:
        """Return the indexes of the images that are chosen."""
        return self._images.indexes(self.label, self._predicted, self._filter_box.value.strip())

    def heading(self) -> Row:
        """Return what the images are."""
        recognised = self.label is not None and self.label == self._predicted
        return (("Predicted correctly, least confident first" if recognised else "Most confident mistakes", "accent"),)

    def choice(self, count: int) -> list[Row]:
        """Return by which classes `count` images were chosen, and of how many there are."""
        there = self._images.confusion.wrong(self.label, self._predicted)
        pieces: list[Row] = [
            (("true class ", "label"), self.class_span(self.label)),
            (("predicted as ", "label"), self.class_span(self._predicted)),
        ]
        if self._filter_box.value.strip():
            pieces.append(((f"{count:,} of {there:,} match", "value"),))
        elif count < there:
            pieces.append(((f"{count:,} of {there:,} stored", "warn"),))
        else:
            pieces.append(((text.counted(there, "image"), "dim"),))
        return [*pieces, ((self._title, "dim"),)]

    def cards(self, first: int, last: int) -> tuple[Card, ...]:
        """Return the cards of some of the images that are chosen."""
        indexes = self.chosen()[first:last]
        images = map(self._images.image, indexes)
        return tuple(
            Card(pixels, self._card_rows(image))
            for image, pixels in zip(images, self._images.pixels(indexes), strict=True)
        )

    def why_none(self) -> str:
        """Return why no image is chosen."""
        if self._images.indexes(self.label, self._predicted):
            return "No image is of a class with this name, or was predicted as one. Escape shows all."
        if self._images.confusion.wrong(self.label, self._predicted):
            return NOT_STORED
        if self.label is None and self._predicted is None:
            return NONE_WRONG
        true = f"No {self.names[self.label]}" if self.label is not None else "No image"
        predicted = "another class" if self._predicted is None else self.names[self._predicted]
        return f"{true} was predicted as {predicted}."

    def _card_rows(self, image: PredictedImage) -> tuple[Row, ...]:
        """Rows on an image: true and predicted class, and the most probable classes."""
        width, index = self.text_width, f"test image {image.index:,}"
        place = ((index if len(index) <= width else index.removeprefix("test "), "dim"),)
        shares = self.share_rows(image.shares, image.label, image.predicted)
        if width < WIDE_TEXT:
            # Three classes of two rows each; the true one has its place among them, or takes the last.
            kept = shares if len(shares) <= 2 * 3 else [*shares[:4], *shares[-2:]]
            return (*kept, (), place)
        true, predicted = self.names[image.label], self.names[image.predicted]
        return (
            (("✓ true class ", "label"), (fitted_name(true, width - 13), "good")),
            (("✗ predicted ", "label"), (fitted_name(predicted, width - 12), "bad"))
            if image.label != image.predicted
            else (("✓ correct", "good"),),
            place,
            (),
            *shares,
        )
