"""Runs compared by what differs between their recipes: one row a setting, its accuracies averaged over seeds."""

import dataclasses
import math
import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, Protocol

from cifar_tui.dataclass import dataclass
from cifar_tui.recipe import Recipe
from cifar_tui.report.choices import TEST_FIELDS, Choices, order_key, own_choice, swept_fields
from cifar_tui.report.student_t import Difference, deviation, difference, half_width

By = Literal["last", "best"]
"""The epoch whose accuracy counts."""
Measure = Literal["test", "validation"]
"""The images that accuracies are of."""
MOST_SECONDS = 1e10
"""A longer run is none: a journal that was changed by hand."""


class ResultRun(Protocol):
    """A run at a glance, as far as results need it; `runs.overview.Overview` is one."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def recipe(self) -> Recipe:
        """Every choice, as it is now."""

    @property
    def state(self) -> str:
        """`finished` once it has come to its planned end."""

    @property
    def epoch(self) -> int:
        """The epoch under way, or the last one."""

    @property
    def best_epoch(self) -> int:
        """The best epoch's number, by what the run chooses it by."""

    @property
    def last_accuracy(self) -> float | None:
        """On the test images, after the last epoch."""

    @property
    def best_accuracy(self) -> float | None:
        """On the test images, after the best epoch."""

    @property
    def last_validation(self) -> float | None:
        """On the training images held out, after the last epoch."""

    @property
    def best_validation(self) -> float | None:
        """On the training images held out, after the best epoch."""

    @property
    def seconds(self) -> float:
        """Time that its epochs took."""


@dataclass(frozen=True, slots=True)
class RunResult:
    """A run that is averaged."""

    name: str
    """Its name."""
    seed: int
    """Its seed."""
    accuracy: float
    """The accuracy that settings are compared by, 0 to 1."""
    test_accuracy: float
    """On the test images, after the same epoch."""
    epoch: int
    """That epoch."""
    seconds: float
    """Time that its epochs took; NaN where that is not known."""


@dataclass(frozen=True, slots=True)
class Average:
    """A mean over seeds. Runs that repeat a seed are averaged first: they are no further sample."""

    by_seed: Mapping[int, float]
    """One value for each seed, ascending."""

    @property
    def mean(self) -> float:
        """The mean; NaN without a value."""
        return statistics.fmean(self.by_seed.values()) if self.by_seed else math.nan

    @property
    def deviation(self) -> float | None:
        """The standard deviation over seeds; None for one seed."""
        return deviation(list(self.by_seed.values()))

    @property
    def half_width(self) -> float | None:
        """The reach of the mean's 95 % interval; None for one seed."""
        return half_width(list(self.by_seed.values()))


@dataclass(frozen=True, slots=True)
class ResultRow:
    """All runs of one setting."""

    choices: Choices
    """The values of the table's columns, by field."""
    recipe: Recipe
    """The recipe of one of its runs."""
    runs: tuple[RunResult, ...]
    """Those that are averaged, by seed."""
    unfinished: tuple[ResultRun, ...]
    """Those that are not: they have not come to their end, or have no accuracy."""
    accuracy: Average
    """The accuracy that settings are compared by."""
    test_accuracy: Average
    """On the test images, after the same epochs."""
    best: bool = False
    """True for the highest mean of those with the same images."""
    is_baseline: bool = False
    """True for the row that the others are compared with."""
    difference: Difference | None = None
    """To the baseline; None for itself, for other images, and without an accuracy."""

    @property
    def seconds(self) -> float:
        """Mean time of those runs of which it is known; NaN without any."""
        known = [one.seconds for one in self.runs if math.isfinite(one.seconds)]
        return statistics.fmean(known) if known else math.nan


@dataclass(frozen=True, slots=True)
class Results:
    """A table of settings."""

    fields: tuple[str, ...]
    """The recipe's fields that are columns: those in which settings differ."""
    rows: tuple[ResultRow, ...]
    """The settings, by these fields."""
    measure: Measure
    """The images that accuracies are of."""
    by: By
    """The epoch that counts."""
    mixed: bool
    """True where only some of the runs hold images out, so that all are compared on the test images."""
    default_baseline: Literal["preset", "first", ""] = ""
    """The reason that the baseline is the row that it is; empty where a person has named it."""

    @property
    def baseline(self) -> ResultRow | None:
        """The row that the others are compared with; None where no run has finished."""
        return next((row for row in self.rows if row.is_baseline), None)

    @property
    def differ_in_images(self) -> bool:
        """True where rows cannot be compared, for their images differ."""
        return len({images_of(row.recipe, self.measure) for row in self.rows}) > 1


