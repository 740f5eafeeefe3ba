"""A run's curves as an image: loss, accuracy and learning rate over the steps."""

import math
from collections.abc import Callable

from cifar_tui import text
from cifar_tui.history.run_history import RunHistory
from cifar_tui.history.series import Points, Series
from cifar_tui.report.svg import COLOURS, Line, Panel, render_svg
from cifar_tui.report.ticks import COARSE_FACTORS, nice_step, ticks_between

COLUMNS = 500
"""Drawn at most, each with its lowest and highest value."""
OUTLIERS = 0.005
"""The share of the highest losses that are drawn at the top instead of making everything else small."""
MAX_TICKS = 6
FAINT = "#c3d3e4"
BATCHES, TESTS, RATE = COLOURS[0], COLOURS[1], COLOURS[2]
AVERAGED_SHARE = 0.03
"""Of the run, for the average of the batches."""


def curves_svg(history: RunHistory) -> str:
    """The curves as SVG; of a run with at least one step."""
    curves = history.curves
    last = max(curves.train_loss.last or (1.0, 0.0), curves.learning_rate.last or (1.0, 0.0))[0]
    highest = max(_high(curves.train_loss), _high(curves.test_loss))
    losses = _lines(curves.train_loss, curves.test_loss, last, text.loss)
    accuracies = _lines(curves.train_accuracy, curves.test_accuracy, last, text.percent)
    rate = curves.learning_rate
    rates = [_line(f"rate {text.rate(rate.last[1])}", _thinned(rate, last), RATE)] if rate.last else []
    highest_rate = max(_high(rate), 1e-12)
    return render_svg(
        [
            _panel("step, loss", losses, highest, [(tick, f"{tick:g}") for tick in _ticks(highest)], last),
            _panel("step, accuracy", accuracies, 1.0, [(tenth / 5, f"{tenth * 20} %") for tenth in range(6)], last),
            _panel("step, rate", rates, highest_rate, [(tick, f"{tick:g}") for tick in _ticks(highest_rate)], last),
        ]
    )


def _ticks(high: float) -> list[float]:
    return ticks_between(0.0, high, nice_step(high, MAX_TICKS, COARSE_FACTORS))


def _panel(x_label: str, lines: list[Line], high: float, y_ticks: list[tuple[float, str]], last: float) -> Panel:
    x_ticks = [(tick, f"{tick:,.0f}") for tick in _ticks(last)]
    return Panel(lines, 0.0, high, y_ticks, x_ticks, x_label, 0.0, last)


def _lines(batches: Series, tests: Series, last: float, number: Callable[[float], str]) -> list[Line]:
    """Every batch faintly, their average, and the tests."""
    smooth = batches.averaged(max(last * AVERAGED_SHARE, 1.0), COLUMNS, 0, last)
    lines = []
    if len(smooth.y):
        lines.append(_line("", _thinned(batches, last), FAINT, thickness=1))
        lines.append(_line(f"batches, averaged {number(float(smooth.y[-1]))}", smooth, BATCHES))
    if tests.last is not None:
        lines.append(_line(f"test {number(tests.last[1])}", _thinned(tests, last), TESTS, dash="6 3"))
    return lines


def _line(label: str, points: Points, colour: str, *, dash: str = "", thickness: float = 2) -> Line:
    return Line(label, list(zip(points.x.tolist(), points.y.tolist(), strict=True)), colour, dash, thickness)


def _thinned(series: Series, last: float) -> Points:
    return series.thinned(COLUMNS, 0, last)


def _high(series: Series) -> float:
    high = series.spread(OUTLIERS)[1]
    return high if math.isfinite(high) else 0.0
