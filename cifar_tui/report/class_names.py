"""Class names in a table: safe to show, of a limited width, and no two alike."""

from collections import Counter
from collections.abc import Sequence

from cifar_tui import text

NAME_LENGTH = 16
"""Cells of a class name that are shown."""
LONGEST = 200
"""Characters of a name that are looked at."""


def class_names(classes: Sequence[str], most: int = NAME_LENGTH) -> list[str]:
    """Return a name for every class in at most so many cells, `…` in the middle of a longer one.

    Names that are then alike get their class's number, from 0, at their ends, so that all differ. `most` is at least 6.
    """
    safe = [text.safe_text(name, LONGEST) for name in classes]
    names = [fitted_name(name, most) for name in safe]
    alike = {name for name, times in Counter(names).items() if times > 1}
    taken = set(names) - alike
    for label, name in enumerate(names):
        if name in alike:
            names[label] = _numbered(safe[label], label, most, taken)
            taken.add(names[label])
    return names


def fitted_name(name: str, most: int) -> str:
    """Return a name in at most so many cells, `…` in its middle where some is left out."""
    if text.cells(name) <= most:
        return name
    limit = min(len(name), most)
    while limit > 1 and text.cells(text.shortened(name, limit)) > most:
        limit -= 1
    return text.shortened(name, limit) if most > 0 else ""


def short_names(names: Sequence[str], length: int, first: int = 0) -> list[str]:
    """Names of at most so many cells that still differ: their beginnings, with as much of their ends as needed.

    Where that is not enough they are numbers, from `first` on.
    """
    for ending in range(length):
        short = [_shortened(name, length, ending) for name in names]
        if len(set(short)) == len(set(names)):
            return short
    return [str(number) for number in range(first, first + len(names))]


def _numbered(name: str, label: int, most: int, taken: set[str]) -> str:
    """Return a name that ends with its class's number and is not taken."""
    number = f"·{label}"
    while (result := fitted_name(name, most - len(number)) + number) in taken and len(number) < most:
        number = f"·{number}"
    return result


def _shortened(name: str, length: int, ending: int) -> str:
    if text.cells(name) <= length:
        return name
    head, tail = name[: length - ending], name[len(name) - ending :]
    while text.cells(head + tail) > length:
        head, tail = (head[:-1], tail) if head else ("", tail[1:])
    return head + tail
