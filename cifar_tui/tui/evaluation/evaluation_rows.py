"""Rows on an evaluation: its progress, the reason of its failure, its result."""

import math
import textwrap
from collections.abc import Sequence

from cifar_tui import text
from cifar_tui.checkpoint_events import EvaluationDone
from cifar_tui.history.run_history import RunHistory
from cifar_tui.report import run_summary
from cifar_tui.report.confusion import Pair
from cifar_tui.report.verdict_text import shows_top3
from cifar_tui.tui.evaluation.evaluation_finder import FoundEvaluation
from cifar_tui.tui.evaluation.shown_evaluation import ShownEvaluation, shown_evaluation
from cifar_tui.tui.widgets.rows import Row, bar, fitted

WIDE = 54
"""Cells from which the classes are in two columns, so that a low screen shows them all."""
PAIRS_LISTED = 10
EXTREMES = 12
"""The worst and the best classes in a line, of which as many are shown as fit."""
FEW = 10
"""Classes that are all shown, however low the panel is."""
MANY_ROWS = 6
"""Rows of a panel that has room for the two worst and the two best of many classes, and nothing else."""
CANCEL: Row = (("e", "accent"), (" Cancel the evaluation", "dim"))


def wrapped(message: str, width: int, style: str) -> list[Row]:
    """Return a message in as many rows as it needs; nothing is cut."""
    return [((line, style),) for line in textwrap.wrap(message, max(width, 1))]


def progress_rows(name: str, done: int, images: int, width: int) -> list[Row]:
    """Return rows on the progress of an evaluation."""
    return [
        ((f"Evaluating {name}", "accent"),),
        ((f"{done:,} of {images:,} test images ", "value"),),
        (*bar(done / images, max(width - 6, 4)), (f" {text.percent(done / images, 0)}", "label")),
        CANCEL,
    ]


def waiting_rows(name: str, history: RunHistory, width: int) -> list[Row]:
    """Return rows on an evaluation that was requested and has measured nothing yet."""
    if history.live:
        state = "It starts after this step."
    elif history.progress is not None:
        state = run_summary.progress_line(history.progress)
    else:
        state = "Loading the images…"
    return [((f"Evaluating {name}…", "accent"),), *wrapped(state, width, "value"), CANCEL]


def failure_rows(reason: str, damaged: bool, width: int) -> list[Row]:
    """Return rows on the failure of an evaluation."""
    head = "Damaged: this checkpoint cannot be used." if damaged else "Not evaluated."
    return [((head, "bad"),), *wrapped(reason, width, "value")]


def number_pieces(result: EvaluationDone) -> list[Row]:
    """Return the numbers over all classes, in order of importance."""
    pieces: list[Row] = [
        (("accuracy ", "label"), (text.percent(result.accuracy), "good")),
        (("loss ", "label"), (text.loss(result.loss), "value")),
    ]
    if result.top3_accuracy is not None and shows_top3(result):
        pieces.append((("top-3 ", "label"), (text.percent(result.top3_accuracy), "value")))
    if result.calibration_error is not None:
        pieces.append((("ECE ", "label"), (text.percent(result.calibration_error), "value")))
    return pieces


def age_rows(found: FoundEvaluation, width: int) -> list[Row]:
    """Return rows on what was measured, or on why that no longer holds."""
    if found.outdated_because:
        return wrapped(f"Out of date: {found.outdated_because}.", width, "warn")
    result = found.result
    return [((f"{result.images:,} test images in {text.duration(result.seconds)}", "dim"),)]


def extreme_rows(shown: ShownEvaluation, width: int) -> list[Row]:
    """Return two rows: the classes with the lowest accuracy, and those with the highest, as many as fit."""
    worst, best = shown.confusion.extremes(EXTREMES)
    return [fitted(_extremes(shown, *one), width, gap="  ") for one in (("worst", worst), ("best ", best))]


def _extremes(shown: ShownEvaluation, title: str, labels: list[int]) -> list[Row]:
    named = ((shown.names[label], text.percent(shown.confusion.scores[label].recall, 1)) for label in labels)
    return [((title, "dim"),), *(((f"{name} ", "label"), (share, "value")) for name, share in named)]


def evaluation_rows(found: FoundEvaluation, width: int, height: int, shown: ShownEvaluation | None = None) -> list[Row]:
    """Return rows on a result: its numbers, a bar for each class, the most confused pairs where they fit.

    Where not all classes fit, those with the lowest and the highest accuracy are shown. `shown` is what the result is
    drawn from, where it is known.
    """
    shown = shown or shown_evaluation(found)
    numbers = number_pieces(found.result)
    first = fitted(numbers, width, gap="  ")
    rows = [first]
    classes = class_bars(shown, range(len(shown.names)), width)
    many = len(shown.names) > FEW and len(classes) + 2 > height
    left = [piece for piece in numbers if piece[0] not in first]
    if left and (height > MANY_ROWS if many else height > len(classes) + 2):
        rows.append(fitted(left, width, gap="  "))
    rows += age_rows(found, width)
    if many:
        classes = _extreme_bars(shown, width, height - len(rows))
    rows += classes
    pairs = shown.confusion.pairs[: max(min(PAIRS_LISTED, height - len(rows) - 2), 0)]
    return [*rows, *_pair_rows(shown, pairs)]


def _pair_rows(shown: ShownEvaluation, pairs: list[Pair]) -> list[Row]:
    if not pairs:
        return []
    names = shown.names
    longest = max(text.cells(names[label]) for pair in pairs for label in (pair.label, pair.predicted))
    head: list[Row] = [(), (("most confused: true → predicted", "label"),)]
    return [
        *head,
        *(
            (
                (f"{text.padded(names[pair.label], longest, right=True)} → ", "label"),
                (text.padded(names[pair.predicted], longest), "label"),
                (f"{pair.images:>7,}", "value"),
            )
            for pair in pairs
        ),
    ]


def class_bars(shown: ShownEvaluation, labels: Sequence[int], width: int, longest: int = 0) -> list[Row]:
    """Return a bar for each of some classes, in two columns where the room is wide, after names of so many cells."""
    columns = 2 if width >= WIDE else 1
    height = math.ceil(len(labels) / columns)
    longest = longest or max((text.cells(shown.names[label]) for label in labels), default=0)
    return [
        tuple(span for label in labels[row::height] for span in _class_row(shown, label, width // columns, longest))
        for row in range(height)
    ]


def _extreme_bars(shown: ShownEvaluation, width: int, height: int) -> list[Row]:
    """Return bars of the classes with the lowest accuracy and of those with the highest, in half of the rows."""
    worst, best = shown.confusion.extremes(max(height // 4 - 1, 1) * (2 if width >= WIDE else 1))
    count = f" of {text.counted(len(shown.names), 'class')}"
    longest = max((text.cells(shown.names[label]) for label in (*worst, *best)), default=0)
    rows: list[Row] = [((f"worst{count}", "label"),), *class_bars(shown, worst, width, longest)]
    return [*rows, (("best", "label"),), *class_bars(shown, best, width, longest)][: max(height, 0)]


def _class_row(shown: ShownEvaluation, label: int, width: int, longest: int) -> Row:
    share = shown.confusion.scores[label].recall
    cells = max(width - longest - 12, 4)
    known = share if math.isfinite(share) else 0.0
    return (
        (f"{text.padded(shown.names[label], longest)} ", "label"),
        *bar(known, cells),
        (f" {text.percent(share, 1):>8}  ", "value"),
    )
