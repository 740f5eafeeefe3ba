"""Results as plain data: one record for JSON, and rows for a spreadsheet."""

import csv
import io
import math
from collections.abc import Sequence

from cifar_tui.report.choices import column_name, setting_text
from cifar_tui.report.results import Average, ResultRow, Results
from cifar_tui.serialization import to_record
from cifar_tui.text import valid_text

FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")
"""Beginnings of a text that a spreadsheet would take as a formula."""
CSV_COLUMNS = (
    *("seeds", "unfinished", "accuracy", "deviation", "accuracy_low", "accuracy_high", "test_accuracy"),
    *("test_deviation", "difference", "difference_low", "difference_high", "method", "seconds", "epoch", "best"),
    "baseline",
)
"""Columns after those of the setting; accuracies and differences are shares of 1."""


def results_record(results: Results, unreadable: Sequence[str] = ()) -> dict[str, object]:
    """Return the table for JSON; accuracies are 0 to 1."""
    return {
        "measure": results.measure,
        "by": results.by,
        "fields": list(results.fields),
        "comparable": not results.differ_in_images,
        "default_baseline": results.default_baseline,
        "rows": [_row_record(row) for row in results.rows],
        "unreadable": list(unreadable),
    }


def _row_record(row: ResultRow) -> dict[str, object]:
    return {
        "setting": dict(row.choices),
        "seeds": len(row.accuracy.by_seed),
        "accuracy": _average_record(row.accuracy),
        "test_accuracy": _average_record(row.test_accuracy),
        "difference": _difference_record(row),
        "seconds": _finite(row.seconds),
        "best": row.best,
        "baseline": row.is_baseline,
        "runs": [{**to_record(one), "name": valid_text(one.name)} for one in row.runs],
        "unfinished": [
            {"name": valid_text(one.name), "seed": one.recipe.seed, "state": one.state, "epoch": one.epoch}
            for one in row.unfinished
        ],
    }


def _average_record(average: Average) -> dict[str, object]:
    low, high = _around(average.mean, average.half_width)
    return {"mean": _finite(average.mean), "deviation": average.deviation, "low": low, "high": high}


def _difference_record(row: ResultRow) -> dict[str, object] | None:
    if row.difference is None:
        return None
    low, high = _around(row.difference.mean, row.difference.half_width)
    return {"mean": row.difference.mean, "low": low, "high": high, "method": row.difference.method}


def _around(middle: float, reach: float | None) -> tuple[float | None, float | None]:
    return (None, None) if reach is None else (middle - reach, middle + reach)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def results_csv(results: Results) -> str:
    """Return a head and a row for each setting as comma-separated values (RFC 4180)."""
    written = io.StringIO(newline="")
    table = csv.writer(written)
    table.writerow([*(column_name(name).replace(" ", "_") for name in results.fields), *CSV_COLUMNS])
    for row in results.rows:
        table.writerow([*(_cell(row, name) for name in results.fields), *_numbers(row)])
    return written.getvalue()


def _cell(row: ResultRow, field: str) -> object:
    value = row.choices[field]
    if isinstance(value, int | float):
        return int(value) if isinstance(value, bool) else value
    words = setting_text(row.recipe, field)
    return f"'{words}" if words.startswith(FORMULA_SIGNS) else words


def _numbers(row: ResultRow) -> list[object]:
    low, high = _around(row.accuracy.mean, row.accuracy.half_width)
    gap = row.difference
    gap_low, gap_high = _around(gap.mean, gap.half_width) if gap is not None else (None, None)
    epochs = {one.epoch for one in row.runs}
    return [
        *(len(row.accuracy.by_seed), len(row.unfinished)),
        *(_finite(row.accuracy.mean), row.accuracy.deviation, low, high),
        *(_finite(row.test_accuracy.mean), row.test_accuracy.deviation),
        *(None if gap is None else gap.mean, gap_low, gap_high, "" if gap is None else gap.method),
        *(_finite(row.seconds), epochs.pop() if len(epochs) == 1 else None, int(row.best), int(row.is_baseline)),
    ]
