"""Results as an image: accuracy against what was swept, a dot for each seed, means with their intervals."""

from cifar_tui.errors import BadInput
from cifar_tui.report.results import Results
from cifar_tui.report.results_plot import Plot, PlotLine, PlotPoint, hidden_text, plot_of
from cifar_tui.report.results_text import measure_text
from cifar_tui.report.svg import DASHES, Dot, Interval, Line, Panel, render_svg
from cifar_tui.report.ticks import COARSE_FACTORS, nice_step, ticks_between
from cifar_tui.text import shortened

COLOURS = ("#3b78b8", "#c06a00", "#2e8b3d", "#d1454b", "#9a5fa8", "#8a6a52")
"""Legible on white and on black."""
LABEL_CHARACTERS = 38
MAX_Y_TICKS = 6
LEAST_APART = 52 / 470
"""Distance of two ticks' labels, as a share of the axis."""
SEED_OPACITY = 0.55


def results_svg(results: Results) -> str:
    """Return the chart as SVG. Raises BadInput where no run has finished."""
    plot = plot_of(results)
    if plot is None:
        raise BadInput("No run has finished yet: there is nothing to draw.")
    low, high = plot.y_range
    looks = [(COLOURS[number % len(COLOURS)], DASHES[number % len(DASHES)]) for number in range(len(plot.lines))]
    drawn = list(zip(plot.lines, looks, strict=True))
    step = nice_step(high - low, MAX_Y_TICKS, COARSE_FACTORS)
    panel = Panel(
        lines=[_line(plot, line, *look) for line, look in drawn],
        low=low,
        high=high,
        y_ticks=[(tick, f"{tick * 100:.4g} %") for tick in ticks_between(low, high, step)],
        x_ticks=_spaced(plot),
        x_label=f"{plot.x_name}; {measure_text(results)}: seeds, mean, 95 % interval{hidden_text(plot)}",
        x_low=plot.x_range[0],
        x_high=plot.x_range[1],
        dots=[dot for line, (colour, _) in drawn for point in line.points for dot in _dots(point, colour)],
        intervals=[_interval(point, colour, low, high) for line, (colour, _) in drawn for point in line.points],
    )
    return render_svg([panel], themed=True)


def _line(plot: Plot, line: PlotLine, colour: str, dash: str) -> Line:
    """Return the line through the means; categories have no order, and so none but a label."""
    return Line(
        shortened(line.label, LABEL_CHARACTERS),
        [(point.x, point.mean) for point in line.points],
        colour,
        dash,
        thickness=1.5 if plot.numbers else 0,
    )


def _dots(point: PlotPoint, colour: str) -> list[Dot]:
    """Return a small dot for each seed, and a larger one for their mean."""
    seeds = [Dot(point.x, value, colour, radius=2.5, opacity=SEED_OPACITY) for value in point.seeds]
    return [*seeds, Dot(point.x, point.mean, colour, radius=4.5)]


def _interval(point: PlotPoint, colour: str, low: float, high: float) -> Interval:
    reach = point.half_width or 0.0
    return Interval(point.x, max(point.mean - reach, low), min(point.mean + reach, high), colour)


def _spaced(plot: Plot) -> list[tuple[float, str]]:
    """Return the ticks whose labels do not lie over each other."""
    low, high = plot.x_range
    ticks: list[tuple[float, str]] = []
    free = -1.0
    for place, label in plot.x_ticks:
        share = (place - low) / (high - low)
        if share >= free:
            ticks.append((place, shortened(label, 16)))
            free = share + max(LEAST_APART, len(label) * 7.5 / 470)
    return ticks
