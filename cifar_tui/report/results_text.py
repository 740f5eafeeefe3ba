"""Results as text: a table that fits the terminal, and what has to be known to read it."""

import math
import textwrap
from collections.abc import Sequence

from cifar_tui import text
from cifar_tui.data_sets import DATA_SETS
from cifar_tui.report.baseline import setting_label
from cifar_tui.report.choices import column_name, setting_text
from cifar_tui.report.results import Average, ResultRow, ResultRun, Results

MOST_NAMED = 5
"""Runs that a note names; the others are counted."""
MARK, SEEDS, EPOCH, DIFFERENCE, TIME = "", "seeds", "epoch", "difference", "time"
LEFT_OUT_FIRST = (TIME, EPOCH, DIFFERENCE)
"""Columns in the order in which they are left out where a terminal is too narrow; then settings, from the right."""
BEST_MARK = "*"
GAP = "  "
WIDEST_CHOICE = 40
"""Cells of a setting's value."""
LEAST_WIDTH = 30
"""Columns that notes are wrapped to, at least."""


def accuracy_heads(results: Results) -> tuple[str, ...]:
    """Return the heads of the columns of accuracies, in per cent: what is compared, then the test's."""
    return ("validation %", "test %") if results.measure == "validation" else ("test %",)


def accuracies(results: Results, row: ResultRow) -> tuple[Average, ...]:
    """Return the averages in these columns."""
    return (row.accuracy, row.test_accuracy) if results.measure == "validation" else (row.accuracy,)


def average_text(average: Average) -> str:
    """Return `93.12 ± 0.21`: mean and standard deviation over seeds, in per cent."""
    spread = average.deviation
    return text.percent_number(average.mean) + (f" ± {text.percent_number(spread)}" if spread is not None else "")


def seeds_text(row: ResultRow) -> str:
    """Return the number of seeds, and of runs that have not finished: `3 +1`."""
    return f"{len(row.accuracy.by_seed)}{f' +{len(row.unfinished)}' if row.unfinished else ''}"


def epochs_text(row: ResultRow) -> str:
    """Return the epochs that count: `17-20`."""
    epochs = {one.epoch for one in row.runs}
    return "–" if not epochs else f"{min(epochs)}" if len(epochs) == 1 else f"{min(epochs)}-{max(epochs)}"


def difference_text(row: ResultRow) -> str:
    """Return the difference to the baseline in percentage points: `+0.34 (-0.10 to +0.78)`."""
    if row.is_baseline:
        return "baseline"
    gap = row.difference
    if gap is None:
        return "–"
    number = f"{gap.mean * 100:+.2f}"
    if gap.half_width is None:
        return f"{number} ({gap.method})"
    ends = (f"{(gap.mean + side * gap.half_width) * 100:+.2f}" for side in (-1, 1))
    return f"{number} ({' to '.join(ends)})"


def time_text(row: ResultRow) -> str:
    """Return the mean time of a run."""
    return text.duration(row.seconds) if math.isfinite(row.seconds) else "–"


def table_lines(results: Results, width: float = math.inf) -> list[str]:
    """Return a head and a line for each setting in so many columns, and what was left out for lack of room."""
    settings = [column_name(name) for name in results.fields]
    heads = (MARK, *settings, SEEDS, *accuracy_heads(results), *([EPOCH] * (results.by == "best")), DIFFERENCE, TIME)
    rows = [dict(zip(heads, cells, strict=True)) for cells in (heads, *(_cells(results, row) for row in results.rows))]
    columns = _fitting(rows, heads, (*LEFT_OUT_FIRST, *reversed(settings[1:])), width)
    widths = {name: max(text.cells(row[name]) for row in rows) for name in columns}
    lines = [GAP.join(text.padded(row[name], widths[name]) for name in columns).rstrip() for row in rows]
    hidden = [name for name in heads if name not in columns]
    return lines + ([f"No room for: {', '.join(hidden)}. A wider terminal or a pipe has them."] if hidden else [])


def _fitting(
    rows: Sequence[dict[str, str]], heads: Sequence[str], least_needed: Sequence[str], width: float
) -> list[str]:
    """Return the columns that fit, with those back in that leave enough room to others."""
    left_out: list[str] = []
    for column in least_needed:
        if column in heads and _width(rows, [name for name in heads if name not in left_out]) > width:
            left_out.append(column)
    for column in left_out[::-1]:
        without = [name for name in left_out if name != column]
        if _width(rows, [name for name in heads if name not in without]) <= width:
            left_out = without
    return [name for name in heads if name not in left_out]


def _width(rows: Sequence[dict[str, str]], columns: Sequence[str]) -> int:
    return sum(max(text.cells(row[name]) for row in rows) + len(GAP) for name in columns) - len(GAP)


def _cells(results: Results, row: ResultRow) -> tuple[str, ...]:
    return (
        BEST_MARK if row.best else "",
        *(text.shortened(setting_text(row.recipe, name), WIDEST_CHOICE) for name in results.fields),
        seeds_text(row),
        *map(average_text, accuracies(results, row)),
        *([epochs_text(row)] if results.by == "best" else []),
        difference_text(row),
        time_text(row),
    )


