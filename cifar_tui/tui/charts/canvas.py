"""Draws curves into rows of characters with plotext; no other file imports it.

plotext aborts the process on NaN, infinity, or points far outside the limits, so nothing but
finite points inside the limits ever reaches it. It has one global figure: for one thread only.
"""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from cifar_tui.history.series import Points

MAX_POINTS = 4_000
"""More than any screen's columns need; a guard, since the cost grows with every point."""

_COLOUR = re.compile(r"\x1b\[([0-9;]*)m")


@dataclass(frozen=True, slots=True)
class Trace:
    """Points to draw, with the index of their style."""

    points: Points
    """Finite points, thinned for the canvas."""
    style: int
    """1 to 255; returned with every cell that shows the trace."""
    dots: str = ""
    """A character for each point, beside the line; empty for the line alone."""


Cells = list[list[tuple[str, int]]]
"""Rows of (text, style) runs; style 0 where nothing is drawn."""


def load_plotext() -> None:
    """Import plotext, which takes 0.15 s: the first frame, which has no points yet, does not wait for it."""
    import plotext  # noqa: F401


def draw(
    traces: list[Trace], width: int, height: int, x: tuple[float, float], y: tuple[float, float], marker: str
) -> Cells:
    """Draw traces, later ones on top, on a canvas of width × height cells with these limits.

    Points outside the limits are moved to the edge.
    """
    if not any(len(trace.points.x) for trace in traces):
        return [[(" " * width, 0)] for _ in range(height)]
    import plotext

    plotext.terminal.limit(False, False)
    figure = plotext.figure
    figure.clear()
    figure.plot_size(width, height)
    figure.axes(False)
    figure.legend(False)
    figure.canvas("default")
    for name, (low, high) in (("x", x), ("y", y)):
        figure.ruler(name).lim(low, high)
        figure.ruler(name).ticks([])
    for trace in traces:
        _add(figure, trace, x, y, marker)
    text = figure.build().string()
    return [_runs(line) for line in text.split("\n")[:height]]


def _add(figure: Any, trace: Trace, x: tuple[float, float], y: tuple[float, float], marker: str) -> None:
    # Any: plotext has no types.
    import plotext

    usable = np.isfinite(trace.points.x) & np.isfinite(trace.points.y)
    xs = np.clip(trace.points.x[usable], *x)[:MAX_POINTS].tolist()
    ys = np.clip(trace.points.y[usable], *y)[:MAX_POINTS].tolist()
    if not xs:
        return
    # The style travels through plotext as a colour of its own and is read back from the codes.
    pixel = plotext.pixel((trace.style, 0, 0))
    figure.draw(figure.signal(xs, ys, marker=plotext.marker(marker, pixel)).lines(True))
    if trace.dots:
        figure.draw(figure.signal(xs, ys, marker=plotext.marker(trace.dots, pixel)).lines(False))


def _runs(line: str) -> list[tuple[str, int]]:
    """Split a line at its colour codes into (text, style) runs."""
    runs = []
    style = 0
    position = 0
    for code in _COLOUR.finditer(line):
        if code.start() > position:
            runs.append((line[position : code.start()], style))
        position = code.end()
        parts = code.group(1).split(";")
        style = int(parts[2]) if parts[:2] == ["38", "2"] else 0
    if position < len(line):
        runs.append((line[position:], style))
    return runs
