"""The main screen: status, charts, epoch table and device, laid out for the room there is."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.screen import Screen
from textual.widgets import Footer, Static

from cifar_tui.hardware import Hardware
from cifar_tui.history import RunHistory
from cifar_tui.tui import keys
from cifar_tui.tui.widgets.chart import ACCURACY, LEARNING_RATE, LOSS, Chart
from cifar_tui.tui.widgets.device_panel import DevicePanel
from cifar_tui.tui.widgets.epoch_table import EpochTable
from cifar_tui.tui.widgets.rows import Rows
from cifar_tui.tui.widgets.status import Asked, StatusPanel

HORIZONTAL_BREAKPOINTS = [(0, "-minute"), (40, "-narrow"), (70, "-medium"), (100, "-wide")]
VERTICAL_BREAKPOINTS = [(0, "-flat"), (12, "-low"), (22, "-middle"), (32, "-high")]

PANELS = ("loss", "accuracy", "rate", "epochs", "device")
VIEWS = ("all", *PANELS)
"""What `v` goes through; a narrow screen has no room for all, and starts with the first panel."""


class Dashboard(Screen[None]):
    """A run at a glance."""

    HORIZONTAL_BREAKPOINTS = HORIZONTAL_BREAKPOINTS
    VERTICAL_BREAKPOINTS = VERTICAL_BREAKPOINTS
    BINDINGS: ClassVar[list[BindingType]] = [
        *keys.BEFORE,
        Binding("c", "app.checkpoints", "Checkpoints", tooltip="Show what was saved"),
        Binding("e", "app.evaluate_newest", "Evaluate", tooltip="Measure the newest checkpoint on the test images"),
        Binding("v", "next_view", "View", tooltip="Give one panel the whole screen; again for the next"),
        Binding("V", "previous_view", "Back a view", show=False, tooltip="The panel before"),
        *keys.AFTER,
    ]

    def __init__(self, hardware: Hardware) -> None:
        """Show nothing yet; `hardware` is what the device panel reads."""
        super().__init__()
        self._hardware = hardware
        self._view = 0

    def compose(self) -> ComposeResult:
        """Put the panels up."""
        yield StatusPanel()
        with Container(id="panels"):
            yield Chart(LOSS, id="loss")
            yield Chart(ACCURACY, id="accuracy")
            yield EpochTable()
            yield Chart(LEARNING_RATE, id="rate")
            yield DevicePanel(self._hardware)
        yield Static("Make the terminal at least 40 × 12 for charts.", id="too-small")
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Start with everything that fits."""
        self._set_view(0)

    def on_screen_resume(self) -> None:
        """Ask to be shown what was said meanwhile."""
        self.post_message(Rows.Outdated())

    def show(self, history: RunHistory, asked: Asked | None) -> bool:
        """Put the history on every panel. Returns whether a part of it has to wait."""
        self.query_one(StatusPanel).show(history, asked)
        self.query_one(EpochTable).show(history)
        self.query_one(DevicePanel).show(history)
        waiting = [chart.show(history) for chart in self.query(Chart)]
        return any(waiting)

    def action_next_view(self) -> None:
        """Show the next panel alone."""
        # Without room for all, the first panel stands for all already.
        alone = self.has_class("-narrow") or self.has_class("-low")
        self._set_view(2 if alone and self._view == 0 else self._view + 1)

    def action_previous_view(self) -> None:
        """Show the panel before."""
        alone = self.has_class("-narrow") or self.has_class("-low")
        self._set_view(0 if alone and self._view == 2 else self._view - 1)

    def _set_view(self, view: int) -> None:
        self._view = view % len(VIEWS)
        chosen = VIEWS[self._view]
        panels = self.query_one("#panels")
        panels.set_class(chosen != "all", "-single")
        for name in PANELS:
            panels.query_one(f"#{name}").set_class(name == chosen, "-chosen")
