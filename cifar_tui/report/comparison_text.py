"""A comparison of checkpoints as a table, in styled rows for a screen and in plain lines, and as plain data."""

import math
import string
from collections.abc import Callable, Sequence

from cifar_tui import text
from cifar_tui.checkpoint_events import MOST_DENSE, ComparedImage, ComparedPair, ComparisonDone
from cifar_tui.report.mcnemar import mcnemar_p, significance

Row = tuple[tuple[str, str], ...]
"""Text, and the name of its style, from left to right."""

CHANGED_LISTED = 10
"""Classes listed, of more than `MOST_DENSE`, that became worse, and that became better."""
VALUE, CHANGE = 10, 9
"""Cells of a number, and of its difference to the first one's."""
COUNTS = {"agreement": 11, "fixed": 8, "broken": 8, "both wrong": 12}
"""Columns of two checkpoints, and the cells of each."""
DrawBar = Callable[[float], Row]
"""Returns a bar for a share of 0 to 1, always as wide."""


def comparison_rows(
    done: ComparisonDone, draw_bar: DrawBar = lambda _: (), labels: Sequence[int] | None = None
) -> list[Row]:
    """Return names; accuracy, loss and every class of each, with the difference to the first; every two of them.

    `labels` are the classes that are shown, in this order; without, all of them. Of many classes they come last.
    """
    names, width = _names(done)
    totals = [*_name_rows(done), (), *_total_rows(done, width, draw_bar)]
    classes = _class_rows(done, names, width, draw_bar, range(len(names)) if labels is None else labels)
    if len(names) <= MOST_DENSE:
        return [*totals, *classes, (), *_pair_rows(done)]
    return [*totals, (), *_pair_rows(done), (), _head(done, width, draw_bar), *classes]


def comparison_lines(done: ComparisonDone) -> list[str]:
    """The same as plain lines; of many classes those that changed most."""
    if len(done.classes) <= MOST_DENSE:
        return _lines(comparison_rows(done))
    lines = _lines(comparison_rows(done, labels=()))
    ordered = sorted(range(len(done.classes)), key=lambda label: class_change(done, label))
    worse = [label for label in ordered if class_change(done, label) < 0]
    better = [label for label in reversed(ordered) if class_change(done, label) > 0]
    names, width = _names(done)
    for word, labels in (("worse", worse), ("better", better)):
        lines += [f"{text.counted(len(labels), 'class')} of {len(names):,} became {word}{':' if labels else '.'}"]
        lines += _lines(_class_rows(done, names, width, lambda _: (), labels[:CHANGED_LISTED]))
        if len(labels) > CHANGED_LISTED:
            lines.append(f"… {len(labels) - CHANGED_LISTED:,} more")
    return lines


def _names(done: ComparisonDone) -> tuple[list[str], int]:
    """Return the classes' names, and the cells of the first column."""
    # The first screen takes nothing but constants from this module, and starts without the other.
    from cifar_tui.report.class_names import class_names

    names = class_names(done.classes)
    return names, max(len("accuracy"), *map(text.cells, names))


def class_change(done: ComparisonDone, label: int) -> float:
    """Return the largest difference of a class's accuracy to that of the first checkpoint, -1 to 1."""
    images = max(done.class_images[label], 1)
    return max(((hits[label] - done.hits[0][label]) / images for hits in done.hits), key=abs)


def comparison_record(done: ComparisonDone) -> dict[str, object]:
    """The same as plain data."""
    checkpoints = [
        {
            "checkpoint": name,
            "accuracy": _accuracy(done, place),
            "loss": done.losses[place] if math.isfinite(done.losses[place]) else None,
            "class_accuracies": {
                one: share if math.isfinite(share) else None
                for one, share in zip(done.classes, _class_shares(done, place), strict=True)
            },
        }
        for place, name in enumerate(done.checkpoints)
    ]
    pairs = [
        {
            "first": done.checkpoints[pair.first],
            "second": done.checkpoints[pair.second],
            "agreement": pair.agreed / _images(done),
            "fixed": pair.fixed,
            "broken": pair.broken,
            "both_wrong": pair.both_wrong,
            "p": mcnemar_p(pair.fixed, pair.broken),
            "fixed_images": [image.index for image in changed_images(done, pair, fixed=True)],
            "broken_images": [image.index for image in changed_images(done, pair, fixed=False)],
        }
        for pair in done.pairs
    ]
    return {"images": _images(done), "data": done.images, "checkpoints": checkpoints, "pairs": pairs}


def changed_images(done: ComparisonDone, pair: ComparedPair, *, fixed: bool) -> list[ComparedImage]:
    """Return the images that the second of a pair fixed, or broke."""
    right, wrong = (pair.second, pair.first) if fixed else (pair.first, pair.second)
    return [one for one in done.changed if one.predicted[right] == one.label != one.predicted[wrong]]


def _images(done: ComparisonDone) -> int:
    return sum(done.class_images)


