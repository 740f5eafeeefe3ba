"""The classes of a comparison, and the orders that they are shown in."""

from collections.abc import Sequence

from cifar_tui.checkpoint_events import MOST_DENSE, ComparisonDone
from cifar_tui.dataclass import dataclass
from cifar_tui.report.comparison_text import class_change
from cifar_tui.tui.widgets.list_order import ListOrder


@dataclass(frozen=True, slots=True)
class ComparedClass:
    """A class of a comparison."""

    label: int
    """Its place among the classes, from 0."""
    words: str
    """Its name in small letters."""
    change: float
    """The largest difference of its accuracy to that of the first checkpoint."""
    accuracy: float | None
    """That of the first checkpoint, 0 to 1; None without images."""
    images: int
    """Its images."""

    def matches(self, words: Sequence[str]) -> bool:
        """Return True if every word is part of its name."""
        return all(word in self.words for word in words)


def compared_classes(done: ComparisonDone) -> list[ComparedClass]:
    """Return the classes of a comparison, in label order."""
    return [
        ComparedClass(
            label,
            name.lower(),
            class_change(done, label),
            done.hits[0][label] / done.class_images[label] if done.class_images[label] else None,
            done.class_images[label],
        )
        for label, name in enumerate(done.classes)
    ]


def compared_order(classes: int = 0) -> ListOrder[ComparedClass]:
    """Return the order of so many classes: at first that of the data or, of many, those first that became worse."""
    return ListOrder(
        keys={
            "order": lambda one: one.label,
            "change": lambda one: one.change,
            "accuracy": lambda one: one.accuracy,
            "images": lambda one: one.images,
            "name": lambda one: one.words,
        },
        column="change" if classes > MOST_DENSE else "order",
        falling=False,
    )
