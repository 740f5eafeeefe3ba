"""Sweeps: lists and ranges of values as they are typed for the options of a recipe, and every combination of them."""

import itertools
import math
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path

from cifar_tui.errors import BadInput
from cifar_tui.files.home_path import in_home
from cifar_tui.option import Option
from cifar_tui.text import safe_text

RANGE = re.compile(r"(?P<first>[^/]+?)\.\.(?P<last>[^/]+?)(?:/(?P<step>[^/]+))?")
"""`0..4`, and with a step `0.1..0.5/0.1`; both ends belong to it."""
MOST_RUNS = 10_000
"""Runs that are added at once."""

Combination = dict[str, str]
"""A value for each field, as it is typed."""


def values_of(option: Option, typed: str) -> list[str]:
    """Return the values that were typed for an option, one or more, each once. Raises BadInput for what is none."""
    numbers = option.kind in (int, float)
    if not numbers and ("," not in typed or _exists(typed)):
        return [typed]
    values = []
    for word in map(str.strip, typed.split(",")):
        if not word:
            what = f"'{safe_text(typed, 60)}' has a comma too many" if typed.strip() else "needs a value"
            raise BadInput(f"{option.flag} {what}.")
        values += _range(option, word) if numbers and ".." in word else [word]
    for value in values:
        if numbers:
            number(option, value)
    return list(dict.fromkeys(values))


def number(option: Option, value: str) -> int | float:
    """Return a typed number of the option's kind. Raises BadInput."""
    try:
        return int(value) if option.kind is int else float(value)
    except ValueError:
        kind = "whole numbers" if option.kind is int else "numbers"
        raise BadInput(
            f"{option.flag} takes {kind}, a list as 1,2 or a range as 1..4, not '{safe_text(value, 40)}'."
        ) from None


def combinations(values: Mapping[str, Sequence[str]]) -> list[Combination]:
    """Return every combination of the values, the last option changing first. Raises BadInput for too many."""
    count = math.prod(map(len, values.values()))
    if count > MOST_RUNS:
        raise BadInput(f"These are {count:,} runs; up to {MOST_RUNS:,} are added at once.")
    return [dict(zip(values, chosen, strict=True)) for chosen in itertools.product(*values.values())]


def _range(option: Option, word: str) -> list[str]:
    """Return the numbers of a range, both ends included."""
    match = RANGE.fullmatch(word)
    try:
        if match is None:
            raise ValueError
        first, last = Decimal(match["first"]), Decimal(match["last"])
        step = Decimal(match["step"] or 1)
        if not (first.is_finite() and last.is_finite() and step.is_finite()) or step <= 0 or last < first:
            raise ValueError
        steps = (last - first) / step
    except (ValueError, InvalidOperation, OverflowError):
        raise BadInput(
            f"{option.flag} cannot be '{safe_text(word, 40)}': a range is FIRST..LAST, or FIRST..LAST/STEP with a step "
            "above 0, as 0..4 or 0.1..0.5/0.1."
        ) from None
    if steps >= MOST_RUNS:
        raise BadInput(f"{option.flag} {safe_text(word, 40)} has more than {MOST_RUNS:,} values.")
    if match["step"] is None and any(end != end.to_integral_value() for end in (first, last)):
        raise BadInput(f"{option.flag} {safe_text(word, 40)} needs a step, as {safe_text(word, 40)}/0.1.")
    return [f"{first + index * step:f}" for index in range(int(steps) + 1)]


def _exists(typed: str) -> bool:
    try:
        return in_home(typed).exists()
    except (OSError, ValueError):
        return False


def name_of(base: str, combination: Combination, flags: Mapping[str, str]) -> str:
    """Return the name of a sweep's run: its sweep's, and what it has of its own, as `rates-lr0.1-seed2`."""
    parts = [f"{flags[field].removeprefix('--')}{_plain(value)}" for field, value in combination.items()]
    return "-".join([base, *parts])


def _plain(value: str) -> str:
    return re.sub(r"[^\w.+-]+", "_", Path(value).name if "/" in value else value, flags=re.ASCII)
