"""A comparison of checkpoints as a table, in styled rows for a screen and in plain lines, and as plain data."""

import math
import string

from cifar_tui import text
from cifar_tui.checkpoint_events import ComparedPair, ComparisonDone

Row = tuple[tuple[str, str], ...]
"""Text, and the name of its style, from left to right."""

MOST_COMPARED = 8
"""More checkpoints than anybody reads side by side."""
NAME_LENGTH = 16
"""Characters of a class name that are shown."""
VALUE, CHANGE = 10, 9
"""Cells of a number, and of its difference to the first one's."""
COUNT = 12


def comparison_rows(done: ComparisonDone) -> list[Row]:
    """Return names; accuracy, loss and every class of each, with the difference to the first; every two of them."""
    return [*_name_rows(done), (), *_table_rows(done), (), *_pair_rows(done)]


def comparison_lines(done: ComparisonDone) -> list[str]:
    """The same as plain lines."""
    return ["".join(words for words, _ in row).rstrip() for row in comparison_rows(done)]


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
        }
        for pair in done.pairs
    ]
    return {"images": _images(done), "data": done.images, "checkpoints": checkpoints, "pairs": pairs}


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
    return [
        *(((letter, "accent"), (f"  {text.safe_text(name, 100)}", "value")) for letter, name in names),
        ((on, "dim"),),
    ]


def _table_rows(done: ComparisonDone) -> list[Row]:
    places = range(len(done.checkpoints))
    names = [text.safe_text(name, NAME_LENGTH) for name in done.classes]
    width = max(len("accuracy"), *map(len, names))
    head = "".join(f"{string.ascii_uppercase[place]:>{VALUE}}{'' if not place else ' ' * CHANGE}" for place in places)
    shares = [_class_shares(done, place) for place in places]
    rows: list[Row] = [((f"{'':<{width}}{head}", "dim"),)]
    rows.append(_line("accuracy", width, [_accuracy(done, place) for place in places], as_share=True))
    rows.append(_line("loss", width, list(done.losses), as_share=False))
    for label, name in enumerate(names):
        rows.append(_line(name, width, [one[label] for one in shares], as_share=True))
    return rows


def _line(name: str, width: int, values: list[float], *, as_share: bool) -> Row:
    """A name and each value, all but the first with its difference to the first."""
    spans = [(f"{name:<{width}}", "label")]
    for place, value in enumerate(values):
        spans.append((f"{text.percent(value) if as_share else text.loss(value):>{VALUE}}", "value"))
        if place:
            spans.append(_change(value - values[0], as_share=as_share))
    return tuple(spans)


def _change(change: float, *, as_share: bool) -> tuple[str, str]:
    words = f"{change * 100:+.2f}" if as_share else f"{change:+.4f}"
    if not math.isfinite(change) or float(words) == 0:
        return f"{'=' if change == change else '–':>{CHANGE}}", "dim"
    return f"{words:>{CHANGE}}", "good" if (change > 0) == as_share else "bad"


def _pair_rows(done: ComparisonDone) -> list[Row]:
    head = "".join(f"{word:>{COUNT}}" for word in ("agreement", "fixed", "broken", "both wrong"))
    return [((f"{'':<5}{head}", "dim"),), *(_pair_row(pair, _images(done)) for pair in done.pairs)]


def _pair_row(pair: ComparedPair, images: int) -> Row:
    names = f"{string.ascii_uppercase[pair.first]} → {string.ascii_uppercase[pair.second]}"
    return (
        (f"{names:<5}", "accent"),
        (f"{text.percent(pair.agreed / images):>{COUNT}}", "value"),
        (f"{pair.fixed:>{COUNT},}", "good"),
        (f"{pair.broken:>{COUNT},}", "bad"),
        (f"{pair.both_wrong:>{COUNT},}", "value"),
    )
