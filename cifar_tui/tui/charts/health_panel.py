"""The panel of the network's health: norms of its layers over the steps, and the numbers of one of them."""

import math
from typing import get_args

from textual import events

from cifar_tui import text
from cifar_tui.history.run_history import RunHistory
from cifar_tui.tui.charts.axes import XAxis
from cifar_tui.tui.charts.chart_view import ChartView
from cifar_tui.tui.charts.drawing import centred
from cifar_tui.tui.charts.heat_strip import (
    DIES,
    EXPLODES,
    LEVELS,
    NOT_FINITE,
    ZERO,
    LayerNumber,
    Scale,
    bucket_at,
    numbers_of,
    strip_rows,
)
from cifar_tui.tui.charts.layer_groups import LayerGroup, grouped
from cifar_tui.tui.charts.redraw_turns import RedrawTurns
from cifar_tui.tui.terminal.textual_internals import BorderText
from cifar_tui.tui.widgets.rows import Row, Rows, cut_middle, fitted

TITLE = "Network health"
NUMBERS: tuple[LayerNumber, ...] = get_args(LayerNumber)
NAMES: dict[LayerNumber, str] = {"update": "update / weight", "gradient": "gradient norm", "weight": "weight norm"}
LABEL_SHARE, LEAST_LABEL = 0.3, 8
"""The most of a row that names take, and the cells that they may take in any case."""
CURSOR = "›"
NOTHING_YET = "Waiting for the first step…"
NOT_MEASURED = "An earlier version trained this run and measured no layers."


class HealthPanel(Rows):
    """A heat strip of all layers, grouped to fit, and a line about the layer under the cursor."""

    def __init__(self, turns: RedrawTurns) -> None:
        super().__init__(id="health", classes="panel")
        self.border_title = TITLE
        self._border_text = BorderText(self)
        self._turns = turns
        self._history = RunHistory()
        self._view = ChartView()
        self._number: LayerNumber = "update"
        self._layer = 0
        self._groups: list[LayerGroup] = []
        self._drawn: tuple[object, ...] = ()

    def show(self, history: RunHistory, view: ChartView) -> bool:
        """Draw the history, unless it would look the same. Return True if it must wait for the next turn."""
        self._history, self._view = history, view
        width, height = self.size
        if width < 12 or height < 2 or not self.display:
            return False
        requested = (view.window, view.cursor, view.axis, width, height, self._number, self._layer, id(history))
        drawn = (*requested, history.training, history.curves.version, history.curves.layers.version)
        if drawn == self._drawn:
            return False
        resting = history.state == "paused" or not history.live
        if self._drawn[: len(requested)] == requested and not self._turns.open and not resting:
            return True
        self._drawn = drawn
        with self._turns.drawing():
            self._draw(width, height)
        return False

    def on_resize(self) -> None:
        """Draw for the new size at once, so that it comes with the frame around it."""
        self.show(self._history, self._view)

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on the layers under the mouse."""
        row = event.get_content_offset(self)
        if row is not None and 0 < row.y <= len(self._groups):
            self._layer = self._groups[row.y - 1].start
            self.show(self._history, self._view)

    def step_layer(self, by: int) -> None:
        """Move the cursor to a later or an earlier layer; after the last comes the first."""
        count = len(self._history.curves.layers.names)
        self._layer = (self._layer + by) % count if count else 0
        self.show(self._history, self._view)

    def next_number(self) -> None:
        """Show the next of the numbers that a layer has."""
        self._number = NUMBERS[(NUMBERS.index(self._number) + 1) % len(NUMBERS)]
        self.show(self._history, self._view)

    def _draw(self, width: int, height: int) -> None:
        curves, layers = self._history.curves, self._history.curves.layers
        if not len(layers.steps):
            self._groups = []
            self.set_rows(centred(self._why_empty(), width, height))
            self._border_text.show(TITLE, "")
            return
        self._layer = min(self._layer, len(layers.names) - 1)
        self._groups = grouped([text.safe_text(name, 60) for name in layers.names], height - 1)
        label = min(max(text.cells(group.label) for group in self._groups), max(int(width * LABEL_SHARE), LEAST_LABEL))
        columns = width - label - 2
        x = XAxis.of(self._history, self._view)
        strips, scale = strip_rows(curves, self._number, self._groups, x, columns)
        step = min(self._view.cursor or self._history.step, self._history.step)
        rows: list[Row] = [self._readout(step, width)]
        for group, strip in zip(self._groups, strips, strict=True):
            under = self._layer in group
            name = text.padded(cut_middle(group.label, label), label)
            rows.append(((f"{CURSOR if under else ' '}{name} ", "accent" if under else "label"), *strip))
        if len(rows) < height:
            rows.append(((" " * (label + 2), ""), (x.labels(columns), "dim")))
        self.set_rows(rows)
        self._border_text.show(self._title(step), _legend(scale, self._number, width - 2))

    def _why_empty(self) -> str:
        measured = bool(self._history.curves.layers.names)
        return NOTHING_YET if measured or not self._history.step else NOT_MEASURED

    def _title(self, step: float) -> str:
        zoomed = " · zoomed (0 resets)" if self._view.window is not None else ""
        at = f" · step {step:,.0f}" if self._view.cursor is not None else zoomed
        return f"{TITLE} · {NAMES[self._number]}{at}"

    def _readout(self, step: float, width: int) -> Row:
        """Return the layer under the cursor with its numbers at a step: first the one that is shown."""
        curves = self._history.curves
        bucket = bucket_at(curves, step)
        pieces: list[Row] = []
        for number in sorted(NUMBERS, key=lambda number: number != self._number):
            value = float(numbers_of(curves, number)[bucket, self._layer]) if bucket >= 0 else math.nan
            pieces.append(((f"{number} ", "label"), (_formatted(value), "value")))
        name = cut_middle(text.safe_text(curves.layers.names[self._layer], 60), max(width // 2, 1))
        head: Row = ((name, "accent"),)
        place: Row = ((f"{self._layer + 1} of {len(curves.layers.names)}", "dim"),)
        return fitted([head, *pieces, place], width, "  ")


def _formatted(value: float) -> str:
    if math.isnan(value):
        return "–"
    return f"{value:.2g}" if math.isfinite(value) else "not finite"


def _legend(scale: Scale, number: LayerNumber, width: int) -> str:
    """Return the signs and what they mean, as much of it as fits."""
    levels = f"{LEVELS[0]} {scale.low:g} … {LEVELS[-1]} {scale.high:g}"
    marks = [f"{EXPLODES} × 10", f"{DIES} / 1,000"] if number != "weight" else []
    parts = [levels, *marks, f"{NOT_FINITE} not finite", f"{ZERO} zero"]
    while len(parts) > 1 and len("  ".join(parts)) > width:
        parts.pop()
    return "  ".join(parts)
