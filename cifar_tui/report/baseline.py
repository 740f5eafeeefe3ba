"""The row of results that a person names as the baseline: by one of its runs, or by its setting."""

import re
from collections.abc import Sequence

from cifar_tui.errors import BadInput
from cifar_tui.report.choices import column_name, setting_text
from cifar_tui.report.results import ResultRow, Results
from cifar_tui.text import safe_text

MOST_NAMED = 6
"""Settings that an error names."""


def setting_label(row: ResultRow) -> str:
    """Return a row's setting on one line: `lr 0.1, epochs 20`."""
    return ", ".join(f"{column_name(name)} {setting_text(row.recipe, name)}" for name in row.choices)


def find_baseline(results: Results, typed: str) -> ResultRow:
    """Return the row of a run, or of a setting like `lr=0.1 epochs=20`, some of whose runs are averaged.

    Raises BadInput where that is none, or several.
    """
    name = typed.rstrip("/").rpartition("/")[2]
    runs = [
        row for row in results.rows if name in {*(one.name for one in row.runs), *(one.name for one in row.unfinished)}
    ]
    found = runs or _of_setting(results, typed)
    shown = safe_text(typed, 100)
    if len(found) != 1:
        several = "is several" if found else "is none"
        raise BadInput(f"--baseline '{shown}' {several} of these settings: {_named(found or results.rows)}.")
    if not found[0].runs:
        raise BadInput(f"No run of the baseline '{shown}' has finished: choose another one.")
    return found[0]


def _of_setting(results: Results, typed: str) -> Sequence[ResultRow]:
    """Return the rows that have every value of a setting. Raises BadInput where it is not written as one."""
    pairs = [pair.partition("=") for pair in re.split(r"[,\s]+", typed.strip()) if pair]
    fields = {_plain(name): field for field in results.fields for name in (field, column_name(field))}
    if not all(equals for _, equals, _ in pairs) or not pairs:
        raise BadInput(
            f"--baseline '{safe_text(typed, 100)}' is none of these runs. Type a run's name, or a setting as "
            f"name=value: {_example(results)}."
        )
    for name, _, _ in pairs:
        if _plain(name) not in fields:
            names = ", ".join(column_name(field) for field in results.fields)
            raise BadInput(f"These runs do not differ in '{safe_text(name, 60)}'. They differ in: {names}.")
    return [row for row in results.rows if all(_same(row, fields[_plain(name)], value) for name, _, value in pairs)]


def _same(row: ResultRow, field: str, typed: str) -> bool:
    value = getattr(row.recipe, field)
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return float(typed) == value
        except ValueError:
            return False
    return typed in (str(value), setting_text(row.recipe, field))


def _plain(name: str) -> str:
    return name.strip().lstrip("-").lower().replace("-", "_").replace(" ", "_")


def _example(results: Results) -> str:
    row = results.rows[0]
    return " ".join(f"{_plain(column_name(name))}={setting_text(row.recipe, name)}" for name in results.fields)


def _named(rows: Sequence[ResultRow]) -> str:
    others = f"; and {len(rows) - MOST_NAMED} more" if len(rows) > MOST_NAMED else ""
    return "; ".join(setting_label(row) for row in rows[:MOST_NAMED]) + others
