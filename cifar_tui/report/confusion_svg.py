"""An evaluation's confusion matrix as SVG: all of it of few classes, and of many the part that is confused most."""

import html
from collections.abc import Iterable, Sequence

from cifar_tui import text
from cifar_tui.checkpoint_events import MOST_DENSE, EvaluationDone
from cifar_tui.report.class_names import class_names
from cifar_tui.report.confusion import Confusion

CELL, LINE, GAP = 34, 18, 16
"""Sides of a cell, height of a line of text and space around, in pixels."""
NAMES, NAMES_ABOVE = 130, 100
"""Width of the names beside the matrix and height of those above it."""
PAIRS_WIDTH = 470
MOST_PAIRS = 20
DARK = 0.5
"""Share of a class from which on its number is white."""


def confusion_svg(done: EvaluationDone) -> str:
    """Return an evaluation's confusion matrix and its most confused pairs as a document.

    A cell's shade is the share of its true class. Of more than 20 classes the 20 in the most confused pairs are drawn,
    and a column for all others, so that a document of any number of classes has at most about 60 kB.
    """
    confusion, names = Confusion(done), class_names(done.classes)
    shown = shown_classes(confusion)
    rest = confusion.classes - len(shown)
    columns = [names[label] for label in shown] + ([f"{rest:,} others"] if rest else [])
    left, top = GAP + NAMES, GAP + 2 * LINE + NAMES_ABOVE
    right, bottom = left + CELL * len(columns), top + CELL * len(shown)
    height = max(bottom + LINE, top + LINE * MOST_PAIRS) + GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {right + PAIRS_WIDTH} {height}" '
        'font-family="sans-serif" font-size="13">',
        f'<rect width="{right + PAIRS_WIDTH}" height="{height}" fill="white"/>',
        *_head(done, len(shown), rest),
        *_names([names[label] for label in shown], columns, left, top),
        *_cells(confusion, shown, left, top),
        *_lines(_pair_lines(confusion, names), right + 2 * GAP, top),
    ]
    return "\n".join([*parts, "</svg>"]) + "\n"


def shown_classes(confusion: Confusion) -> list[int]:
    """Return all of up to 20 classes, and of more the 20 in the most confused pairs, in label order."""
    if confusion.classes <= MOST_DENSE:
        return list(range(confusion.classes))
    shown: dict[int, None] = {}
    for pair in confusion.pairs:
        both = {**shown, pair.label: None, pair.predicted: None}
        if len(both) > MOST_DENSE:
            break
        shown = both
    by_recall = confusion.extremes(MOST_DENSE)[0]
    return sorted([*shown, *(label for label in by_recall if label not in shown)][:MOST_DENSE])


def _head(done: EvaluationDone, shown: int, rest: int) -> list[str]:
    whole = (
        f"{text.safe_text(done.checkpoint, 80)}: test accuracy {text.percent(done.accuracy)} on {done.images:,} images"
    )
    below = f"The {shown} classes of {shown + rest:,} that are confused most. " if rest else ""
    return _lines([whole, f"{below}Rows: true class. Columns: predicted as."], GAP, GAP)


def _lines(lines: Iterable[str], x: float, top: float) -> list[str]:
    return [_text(x, top + LINE * number + 13, line) for number, line in enumerate(lines)]


def _names(rows: Sequence[str], columns: Sequence[str], left: int, top: int) -> list[str]:
    beside = [
        _text(left - 6, top + CELL * (place + 0.5) + 4, name, 'text-anchor="end"') for place, name in enumerate(rows)
    ]
    above = []
    for place, name in enumerate(columns):
        x, y = left + CELL * (place + 0.5) + 4, top - 6
        above.append(_text(x, y, name, f'transform="rotate(-60 {x:.0f} {y:.0f})"'))
    return [*beside, *above]


def _cells(confusion: Confusion, shown: Sequence[int], left: int, top: int) -> list[str]:
    """Return the cells that have images, and a frame around all."""
    parts = []
    for row, label in enumerate(shown):
        counts = [confusion.count(label, predicted) for predicted in shown]
        if len(shown) < confusion.classes:
            counts.append(confusion.images[label] - sum(counts))
        for column, images in enumerate(counts):
            if images:
                parts += _cell(left + CELL * column, top + CELL * row, images, images / confusion.images[label])
        parts += [f'<path d="M{left} {top + CELL * row}h{CELL * len(counts)}" stroke="#eee"/>']
    columns = len(shown) + (len(shown) < confusion.classes)
    frame = f'width="{CELL * columns}" height="{CELL * len(shown)}" fill="none" stroke="#999"'
    return [*parts, f'<rect x="{left}" y="{top}" {frame}/>']


def _cell(x: int, y: int, images: int, share: float) -> list[str]:
    ink = "white" if share > DARK else "#222"
    return [
        f'<rect x="{x}" y="{y}" width="{CELL}" height="{CELL}" fill="#08408a" fill-opacity="{share**0.5:.2f}"/>',
        _text(x + CELL / 2, y + CELL / 2 + 4, f"{images}", f'text-anchor="middle" font-size="11" fill="{ink}"'),
    ]


def _pair_lines(confusion: Confusion, names: Sequence[str]) -> list[str]:
    some = confusion.pairs[: MOST_PAIRS - 1]
    if not some:
        return ["No image was predicted as another class."]
    head = f"Most confused ({len(some)} of {len(confusion.pairs):,} pairs):"
    return [
        head if len(some) < len(confusion.pairs) else "Most confused:",
        *(
            f"{names[pair.label]} predicted as {names[pair.predicted]}: {pair.images:,}, {text.percent(pair.share, 1)}"
            for pair in some
        ),
    ]


def _text(x: float, y: float, content: str, more: str = "") -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" {more}>{html.escape(content)}</text>'
