"""The lines of a journal that are many, those of steps: told from the others, and read as columns."""

import re
from collections.abc import Iterator

import orjson

from cifar_tui import lazy_numpy as np
from cifar_tui.history.curves import STEP_FIELDS, StepColumns

NO_STEP = re.compile(rb'"event":"(?!StepDone")')
"""Matches where a line names another event. Anchored at its beginning, the search would take seven times as long."""
NO_STEP_OR_NORMS = re.compile(rb'"event":"(?!StepDone"|NormsMeasured")')
FIELDS = ("at", "event", *STEP_FIELDS)
LINE = b'{"at":0,"event":"StepDone",' + b",".join(b'"%b":0' % name.encode() for name in STEP_FIELDS) + b"}\n"
OF_NUMBERS = b"0123456789.-+E"
WITHOUT_NUMBERS = LINE.replace(b"0", b"")
NUMBERS_ALONE = bytes.maketrans(b"\nD", b",0")
"""Of each line, leaves its numbers with commas between them, once `NOT_NUMBERS` are gone: the name becomes a 0."""
NOT_NUMBERS = bytes(set(LINE) - set(b"\nD,0"))


def other_lines(block: bytes, event: re.Pattern[bytes] = NO_STEP) -> Iterator[tuple[int, int]]:
    """Yield where each line with such an event starts and ends in a block of complete lines.

    Lines without an event are left out; a torn line may be among those that are found.
    """
    end = 0
    for match in event.finditer(block):
        if match.start() >= end:
            start, end = block.rfind(b"\n", 0, match.start()) + 1, block.find(b"\n", match.end()) + 1 or len(block)
            yield start, end


def step_columns(lines: bytes) -> StepColumns:
    """Return complete lines of steps as columns, without an object for each.

    Raises ValueError where one of them is no step as this version writes it, or its loss is not finite.
    """
    steps = lines.count(b"\n")
    if not _only_steps(lines, steps):
        lines = lines.replace(b"e-", b"E-")  # the exponents of small numbers
        if not _only_steps(lines, steps):
            raise ValueError("not the lines of steps")
    numbers = orjson.loads(b"[%b]" % lines.translate(NUMBERS_ALONE, NOT_NUMBERS).removesuffix(b","))
    columns = {name: numbers[place :: len(FIELDS)] for place, name in enumerate(FIELDS)}
    return StepColumns({name: np.array(columns[name], np.float64) for name in STEP_FIELDS})


def _only_steps(lines: bytes, steps: int) -> bool:
    """Return True if nothing but their numbers tells lines from those of so many steps."""
    return lines.translate(None, OF_NUMBERS) == WITHOUT_NUMBERS * steps