def images_of(recipe: Recipe, measure: Measure) -> tuple[object, ...]:
    """Return what decides on which images an accuracy is measured; accuracies on others are not compared."""
    fields = (*TEST_FIELDS, "validation_images") if measure == "validation" else TEST_FIELDS
    return tuple(getattr(recipe, name) for name in fields)


def compare_runs(runs: Iterable[ResultRun], by: By = "last") -> Results:
    """Return the settings of runs, each averaged over its seeds, with the default baseline."""
    runs = list(runs)
    held_out = [bool(one.recipe.validation_images) for one in runs]
    measure: Measure = "validation" if held_out and all(held_out) else "test"
    fields = swept_fields([one.recipe for one in runs])
    settings: dict[tuple[object, ...], list[ResultRun]] = defaultdict(list)
    for one in runs:
        settings[tuple(getattr(one.recipe, name) for name in fields)].append(one)
    keys = sorted(settings, key=lambda values: [order_key(value) for value in values])
    rows = [_row(dict(zip(fields, key, strict=True)), settings[key], measure, by) for key in keys]
    results = Results(fields, tuple(_with_best(rows, measure)), measure, by, any(held_out) and not all(held_out))
    return _with_default_baseline(results)


def _row(choices: Choices, runs: Sequence[ResultRun], measure: Measure, by: By) -> ResultRow:
    measured, unfinished = [], []
    for run in runs:
        result = _result(run, measure, by)
        if result is None:
            unfinished.append(run)
        else:
            measured.append(result)
    measured.sort(key=lambda one: (one.seed, one.name))
    return ResultRow(
        choices,
        runs[0].recipe,
        tuple(measured),
        tuple(sorted(unfinished, key=lambda one: (one.recipe.seed, one.name))),
        _average((one.seed, one.accuracy) for one in measured),
        _average((one.seed, one.test_accuracy) for one in measured),
    )


def _result(run: ResultRun, measure: Measure, by: By) -> RunResult | None:
    """Return a finished run's accuracy after the epoch that counts; None where there is none."""
    last = by == "last"
    test = run.last_accuracy if last else run.best_accuracy
    held_out = run.last_validation if last else run.best_validation
    accuracy = test if measure == "test" else held_out
    if run.state != "finished" or accuracy is None or test is None or not (0 <= accuracy <= 1 and 0 <= test <= 1):
        return None
    epoch = run.epoch if last else run.best_epoch
    seconds = run.seconds if 0 <= run.seconds < MOST_SECONDS else math.nan
    return RunResult(run.name, run.recipe.seed, accuracy, test, epoch, seconds)


def _average(pairs: Iterable[tuple[int, float]]) -> Average:
    values: dict[int, list[float]] = defaultdict(list)
    for seed, value in pairs:
        values[seed].append(value)
    return Average({seed: statistics.fmean(values[seed]) for seed in sorted(values)})


def _with_best(rows: list[ResultRow], measure: Measure) -> list[ResultRow]:
    best: dict[tuple[object, ...], ResultRow] = {}
    for row in rows:
        images = images_of(row.recipe, measure)
        if row.runs and (images not in best or row.accuracy.mean > best[images].accuracy.mean):
            best[images] = row
    return [dataclasses.replace(row, best=row is best.get(images_of(row.recipe, measure))) for row in rows]


def _with_default_baseline(results: Results) -> Results:
    """Return the results with the preset's own settings as the baseline, or else the first row with an accuracy."""
    measured = [row for row in results.rows if row.runs]
    own = next((row for row in measured if all(own_choice(row.recipe, name) for name in results.fields)), None)
    if own is not None:
        return with_baseline(results, own, "preset")
    return with_baseline(results, measured[0], "first") if measured else results


def with_baseline(results: Results, baseline: ResultRow, why: Literal["preset", "first", ""] = "") -> Results:
    """Return the results with the difference of every row to one of them, whose runs are averaged."""

    def compared(row: ResultRow) -> ResultRow:
        is_baseline = row.choices == baseline.choices
        alike = images_of(row.recipe, results.measure) == images_of(baseline.recipe, results.measure)
        gap = (
            difference(row.accuracy.by_seed, baseline.accuracy.by_seed)
            if row.runs and alike and not is_baseline
            else None
        )
        return dataclasses.replace(row, is_baseline=is_baseline, difference=gap)

    rows = tuple(compared(row) for row in results.rows)
    return dataclasses.replace(results, rows=rows, default_baseline=why)
