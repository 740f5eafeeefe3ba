"""Draws lines over a grid as SVG, for documents and browsers."""

import html
from collections.abc import Sequence

from cifar_tui.dataclass import dataclass

WIDTH, HEIGHT, LEFT, RIGHT, BOTTOM, TOP = 820, 420, 60, 290, 50, 30
"""Of a panel and of its margins, in pixels."""
LABEL_HEIGHT = 17
COLOURS = ("#4e79a7", "#f28e2b", "#59a14f", "#e15759", "#b07aa1", "#9c755f")
DASHES = ("", "6 3", "2 2", "8 3 2 3", "1 3", "10 4")
"""Colour is never the only sign."""

DARK_STYLE = (
    "<style>@media (prefers-color-scheme: dark) "
    "{ svg { fill: #ddd } svg > rect { fill: #0d1117 } svg > path { stroke: #3a3f46 } }</style>"
)
"""Text without a colour, ground and grid."""

Ticks = Sequence[tuple[float, str]]


@dataclass(frozen=True, slots=True)
class Line:
    """One curve."""

    label: str
    """The label at its end; may be empty."""
    points: Sequence[tuple[float, float]]
    """(x, y), x ascending; at least one."""
    colour: str
    """As CSS has it."""
    dash: str = ""
    """Lengths of strokes and gaps; empty for an unbroken line."""
    thickness: float = 2
    """In pixels."""


@dataclass(frozen=True, slots=True)
class Dot:
    """A point of its own."""

    x: float
    """Its place."""
    y: float
    """Its height."""
    colour: str
    """As CSS has it."""
    radius: float
    """In pixels."""
    opacity: float = 1.0
    """Share of its colour over what lies below, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A stretch of heights at one place."""

    x: float
    """The place."""
    low: float
    """Its lower end."""
    high: float
    """Its upper end."""
    colour: str
    """As CSS has it."""


@dataclass(frozen=True, slots=True)
class Panel:
    """Curves over one pair of axes."""

    lines: Sequence[Line]
    """The curves, the last one on top."""
    low: float
    """y at the bottom."""
    high: float
    """y at the top; what is above is drawn there."""
    y_ticks: Ticks
    """Heights of the lines across the panel, and their labels."""
    x_ticks: Ticks
    """Labels below, and their places."""
    x_label: str
    """Names of x and of the panel."""
    x_low: float
    """x on the left."""
    x_high: float
    """x on the right."""
    dots: Sequence[Dot] = ()
    """Points on top of the curves."""
    intervals: Sequence[Interval] = ()
    """Stretches below these points."""


def render_svg(panels: Sequence[Panel], *, themed: bool = False) -> str:
    """The panels, one below the other, as a document; on black, where it is `themed`, for readers who prefer that."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT * len(panels)}" '
        'font-family="sans-serif" font-size="13">',
        *([DARK_STYLE] if themed else []),
        f'<rect width="{WIDTH}" height="{HEIGHT * len(panels)}" fill="white"/>',
    ]
    for number, panel in enumerate(panels):
        parts += _Drawing(panel, HEIGHT * number).parts()
    return "\n".join([*parts, "</svg>"]) + "\n"


class _Drawing:
    """One panel's elements, so many pixels from the top."""

    def __init__(self, panel: Panel, top: float) -> None:
        self._panel = panel
        self._top = top

    def parts(self) -> list[str]:
        """The elements, the curves on top of the grid."""
        curves = map(self._curve, self._panel.lines)
        marks = [*map(self._interval, self._panel.intervals), *map(self._dot, self._panel.dots)]
        return [*self._grid(), *self._x_axis(), *curves, *marks, *self._labels()]

    def _x(self, x: float) -> float:
        panel = self._panel
        return LEFT + (x - panel.x_low) / max(panel.x_high - panel.x_low, 1e-12) * (WIDTH - LEFT - RIGHT)

    def _y(self, y: float) -> float:
        panel = self._panel
        share = (min(y, panel.high) - panel.low) / max(panel.high - panel.low, 1e-12)
        return self._top + HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP)

    def _grid(self) -> list[str]:
        parts = []
        for value, label in self._panel.y_ticks:
            y = self._y(value)
            parts.append(f'<path d="M{LEFT} {y:.1f}H{self._x(self._panel.x_high):.1f}" stroke="#ddd"/>')
            parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{html.escape(label)}</text>')
        return parts

    def _x_axis(self) -> list[str]:
        bottom = self._top + HEIGHT
        below = bottom - BOTTOM + 20
        parts = [
            f'<text x="{self._x(value):.1f}" y="{below}" text-anchor="middle">{html.escape(label)}</text>'
            for value, label in self._panel.x_ticks
        ]
        label = html.escape(self._panel.x_label)
        end = self._x(self._panel.x_high)
        return [*parts, f'<text x="{end:.1f}" y="{bottom - 10}" text-anchor="end">{label}</text>']

    def _curve(self, line: Line) -> str:
        points = " ".join(f"{self._x(x):.1f},{self._y(y):.1f}" for x, y in line.points)
        return (
            f'<polyline points="{points}" fill="none" stroke="{line.colour}" stroke-width="{line.thickness:g}" '
            f'stroke-dasharray="{line.dash}"/>'
        )

    def _interval(self, stretch: Interval) -> str:
        x, low, high = self._x(stretch.x), self._y(stretch.low), self._y(stretch.high)
        return f'<line x1="{x:.1f}" y1="{low:.1f}" x2="{x:.1f}" y2="{high:.1f}" stroke="{stretch.colour}"/>'

    def _dot(self, dot: Dot) -> str:
        place = f'cx="{self._x(dot.x):.1f}" cy="{self._y(dot.y):.1f}"'
        return f'<circle {place} r="{dot.radius:g}" fill="{dot.colour}" fill-opacity="{dot.opacity:g}"/>'

    def _labels(self) -> list[str]:
        """Draw each curve's label at its end, none over another."""
        parts = []
        free = float(self._top)
        named = [line for line in self._panel.lines if line.label]
        for line in sorted(named, key=lambda line: -line.points[-1][1]):
            free = max(self._y(line.points[-1][1]) + 4, free + LABEL_HEIGHT)
            x = self._x(self._panel.x_high) + 8
            parts.append(f'<text x="{x:.1f}" y="{free:.1f}" fill="{line.colour}">{html.escape(line.label)}</text>')
        return parts
