"""Rows on one class: the classes that its images were predicted as, and those whose images were predicted as it."""

from cifar_tui import text
from cifar_tui.report.confusion import Pair
from cifar_tui.tui.evaluation.shown_evaluation import ShownEvaluation
from cifar_tui.tui.widgets.rows import Row, bar, fitted

NUMBERS = 16
"""Cells of a count and a percentage."""
MIN_BAR = 6


def detail_rows(shown: ShownEvaluation, label: int, width: int, height: int) -> list[Row]:
    """Return rows on a class in so many cells: its row of the confusion matrix, then its column."""
    confusion = shown.confusion
    scores = confusion.scores[label]
    numbers: list[Row] = [
        ((text.counted(confusion.images[label], "image"), "value"),),
        (("accuracy ", "dim"), (text.percent(scores.recall, 1), "value")),
        (("precision ", "dim"), (text.percent(scores.precision, 1), "value")),
    ]
    rows: list[Row] = [fitted(numbers, width, gap="  ")]
    predicted_as, predicted_from = confusion.predicted_as(label), confusion.predicted_from(label)
    left = max(height - len(rows) - 2, 0)
    # Each part takes half of the rows, and what the other leaves.
    first = min(len(predicted_as), max(left - len(predicted_from), (left + 1) // 2))
    second = min(len(predicted_from), left - first)
    rows += _part(shown, "predicted as", predicted_as, first, width, by_label=False)
    rows += _part(shown, "predicted as it", predicted_from, second, width, by_label=True)
    return rows[:height]


def _part(shown: ShownEvaluation, title: str, pairs: list[Pair], most: int, width: int, *, by_label: bool) -> list[Row]:
    """Return a part's title, and as many of its pairs as it has rows for."""
    images = sum(pair.images for pair in pairs)
    more = f", the first {most} of {text.counted(len(pairs), 'class')}" if most < len(pairs) else ""
    rows: list[Row] = [((f"{title}: {text.counted(images, 'image')}{more}", "label"),)]
    listed = pairs[:most]
    if not listed:
        return rows
    names = [shown.names[pair.label if by_label else pair.predicted] for pair in listed]
    longest = max(map(text.cells, names))
    cells = width - longest - 1 - NUMBERS
    for name, pair in zip(names, listed, strict=True):
        drawn = bar(pair.share, cells) if cells >= MIN_BAR else ()
        numbers = f"{pair.images:>7,} {text.percent(pair.share, 1):>8}"
        rows.append(((f"{text.padded(name, longest)} ", "value"), *drawn, (numbers, "value")))
    return rows
