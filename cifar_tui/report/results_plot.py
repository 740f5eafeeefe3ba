"""The chart of results: accuracy against what was swept, as numbers that a screen or a picture draws."""

import math
from collections.abc import Sequence

from cifar_tui.dataclass import dataclass
from cifar_tui.report.choices import column_name, order_key, setting_text
from cifar_tui.report.results import ResultRow, Results

DECADE = 10.0
"""An axis of positive numbers whose highest is so many times the lowest is logarithmic."""
MOST_LINES = 12
"""Lines that can be told apart."""
DODGE = 0.5
"""The share of a category's room over which the marks of several lines are spread."""
DODGE_ON_NUMBERS, MOST_DODGE = 0.02, 0.06
"""The same for two neighbouring lines, and at most for all of them, as a share of an axis of numbers."""
MARGIN = 0.06
"""Room at either end of an axis of numbers, as a share of it."""
INTERVAL_ROOM = 0.5
"""An interval widens the vertical axis by at most so many times the span of the points; what is beyond is cut."""
LEAST_SPAN = 0.004
"""Of the vertical axis."""


@dataclass(frozen=True, slots=True)
class PlotPoint:
    """One setting."""

    x: float
    """Its place on the axis."""
    mean: float
    """Mean accuracy over seeds, 0 to 1."""
    half_width: float | None
    """The reach of its 95 % interval; None for one seed."""
    seeds: tuple[float, ...]
    """The accuracy of each seed."""


@dataclass(frozen=True, slots=True)
class PlotLine:
    """The settings that differ along the axis alone."""

    label: str
    """Their other choices; empty where there are none."""
    points: tuple[PlotPoint, ...]
    """From left to right."""


@dataclass(frozen=True, slots=True)
class Plot:
    """Lines over one axis."""

    field: str
    """The recipe's field along the axis."""
    x_name: str
    """Its name for people, with `(log)` where the axis is logarithmic."""
    numbers: bool
    """True for an axis of numbers, whose points are joined; False for categories, at 0, 1, 2 and so on."""
    lines: tuple[PlotLine, ...]
    """Lines, with at least one point each."""
    hidden_lines: int
    """Further lines that are left out."""
    x_ticks: tuple[tuple[float, str], ...]
    """Each value's place and text."""
    x_range: tuple[float, float]
    """The ends of the horizontal axis."""
    y_range: tuple[float, float]
    """The ends of the vertical axis."""


def plot_of(results: Results) -> Plot | None:
    """Return the chart of a table; None where no run has finished."""
    rows = [row for row in results.rows if row.runs]
    if not rows:
        return None
    field = _axis_field(results.fields, rows)
    numbers = _is_number(rows, field)
    values = sorted({getattr(row.recipe, field) for row in rows}, key=order_key)
    logarithmic = numbers and min(values) > 0 and max(values) >= DECADE * min(values)
    places = {
        value: (math.log10(value) if logarithmic else float(value)) if numbers else float(number)
        for number, value in enumerate(values)
    }
    texts = {getattr(row.recipe, field): setting_text(row.recipe, field) for row in rows}
    groups = _groups(rows, field)
    drawn = list(groups.items())[:MOST_LINES]
    x_range = _x_range(list(places.values()), numbers=numbers)
    spread = min(DODGE_ON_NUMBERS * len(drawn), MOST_DODGE) * (x_range[1] - x_range[0]) if numbers else DODGE
    lines = tuple(
        _line(label, group, field, places, spread * ((number + 0.5) / len(drawn) - 0.5))
        for number, (label, group) in enumerate(drawn)
    )
    return Plot(
        field,
        f"{column_name(field)}{' (log)' if logarithmic else ''}",
        numbers,
        lines,
        len(groups) - len(drawn),
        tuple((places[value], texts[value]) for value in values),
        x_range,
        _y_range([point for line in lines for point in line.points]),
    )


def hidden_text(plot: Plot) -> str:
    """Return the number of lines that are left out, to follow other words; empty for none."""
    return f"; {plot.hidden_lines} more lines not drawn" if plot.hidden_lines else ""


def _axis_field(fields: Sequence[str], rows: Sequence[ResultRow]) -> str:
    """Return the field along the axis: one of numbers if there is one, and of these the one with most values."""
    return max(fields, key=lambda name: (_is_number(rows, name), len({getattr(row.recipe, name) for row in rows})))


def _is_number(rows: Sequence[ResultRow], field: str) -> bool:
    values = [getattr(row.recipe, field) for row in rows]
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def _groups(rows: Sequence[ResultRow], field: str) -> dict[str, list[ResultRow]]:
    """Return the rows by their other choices, as text."""
    groups: dict[str, list[ResultRow]] = {}
    for row in rows:
        others = (name for name in row.choices if name != field)
        label = ", ".join(f"{column_name(name)} {setting_text(row.recipe, name)}" for name in others)
        groups.setdefault(label, []).append(row)
    return groups


def _line(label: str, rows: Sequence[ResultRow], field: str, places: dict[object, float], shift: float) -> PlotLine:
    points = [
        PlotPoint(
            places[getattr(row.recipe, field)] + shift,
            row.accuracy.mean,
            row.accuracy.half_width,
            tuple(row.accuracy.by_seed.values()),
        )
        for row in rows
    ]
    return PlotLine(label, tuple(sorted(points, key=lambda point: point.x)))


def _x_range(places: list[float], *, numbers: bool) -> tuple[float, float]:
    low, high = min(places), max(places)
    room = (high - low) * MARGIN if numbers else 0.5
    return (low - room, high + room) if room else (low - 0.5, high + 0.5)


def _y_range(points: list[PlotPoint]) -> tuple[float, float]:
    """Return the ends of an axis that holds every seed, and the intervals as far as they leave room for these."""
    values = [value for point in points for value in point.seeds]
    low, high = min(values), max(values)
    most = max(high - low, LEAST_SPAN) * INTERVAL_ROOM
    ends = [(point.mean - point.half_width, point.mean + point.half_width) for point in points if point.half_width]
    low = max(min([low, *(end for end, _ in ends)]), low - most)
    high = min(max([high, *(end for _, end in ends)]), high + most)
    room = max((high - low) * MARGIN, LEAST_SPAN / 2)
    return max(low - room, 0.0), min(high + room, 1.0)
