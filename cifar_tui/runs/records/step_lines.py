"""The lines of a journal that are many, those of steps: told from the others, and read as columns."""

import re
from collections.abc import Iterator

import orjson

from cifar_tui import lazy_numpy as np
from cifar_tui.history.curves import STEP_FIELDS, StepColumns

NO_STEP = re.compile(rb'"event":"(?!StepDone")')
NO_STEP_OR_NORMS = re.compile(rb'"event":"(?!StepDone"|NormsMeasured")')
FIELDS = ("at", "event", *STEP_FIELDS)
LINE = b'{"at":0,"event":"StepDone",' + b",".join(b'"%b":0' % name.encode() for name in STEP_FIELDS) + b"}\n"
STEP_LINE = re.compile(re.escape(LINE).replace(b"0", rb'[^,"{}]+'))
NUMBERS_ALONE = bytes.maketrans(b"\nD", b",0")
"""Of each line, leaves its numbers with commas between them, once `NOT_NUMBERS` are gone: the name becomes a 0."""
NOT_NUMBERS = bytes(set(LINE) - set(b"\nD,0"))


def other_lines(block: bytes, event: re.Pattern[bytes] = NO_STEP) -> Iterator[tuple[int, int]]:
    """Yield the first byte of every line that holds such an event, and the byte after its end.

    `block` is complete lines. One that is torn, or no event at all, is not among them.
    """
    end = 0
    for match in event.finditer(block):
        if match.start() >= end:
            start, end = block.rfind(b"\n", 0, match.start()) + 1, block.find(b"\n", match.end()) + 1 or len(block)
            yield start, end


def step_columns(lines: bytes) -> StepColumns:
    """Return complete lines of steps as columns, without an object for each.

    Raises ValueError where one of them is none that this version writes, or its loss is not finite.
    """
    steps = lines.count(b"\n")
    if not STEP_LINE.match(lines):
        raise ValueError("not the lines of steps")
    if exponents := lines.count(b"e") - steps * LINE.count(b"e"):
        lines = lines.replace(b"e-", b"E-")
        if lines.count(b"E-") != exponents:
            raise ValueError("not the lines of steps")
    numbers = orjson.loads(b"[%b]" % lines.translate(NUMBERS_ALONE, NOT_NUMBERS).removesuffix(b","))
    if len(numbers) != steps * len(FIELDS):
        raise ValueError("not the lines of steps")
    columns = {name: numbers[FIELDS.index(name) :: len(FIELDS)] for name in STEP_FIELDS}
    return StepColumns({name: np.array(column, np.float64) for name, column in columns.items()})
