"""An evaluation's result as text and tables, for the console, and as the short text that a screen has room for."""

from cifar_tui import text
from cifar_tui.checkpoint_events import EvaluationDone
from cifar_tui.event_records import event_to_record
from cifar_tui.report.confusion import class_scores, most_confused

NAME_LENGTH = 16
"""Characters of a class name that are shown."""
PAIRS_LISTED = 10
SHORT_NAME = 4
"""Cells of a class name above a column of numbers."""


def class_names(verdict: EvaluationDone) -> list[str]:
    """The classes' names, safe to show, none too long for a table."""
    return [text.safe_text(name, NAME_LENGTH) for name in verdict.classes]


def short_names(names: list[str], length: int) -> list[str]:
    """Names of at most so many cells that still differ: their beginnings, with as much of their ends as needed."""
    for ending in range(length):
        short = [_shortened(name, length, ending) for name in names]
        if len(set(short)) == len(set(names)):
            return short
    return [str(number) for number in range(len(names))]


def _shortened(name: str, length: int, ending: int) -> str:
    if text.cells(name) <= length:
        return name
    head, tail = name[: length - ending], name[len(name) - ending :]
    while text.cells(head + tail) > length:
        head, tail = (head[:-1], tail) if head else ("", tail[1:])
    return head + tail


def verdict_lines(verdict: EvaluationDone) -> list[str]:
    """Return an evaluation's result as plain lines: accuracy, classes, confusion matrix, the pairs most confused."""
    how = ", each evaluated with its mirror image (flip-TTA)" if verdict.tta else ""
    whole = (
        f"{verdict.checkpoint}: test accuracy {text.percent(verdict.accuracy)}, loss {text.loss(verdict.loss)} "
        f"on {verdict.images:,} images{how} in {text.duration(verdict.seconds)}"
    )
    parts = (_more_lines(verdict), _class_lines(verdict), _confusion_lines(verdict), _pair_lines(verdict))
    return [whole, *(line for part in parts for line in part)]


def verdict_record(verdict: EvaluationDone) -> dict[str, object]:
    """An evaluation's result as plain data: its event, and what follows from the confusion matrix."""
    names = verdict.classes
    scores = [
        {"class": name, "precision": score.precision, "recall": score.recall, "f1": score.f1}
        for name, score in zip(names, class_scores(verdict), strict=True)
    ]
    pairs = [
        {"class": names[pair.label], "taken_for": names[pair.predicted], "images": pair.images, "share": pair.share}
        for pair in most_confused(verdict)[:PAIRS_LISTED]
    ]
    return {**event_to_record(verdict), "class_scores": scores, "most_confused": pairs}


def _more_lines(verdict: EvaluationDone) -> list[str]:
    if verdict.top3_accuracy is None or verdict.calibration_error is None:
        return []
    return [
        f"top-3 accuracy {text.percent(verdict.top3_accuracy)}, "
        f"calibration error {text.percent(verdict.calibration_error)} (ECE, 15 bins)"
    ]


def _class_lines(verdict: EvaluationDone) -> list[str]:
    names = class_names(verdict)
    width = max(map(text.cells, names))
    lines = ["", f"  {'class':<{width}}  precision    recall        F1"]
    for name, score in zip(names, class_scores(verdict), strict=True):
        shares = "".join(f"{text.percent(share):>10}" for share in (score.precision, score.recall, score.f1))
        lines.append(f"  {text.padded(name, width)} {shares}")
    return lines


def _confusion_lines(verdict: EvaluationDone) -> list[str]:
    names = class_names(verdict)
    width = max(map(text.cells, names))
    cell = max(SHORT_NAME, len(str(verdict.images))) + 1
    head = "".join(text.padded(name, cell, right=True) for name in short_names(names, SHORT_NAME))
    lines = ["", "Images by true class (rows) and predicted class (columns):", f"  {'':<{width}}{head}"]
    for name, row in zip(names, verdict.confusion, strict=True):
        lines.append(f"  {text.padded(name, width)}{''.join(f'{images:>{cell}}' for images in row)}")
    return lines


def _pair_lines(verdict: EvaluationDone) -> list[str]:
    names = class_names(verdict)
    width = max(map(text.cells, names))
    lines = ["", "Most confused:"]
    for pair in most_confused(verdict)[:PAIRS_LISTED]:
        share = f"{pair.images:>6,}  {text.percent(pair.share, 1):>7} of {names[pair.label]}"
        label, predicted = names[pair.label], names[pair.predicted]
        lines.append(f"  {text.padded(label, width, right=True)} predicted as {text.padded(predicted, width)}{share}")
    return lines if len(lines) > 2 else []