def title(results: Results) -> str:
    """Return what was compared: `6 settings, 18 runs: short on CIFAR-10, 20 epochs; test accuracy after …`."""
    runs = sum(len(row.runs) + len(row.unfinished) for row in results.rows)
    counts = f"{text.counted(len(results.rows), 'setting')}, {text.counted(runs, 'run')}"
    recipe, fields = results.rows[0].recipe, results.fields
    named = DATA_SETS.get(recipe.data)
    images = named.title if named else "synthetic images" if recipe.synthetic else setting_text(recipe, "data")
    common = [
        *([text.safe_text(recipe.preset, 40)] if "preset" not in fields else []),
        *([images] if "data" not in fields else []),
    ]
    pieces = [" on ".join(common)] if common else []
    pieces += [text.counted(recipe.epochs, "epoch")] if "epochs" not in fields and _alike_epochs(results) else []
    return f"{counts}{': ' if pieces else ''}{', '.join(pieces)}; {measure_text(results)}"


def _alike_epochs(results: Results) -> bool:
    return len({row.recipe.epochs for row in results.rows}) == 1


def measure_text(results: Results) -> str:
    """Return what is compared: `test accuracy after the last epoch`."""
    which = "the last" if results.by == "last" else "each run's best"
    return f"{results.measure} accuracy after {which} epoch"


def notes(results: Results) -> list[str]:
    """Return the sentences below the table: how the best was chosen, the baseline, and what is not averaged."""
    return [
        *_images_notes(results),
        *_best_notes(results),
        *_baseline_notes(results),
        *_spread_notes(results),
        *_run_notes(results),
    ]


def wrapped(sentences: Sequence[str], width: float) -> list[str]:
    """Return sentences on lines of so many columns; infinite for one line each."""
    if not math.isfinite(width):
        return list(sentences)
    return [line for one in sentences for line in textwrap.wrap(one, max(int(width), LEAST_WIDTH))]


def _images_notes(results: Results) -> list[str]:
    found = []
    if results.differ_in_images:
        found.append(
            "The runs were measured on different images: accuracies are compared, and the best is marked, only among "
            "those with the same ones."
        )
    if "model" in results.fields:
        found.append("The runs train different networks: differences are not of the other choices alone.")
    if results.mixed:
        found.append("Only some of the runs hold images out, so that all are compared by their test accuracy.")
    return found


def _best_notes(results: Results) -> list[str]:
    found = []
    for row in results.rows:
        if row.best and len(results.rows) > 1:
            seeds = "one seed" if len(row.accuracy.by_seed) == 1 else f"{len(row.accuracy.by_seed)} seeds"
            found.append(f"{BEST_MARK} Best: {setting_label(row)}, by the mean {results.measure} accuracy of {seeds}.")
    if results.measure == "validation":
        return [*found, "Chosen by training images held out: the test images had no part in it."]
    if results.by == "best":
        whose = "each run that holds no images out" if results.mixed else "each run"
        return [*found, f"The best epoch of {whose} was chosen by the test images: its accuracy is optimistic."]
    if found:
        return [*found, "Chosen by the test images, so that this accuracy is a little optimistic."]
    return []


def _baseline_notes(results: Results) -> list[str]:
    baseline = results.baseline
    gaps = [row.difference for row in results.rows if row.difference is not None]
    if baseline is None or not gaps:
        return []
    why = {"preset": ", the preset's own choices", "first": ", the first row", "": ""}[results.default_baseline]
    methods = {gap.method for gap in gaps if gap.half_width is not None}
    tests = [
        *(["paired t, of runs with the same seed"] if "paired" in methods else []),
        *(["Welch's t" + (" where the seeds differ" if "paired" in methods else "")] if "Welch" in methods else []),
    ]
    interval = f", with 95 % intervals ({'; '.join(tests)})" if tests else ""
    found = [f"Difference: in percentage points, to {setting_label(baseline)}{why}{interval}."]
    if any(gap.method == "one seed" for gap in gaps):
        found.append("One seed: a difference of one run alone has no interval.")
    return found


def _spread_notes(results: Results) -> list[str]:
    averages = [row.accuracy for row in results.rows]
    found = ["± is the standard deviation over seeds."] if any(len(one.by_seed) > 1 for one in averages) else []
    repeated = sum(len(row.runs) - len(row.accuracy.by_seed) for row in results.rows)
    if repeated:
        verb = "repeats a seed: it is" if repeated == 1 else "repeat a seed: they are"
        found.append(f"{text.counted(repeated, 'run')} {verb} averaged with the other of that seed, as one.")
    return found


def _run_notes(results: Results) -> list[str]:
    left = [run for row in results.rows for run in row.unfinished]
    if not left:
        return []
    named = ", ".join(map(_unfinished_text, left[:MOST_NAMED]))
    others = f" and {len(left) - MOST_NAMED} more" if len(left) > MOST_NAMED else ""
    have = "has not finished and is" if len(left) == 1 else "have not finished and are"
    return [f"{text.counted(len(left), 'run')} {have} not averaged: {named}{others}."]


def _unfinished_text(run: ResultRun) -> str:
    return f"{text.safe_text(run.name, 60)} ({run.state}, epoch {run.epoch}/{run.recipe.epochs})"
