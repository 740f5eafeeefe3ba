"""Draws curves into rows of characters with plotext; no other file imports it.

plotext aborts the process on NaN, infinity, or points far outside the limits, so nothing but
finite points inside the limits ever reaches it. It has one global figure: for one thread only.
"""

import itertools
import math
import operator
import re
from functools import cache

from cifar_tui import lazy_numpy as np
from cifar_tui.dataclass import dataclass
from cifar_tui.history.series import Floats, Points
from cifar_tui.left_out import left_out

MAX_POINTS = 4_000
"""More than any screen's columns need; a guard, since the cost grows with every point."""

DOTS = (2, 4)
"""Dots of a cell, across and up, of the finest marker."""
STRAY = 0.25
"""Dots by which a line may lie higher or lower than drawn through all of its points."""

_COLOUR = re.compile(r"\x1b\[([0-9;]*)m")


@dataclass(frozen=True, slots=True)
class Trace:
    """Points to draw, with the index of their style."""

    points: Points
    """Finite points, thinned for the canvas."""
    style: int
    """1 to 255; returned with every cell that shows the trace."""
    dots: str = ""
    """A character at each point instead of a line between them; empty for the line."""
    shares_with: int | None = None
    """The style of a line of which it takes only every other cell, so that both are seen where they run together."""


Cells = list[list[tuple[str, int]]]
"""Rows of (text, style) runs; style 0 where nothing is drawn."""


@cache
def load_plotext() -> None:
    """Import plotext, which takes 0.1 s: the first frame, which has no points yet, does not wait for it.

    Half of the time would go to pages of documentation, which it builds when it is imported.
    """
    with left_out({"plotext._doc.doc": "docs"}):
        import plotext  # noqa: F401


def draw(
    traces: list[Trace], width: int, height: int, x: tuple[float, float], y: tuple[float, float], marker: str
) -> Cells:
    """Draw traces on a canvas of width × height cells with these limits.

    A later trace takes the cells that it touches for itself, so that a line stays fine where it crosses a crowd.
    Points outside the limits are moved to the edge.
    """
    cells: list[list[tuple[str, int]]] = [[(" ", 0)] * width for _ in range(height)]
    if traces:
        _prepare(width, height, x, y)
    for trace in traces:
        for row, line in zip(cells, _drawn(trace, width, height, x, y, marker), strict=False):
            column = 0
            for run, style in line:
                for place, character in enumerate(run, column) if style else ():
                    if not (place % 2 and row[place][1] == trace.shares_with):
                        row[place] = (character, style)
                column += len(run)
    return [_joined(row) for row in cells]


def _prepare(width: int, height: int, x: tuple[float, float], y: tuple[float, float]) -> None:
    """Make the figure an empty canvas of this size with these limits."""
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


def _drawn(trace: Trace, width: int, height: int, x: tuple[float, float], y: tuple[float, float], marker: str) -> Cells:
    """One trace alone on the canvas that is prepared."""
    stretches = _stretches(trace, x, y)
    if not stretches:
        return []
    import plotext

    figure = plotext.figure
    figure.clear.data()
    # The style travels through plotext as a colour of its own and is read back from the codes.
    style = plotext.marker(trace.dots or marker, plotext.pixel((trace.style, 0, 0)))
    dots_across, dots_up = DOTS[0] * width / (x[1] - x[0]), DOTS[1] * height / (y[1] - y[0])
    for xs, ys in stretches:
        kept = slice(None) if trace.dots else corners((xs * dots_across).tolist(), (ys * dots_up).tolist())
        figure.draw(figure.signal(xs[kept].tolist(), ys[kept].tolist(), marker=style).lines(not trace.dots))
    return [_runs(line) for line in figure.build().string().split("\n")[:height]]


def _stretches(trace: Trace, x: tuple[float, float], y: tuple[float, float]) -> list[tuple[Floats, Floats]]:
    """The finite points, without those that lie above, or below, together with both neighbours: no line on the edge."""
    usable = np.isfinite(trace.points.x) & np.isfinite(trace.points.y)
    xs, ys = trace.points.x[usable][:MAX_POINTS], trace.points.y[usable][:MAX_POINTS]
    if not len(xs):
        return []
    side = np.sign(ys - np.clip(ys, *y))
    before, after = np.concatenate([side[:1], side[:-1]]), np.concatenate([side[1:], side[-1:]])
    drawn = (side == 0) | (before != side) | (after != side)
    xs, ys = np.clip(xs, *x), np.clip(ys, *y)
    ends = np.flatnonzero(np.diff(drawn.astype(np.int8), prepend=0, append=0))
    return [(xs[start:end], ys[start:end]) for start, end in ends.reshape(-1, 2).tolist()]


def corners(across: list[float], up: list[float]) -> list[int]:
    """Return the places of the points that a line needs; without the others it moves up or down by `STRAY` at most.

    plotext takes 25 µs for a point, and a curve that was smoothed, or a learning rate, is mostly straight.
    """
    kept, anchor, low, high = [0], 0, -math.inf, math.inf
    for place in range(1, len(across)):
        far, rise = across[place] - across[anchor], up[place] - up[anchor]
        if not (far > 0.0 and low * far <= rise <= high * far) and place - 1 > anchor:
            kept.append(anchor := place - 1)
            low, high = -math.inf, math.inf
            far, rise = across[place] - across[anchor], up[place] - up[anchor]
        if far > 0.0:
            low, high = max(low, (rise - STRAY) / far), min(high, (rise + STRAY) / far)
        else:
            low, high = math.inf, -math.inf  # nothing beyond can be on one line with it
    return [*kept, len(across) - 1] if len(across) > 1 else kept


def _joined(row: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """A row of single cells as runs of one style."""
    return [
        ("".join(character for character, _ in run), style)
        for style, run in itertools.groupby(row, key=operator.itemgetter(1))
    ]


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
