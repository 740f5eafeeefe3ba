"""An evaluation's result as text and tables, for the console, and as the short text that a screen has room for."""

from collections.abc import Iterable

from cifar_tui import text
from cifar_tui.checkpoint_events import MOST_DENSE, EvaluationDone
from cifar_tui.event_records import event_to_record
from cifar_tui.report.class_names import NAME_LENGTH, class_names, short_names
from cifar_tui.report.confusion import Confusion

PAIRS_LISTED = 10
WORST_LISTED, BEST_LISTED = 10, 5
"""Classes listed of more than `MOST_DENSE`."""
SHORT_NAME = 4
"""Cells of a class name above a column of numbers."""
LEAST_NAME = 8
TOO_WIDE = "The confusion matrix is wider than this terminal; --json has it."
PAIR_ROOM = 35
"""Cells of a confused pair's line without its three names."""
TOP_OF = 3
"""Classes from which on the three most probable ones say something: of up to three, every image is among them."""


def verdict_lines(verdict: EvaluationDone, width: int | None = None) -> list[str]:
    """Return an evaluation's result as plain lines: accuracy, classes, confusion matrix, the pairs most confused.

    Of many classes the worst and the best are listed, and no matrix. Tables are at most `width` cells wide, where it is
    given.
    """
    how = ", each evaluated with its mirror image (flip-TTA)" if verdict.tta else ""
    whole = (
        f"{verdict.checkpoint}: test accuracy {text.percent(verdict.accuracy)}, loss {text.loss(verdict.loss)} "
        f"on {verdict.images:,} images{how} in {text.duration(verdict.seconds)}"
    )
    confusion = Confusion(verdict)
    room = NAME_LENGTH if width is None else (width - PAIR_ROOM) // 3
    names = class_names(verdict.classes, min(max(room, LEAST_NAME), NAME_LENGTH))
    parts = (
        _more_lines(verdict),
        _class_lines(names, confusion),
        _confusion_lines(names, verdict, width),
        _pair_lines(names, confusion),
    )
    return [whole, *(line for part in parts for line in part)]


def verdict_record(verdict: EvaluationDone) -> dict[str, object]:
    """An evaluation's result as plain data: its event, and what follows from the confusion matrix."""
    names, confusion = verdict.classes, Confusion(verdict)
    scores = [
        {"class": name, "precision": score.precision, "recall": score.recall, "f1": score.f1}
        for name, score in zip(names, confusion.scores, strict=True)
    ]
    pairs = [
        {"class": names[pair.label], "taken_for": names[pair.predicted], "images": pair.images, "share": pair.share}
        for pair in confusion.pairs[:PAIRS_LISTED]
    ]
    record = event_to_record(verdict)
    if record.pop("sparse_confusion", None):  # a script has the same matrix of any number of classes
        everyone = range(confusion.classes)
        record["confusion"] = [[confusion.count(label, predicted) for predicted in everyone] for label in everyone]
    return {**record, "class_scores": scores, "most_confused": pairs}


def shows_top3(verdict: EvaluationDone) -> bool:
    """Return True where the accuracy among the three most probable classes is known, and can be below 100 %."""
    return verdict.top3_accuracy is not None and len(verdict.classes) > TOP_OF


def _more_lines(verdict: EvaluationDone) -> list[str]:
    parts = []
    if verdict.top3_accuracy is not None and shows_top3(verdict):
        parts.append(f"top-3 accuracy {text.percent(verdict.top3_accuracy)}")
    if verdict.calibration_error is not None:
        parts.append(f"calibration error {text.percent(verdict.calibration_error)} (ECE, 15 bins)")
    return [", ".join(parts)] if parts else []


def _class_lines(names: list[str], confusion: Confusion) -> list[str]:
    width = max(text.cells("class"), *map(text.cells, names))
    if confusion.classes <= MOST_DENSE:
        return ["", *_score_lines("", names, range(confusion.classes), confusion, width)]
    worst, best = confusion.extremes(WORST_LISTED)
    best = [label for label in best[:BEST_LISTED] if label not in worst]
    lines = ["", *_score_lines(f"The worst of {confusion.classes:,} classes:", names, worst, confusion, width)]
    return [*lines, "", *_score_lines("The best:", names, best, confusion, width)] if best else lines


def _score_lines(title: str, names: list[str], labels: Iterable[int], confusion: Confusion, width: int) -> list[str]:
    """Return a table of some classes below its title."""
    lines = [*([title] if title else []), f"  {'class':<{width}}  precision    recall        F1"]
    for label in labels:
        score = confusion.scores[label]
        shares = "".join(f"{text.percent(share):>10}" for share in (score.precision, score.recall, score.f1))
        lines.append(f"  {text.padded(names[label], width)} {shares}")
    return lines


def _confusion_lines(names: list[str], verdict: EvaluationDone, most: int | None) -> list[str]:
    if not verdict.confusion or len(names) > MOST_DENSE:
        return []
    width = max(map(text.cells, names))
    cell = max(SHORT_NAME, len(str(verdict.images))) + 1
    if most is not None and 2 + width + len(names) * cell > most:
        cell = max(SHORT_NAME - 1, len(str(max(map(max, verdict.confusion))))) + 1
        if 2 + width + len(names) * cell > most:
            return ["", TOO_WIDE]
    head = "".join(text.padded(name, cell, right=True) for name in short_names(names, min(SHORT_NAME, cell - 1)))
    lines = ["", "Images by true class (rows) and predicted class (columns):", f"  {'':<{width}}{head}"]
    for name, row in zip(names, verdict.confusion, strict=True):
        lines.append(f"  {text.padded(name, width)}{''.join(f'{images:>{cell}}' for images in row)}")
    return lines


def _pair_lines(names: list[str], confusion: Confusion) -> list[str]:
    width = max(map(text.cells, names))
    several = f" ({min(PAIRS_LISTED, len(confusion.pairs))} of {len(confusion.pairs):,} pairs)"
    lines = ["", f"Most confused{several if confusion.classes > MOST_DENSE else ''}:"]
    for pair in confusion.pairs[:PAIRS_LISTED]:
        share = f"{pair.images:>6,}  {text.percent(pair.share, 1):>7} of {names[pair.label]}"
        label, predicted = names[pair.label], names[pair.predicted]
        lines.append(f"  {text.padded(label, width, right=True)} predicted as {text.padded(predicted, width)}{share}")
    return lines if len(lines) > 2 else []