def _accuracy(done: ComparisonDone, place: int) -> float:
    return sum(done.hits[place]) / _images(done)


def _class_shares(done: ComparisonDone, place: int) -> list[float]:
    return [
        hits / images if images else math.nan for hits, images in zip(done.hits[place], done.class_images, strict=True)
    ]


def _name_rows(done: ComparisonDone) -> list[Row]:
    on = f"on {_images(done):,} test images, {text.safe_text(done.images, 60)}"
    names = zip(string.ascii_uppercase, done.checkpoints, strict=False)
    change: list[Row] = [((change_text(done.pairs[0]), "accent"),)] if len(done.pairs) == 1 else []
    return [
        *(((letter, "accent"), (f"  {text.safe_text(name, 100)}", "value")) for letter, name in names),
        ((on, "dim"),),
        *change,
    ]


def _head(done: ComparisonDone, width: int, draw_bar: DrawBar) -> Row:
    """Return the letters of the checkpoints above their columns."""
    blank = " " * sum(len(words) for words, _ in draw_bar(0.0))
    letters = enumerate(string.ascii_uppercase[: len(done.checkpoints)])
    head = "".join(f"{letter:>{VALUE}}{' ' * CHANGE if place else ''}{blank}" for place, letter in letters)
    return ((f"{'':<{width}}{head}", "dim"),)


def _total_rows(done: ComparisonDone, width: int, draw_bar: DrawBar) -> list[Row]:
    places = range(len(done.checkpoints))
    blank = " " * sum(len(words) for words, _ in draw_bar(0.0))
    losses: list[Cell] = [(f"{text.loss(loss):>{VALUE}}", loss, ((blank, ""),)) for loss in done.losses]
    return [
        _head(done, width, draw_bar),
        _line("accuracy", width, [_share(_accuracy(done, place), draw_bar) for place in places], as_share=True),
        _line("loss", width, losses, as_share=False),
    ]


def _class_rows(
    done: ComparisonDone, names: Sequence[str], width: int, draw_bar: DrawBar, labels: Sequence[int]
) -> list[Row]:
    shares = [_class_shares(done, place) for place in range(len(done.checkpoints))]
    return [
        _line(names[label], width, [_share(one[label], draw_bar) for one in shares], as_share=True) for label in labels
    ]


def _lines(rows: list[Row]) -> list[str]:
    return ["".join(words for words, _ in row).rstrip() for row in rows]


Cell = tuple[str, float, Row]
"""A number as text, itself, and its bar."""


def _share(share: float, draw_bar: DrawBar) -> Cell:
    return f"{text.percent(share):>{VALUE}}", share, draw_bar(share if math.isfinite(share) else 0.0)


def _line(name: str, width: int, cells: list[Cell], *, as_share: bool) -> Row:
    """A name and each number with its bar, all but the first with its difference to the first."""
    spans = [(text.padded(name, width), "label")]
    for place, (number, value, drawn) in enumerate(cells):
        spans.append((number, "value"))
        if place:
            spans.append(_change(value - cells[0][1], as_share=as_share))
        spans += drawn
    return tuple(spans)


def _change(change: float, *, as_share: bool) -> tuple[str, str]:
    words = f"{change * 100:+.2f}" if as_share else f"{change:+.4f}"
    if not math.isfinite(change) or float(words) == 0:
        return f"{'=' if change == change else '–':>{CHANGE}}", "dim"
    return f"{words:>{CHANGE}}", "good" if (change > 0) == as_share else "bad"


def _pair_rows(done: ComparisonDone) -> list[Row]:
    head = "".join(f"{word:>{COUNTS[word]}}" for word in COUNTS)
    rows: list[Row] = [((f"{'':<5}{head}", "dim"),)]
    rows += [_pair_row(pair, _images(done), in_words=len(done.pairs) > 1) for pair in done.pairs]
    return rows


def change_text(pair: ComparedPair) -> str:
    """Return what changed between two checkpoints: `43 fixed, 122 broken: more than chance (p < 0.001)`."""
    return f"{pair.fixed:,} fixed, {pair.broken:,} broken: {significance(pair.fixed, pair.broken)}"


def pair_name(pair: ComparedPair) -> str:
    """Return the letters of a pair: `A → B`."""
    return f"{string.ascii_uppercase[pair.first]} → {string.ascii_uppercase[pair.second]}"


def _pair_row(pair: ComparedPair, images: int, *, in_words: bool) -> Row:
    agreement, fixed, broken, both_wrong = COUNTS.values()
    return (
        (f"{pair_name(pair):<5}", "accent"),
        (f"{text.percent(pair.agreed / images):>{agreement}}", "value"),
        (f"{pair.fixed:>{fixed},}", "good"),
        (f"{pair.broken:>{broken},}", "bad"),
        (f"{pair.both_wrong:>{both_wrong},}", "value"),
        (f"  {significance(pair.fixed, pair.broken)}" if in_words else "", "label"),
    )
