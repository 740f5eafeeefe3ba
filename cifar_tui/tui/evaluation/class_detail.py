"""Rows on one class: the classes that its images were predicted as, and those whose images were predicted as it."""

from cifar_tui import text
from cifar_tui.report.confusion import Pair
from cifar_tui.tui.evaluation.shown_evaluation import ShownEvaluation
from cifar_tui.tui.widgets.rows import Row, cut, fitted

NUMBERS = 15
"""Cells of a count and a percentage."""
HEADS = 3
"""Rows that are no pair: the class's numbers, and a head for each part."""


def detail_rows(shown: ShownEvaluation, label: int, width: int, height: int) -> list[Row]:
    """Return rows on a class in so many cells: its row of the confusion matrix, then its column."""
    confusion = shown.confusion
    scores = confusion.scores[label]
    numbers: list[Row] = [
        ((text.counted(confusion.images[label], "image"), "value"),),
        (("accuracy ", "dim"), (text.percent(scores.recall, 1), "value")),
        (("precision ", "dim"), (text.percent(scores.precision, 1), "value")),
    ]
    predicted_as, predicted_from = confusion.predicted_as(label), confusion.predicted_from(label)
    left = max(height - HEADS, 0)
    # Each part takes half of the rows, and what the other leaves.
    first = min(len(predicted_as), max(left - len(predicted_from), (left + 1) // 2))
    heads = (f"predicted as {_classes(predicted_as)}", f"{_classes(predicted_from)} predicted as it")
    rows: list[Row] = [fitted(numbers, width, gap="  ")]
    rows += _part(shown, heads[0], predicted_as, first, width, by_label=False)
    rows += _part(shown, heads[1], predicted_from, min(len(predicted_from), left - first), width, by_label=True)
    return rows[:height]


def _classes(pairs: list[Pair]) -> str:
    return text.counted(len(pairs), "class") if pairs else "no other class"


def _part(shown: ShownEvaluation, head: str, pairs: list[Pair], most: int, width: int, *, by_label: bool) -> list[Row]:
    """Return a part's head with its images in all, then as many of its pairs as it has rows for, then the rest."""
    room = max(width - NUMBERS, 1)
    listed = pairs if most >= len(pairs) else pairs[: max(most - 1, 0)]
    images = sum(pair.images for pair in pairs)
    rows: list[Row] = [((text.padded(cut(head, room), room), "label"), (f"{images:>6,}", "value"))]
    for pair in listed:
        name = cut(shown.names[pair.label if by_label else pair.predicted], room - 2)
        numbers = f"{pair.images:>6,} {text.percent(pair.share, 1):>8}"
        rows.append(((f"  {text.padded(name, room - 2)}", ""), (numbers, "value")))
    if len(listed) < len(pairs) and most:
        left = f"  … {len(pairs) - len(listed):,} more"
        rows.append(((f"{left:<{room}}{sum(pair.images for pair in pairs[len(listed) :]):>6,}", "dim"),))
    return rows
