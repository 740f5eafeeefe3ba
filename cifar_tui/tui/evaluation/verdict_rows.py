"""Rows on an evaluation: its progress, why it failed, and its verdict in the room there is."""

import math
import textwrap

from cifar_tui import text
from cifar_tui.evaluation_events import EvaluationDone
from cifar_tui.report.confusion import most_confused
from cifar_tui.report.verdict_text import class_names
from cifar_tui.tui.evaluation.verdict_finder import FoundEvaluation
from cifar_tui.tui.widgets.rows import Row, bar, fitted

WIDE_VERDICT = 54
"""Cells from which the classes stand in two columns, so that a low screen shows them all."""
PAIRS_LISTED = 10


def wrapped(words: str, width: int, style: str) -> list[Row]:
    """Words in as many rows as they need; none is cut."""
    return [((line, style),) for line in textwrap.wrap(words, max(width, 1))]


def progress_rows(name: str, done: int, images: int, width: int) -> list[Row]:
    """How far an evaluation has come."""
    return [
        ((f"Evaluating {name}", "accent"),),
        ((f"{done:,} of {images:,} test images ", "value"),),
        (*bar(done / images, max(width - 6, 4)), (f" {done / images:.0%}", "label")),
        (("x", "accent"), (" gives it up", "dim")),
    ]


def failure_rows(reason: str, damaged: bool, width: int) -> list[Row]:
    """Why there is no verdict."""
    head = "Damaged: it cannot be used." if damaged else "Not evaluated."
    return [((head, "bad"),), *wrapped(reason, width, "value")]


def number_pieces(verdict: EvaluationDone) -> list[Row]:
    """The numbers on the whole, in order of importance."""
    pieces: list[Row] = [
        (("accuracy ", "label"), (text.percent(verdict.accuracy), "good")),
        (("loss ", "label"), (text.loss(verdict.loss), "value")),
    ]
    if verdict.top3_accuracy is not None:
        pieces.append((("top-3 ", "label"), (text.percent(verdict.top3_accuracy), "value")))
    if verdict.calibration_error is not None:
        pieces.append((("ECE ", "label"), (text.percent(verdict.calibration_error), "value")))
    return pieces


def age_rows(found: FoundEvaluation, width: int) -> list[Row]:
    """What was measured, or why that no longer holds."""
    if found.outdated_because:
        return wrapped(f"Out of date: {found.outdated_because}.", width, "warn")
    verdict = found.verdict
    return [((f"{verdict.images:,} test images in {text.duration(verdict.seconds)}", "dim"),)]


def verdict_rows(found: FoundEvaluation, width: int, height: int) -> list[Row]:
    """The whole, then a bar for each class, then the pairs most confused where there is room."""
    verdict = found.verdict
    numbers = number_pieces(verdict)
    first = fitted(numbers, width, gap="  ")
    rows = [first]
    classes = _class_rows(verdict, width)
    if len(first) < 3 * len(numbers) - 1 and height > len(classes) + 2:
        rows.append(fitted(numbers[2:], width, gap="  "))
    rows += [*age_rows(found, width), *classes]
    pairs = most_confused(verdict)[: min(PAIRS_LISTED, height - len(rows) - 2)]
    if pairs:
        names = class_names(verdict)
        rows += [(), (("most confused", "label"),)]
        rows += [
            ((f"{names[pair.label]} → {names[pair.predicted]} ", "label"), (f"{pair.images:,}", "value"))
            for pair in pairs
        ]
    return rows


def _class_rows(verdict: EvaluationDone, width: int) -> list[Row]:
    columns = 2 if width >= WIDE_VERDICT else 1
    height = math.ceil(len(verdict.classes) / columns)
    return [
        tuple(
            span
            for label in range(row, len(verdict.classes), height)
            for span in _class_row(verdict, label, width // columns)
        )
        for row in range(height)
    ]


def _class_row(verdict: EvaluationDone, label: int, width: int) -> Row:
    share = verdict.class_accuracy(label)
    names = class_names(verdict)
    longest = max(map(len, names))
    cells = max(width - longest - 12, 4)
    known = share if math.isfinite(share) else 0.0
    return ((f"{names[label]:<{longest}} ", "label"), *bar(known, cells), (f" {text.percent(share, 1):>8}  ", "value"))
