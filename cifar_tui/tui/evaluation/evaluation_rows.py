"""Rows on an evaluation: its progress, the reason of its failure, its result."""

import math
import textwrap

from cifar_tui import text
from cifar_tui.checkpoint_events import EvaluationDone
from cifar_tui.history.run_history import RunHistory
from cifar_tui.report import run_summary
from cifar_tui.report.confusion import most_confused
from cifar_tui.report.verdict_text import class_names
from cifar_tui.tui.evaluation.evaluation_finder import FoundEvaluation
from cifar_tui.tui.widgets.rows import Row, bar, fitted

WIDE = 54
"""Cells from which the classes are in two columns, so that a low screen shows them all."""
PAIRS_LISTED = 10
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
    if result.top3_accuracy is not None:
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


def evaluation_rows(found: FoundEvaluation, width: int, height: int) -> list[Row]:
    """Return rows on a result: its numbers, a bar for each class, the most confused pairs where they fit."""
    result = found.result
    numbers = number_pieces(result)
    first = fitted(numbers, width, gap="  ")
    rows = [first]
    classes = _class_rows(result, width)
    if len(first) < 3 * len(numbers) - 1 and height > len(classes) + 2:
        rows.append(fitted(numbers[2:], width, gap="  "))
    rows += [*age_rows(found, width), *classes]
    pairs = most_confused(result)[: min(PAIRS_LISTED, height - len(rows) - 2)]
    if pairs:
        names = class_names(result)
        rows += [(), (("most confused: true → predicted", "label"),)]
        longest = max(map(text.cells, names))
        rows += [
            (
                (f"{text.padded(names[pair.label], longest, right=True)} → ", "label"),
                (text.padded(names[pair.predicted], longest), "label"),
                (f"{pair.images:>7,}", "value"),
            )
            for pair in pairs
        ]
    return rows


def _class_rows(result: EvaluationDone, width: int) -> list[Row]:
    columns = 2 if width >= WIDE else 1
    height = math.ceil(len(result.classes) / columns)
    return [
        tuple(
            span
            for label in range(row, len(result.classes), height)
            for span in _class_row(result, label, width // columns)
        )
        for row in range(height)
    ]


def _class_row(result: EvaluationDone, label: int, width: int) -> Row:
    share = result.class_accuracy(label)
    names = class_names(result)
    longest = max(map(text.cells, names))
    cells = max(width - longest - 12, 4)
    known = share if math.isfinite(share) else 0.0
    return (
        (f"{text.padded(names[label], longest)} ", "label"),
        *bar(known, cells),
        (f" {text.percent(share, 1):>8}  ", "value"),
    )
