"""The keys that change how the charts are looked at."""

import dataclasses
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.screen import Screen

from cifar_tui.history.run_history import RunHistory
from cifar_tui.tui.charts.axes import full_range
from cifar_tui.tui.charts.chart_kinds import CURVE_LABELS
from cifar_tui.tui.charts.chart_view import ChartView

ZOOM = 0.5
PAN = 0.25
CURSOR_SHARE = 0.01
"""How far a key moves the cursor, as a share of the stretch in view; a step at least."""
CURSOR_JUMP = 10
"""How many times as far with shift."""


class ChartKeys(Screen[None]):
    """A screen with charts that are looked at together."""

    CHART_BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "point(-1)", "Cursor left", show=False, priority=True, tooltip="Read out an earlier step"),
        Binding("right", "point(1)", "Cursor right", show=False, priority=True, tooltip="Read out a later step"),
        Binding("shift+left", "point(-10)", "Cursor far left", show=False, priority=True, key_display="⇧←",
                tooltip="Read out a much earlier step"),
        Binding("shift+right", "point(10)", "Cursor far right", show=False, priority=True, key_display="⇧→",
                tooltip="Read out a much later step"),
        Binding("plus,equals_sign", "zoom(-1)", "Zoom in", show=False, key_display="+",
                tooltip="Zoom in on the charts"),
        Binding("minus", "zoom(1)", "Zoom out", show=False, key_display="-", tooltip="Zoom out again"),
        Binding("left_square_bracket", "pan(-1)", "Earlier", show=False, key_display="[",
                tooltip="Move a zoomed chart to earlier steps"),
        Binding("right_square_bracket", "pan(1)", "Later", show=False, key_display="]",
                tooltip="Move a zoomed chart to later steps"),
        Binding("0", "follow", "Follow", show=False, key_display="0",
                tooltip="Show the whole run and its newest values again"),
        Binding("x", "next_axis", "Axis", show=False, tooltip="Lay charts over steps, epochs or training time"),
        Binding("m", "next_smoothing", "Smoothing", show=False, tooltip="Smooth curves lightly, strongly, or not"),
        Binding("g", "logarithmic", "Logarithmic", show=False, tooltip="Logarithmic loss and rate, or linear"),
        Binding("k", "ticks", "Ticks", show=False,
                tooltip="Mark epochs ┴, checkpoints ▾, pauses ‖ and rate changes ◆ below the charts"),
        *(
            Binding(str(number), f"toggle_curve('{label}')", f"Curve {label}", show=False,
                    tooltip=f"Show or hide the curve '{label}'")
            for number, label in enumerate(CURVE_LABELS, start=1)
        ),
    ]  # fmt: skip

    view = ChartView()

    @property
    def shown_history(self) -> RunHistory:
        """What the charts show."""
        raise NotImplementedError

    def set_view(self, view: ChartView) -> None:
        """Look at the charts in another way, at once."""
        raise NotImplementedError

    def action_point(self, steps: int) -> None:
        """Move the cursor; it starts at the newest step."""
        history = self.shown_history
        low, high = self.view.window or (0.0, float(max(history.step, 1)))
        stride = max((high - low) * CURSOR_SHARE, 1.0) * steps
        start = self.view.cursor if self.view.cursor is not None else min(history.step, high)
        self.set_view(self.view.pointed(start + stride, history.step))

    def action_zoom(self, out: int) -> None:
        """Zoom around the cursor, or at the newest step."""
        about = self.view.cursor if self.view.cursor is not None else float(self.shown_history.step)
        self.set_view(self.view.zoomed(1 / ZOOM if out > 0 else ZOOM, about, full_range(self.shown_history)))

    def action_pan(self, direction: int) -> None:
        """Move what is in view."""
        self.set_view(self.view.panned(PAN * direction, full_range(self.shown_history)))

    def action_follow(self) -> None:
        """Follow the run again."""
        self.set_view(self.view.followed())

    def action_next_axis(self) -> None:
        """Change what lies along the charts."""
        self.set_view(self.view.next_axis())

    def action_next_smoothing(self) -> None:
        """Change how smooth the curves are."""
        self.set_view(self.view.next_smoothing())

    def action_logarithmic(self) -> None:
        """Change the scale."""
        self.set_view(dataclasses.replace(self.view, logarithmic=not self.view.logarithmic))

    def action_ticks(self) -> None:
        """Show or hide the ticks."""
        self.set_view(dataclasses.replace(self.view, ticks=not self.view.ticks))

    def action_toggle_curve(self, label: str) -> None:
        """Show or hide a curve in all charts."""
        self.set_view(self.view.toggled(label))
