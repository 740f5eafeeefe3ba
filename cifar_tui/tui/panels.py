"""The dashboard's panels. A new one is a line here, its widget, and what app.tcss says of it."""

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from textual.widget import Widget

from cifar_tui.dataclass import dataclass
from cifar_tui.history.run_history import RunHistory
from cifar_tui.system.hardware import Hardware
from cifar_tui.tui.charts.chart import Chart, ChartOptions
from cifar_tui.tui.charts.chart_kinds import ACCURACY, LEARNING_RATE, LOSS, ChartKind
from cifar_tui.tui.charts.health_panel import TITLE as HEALTH
from cifar_tui.tui.charts.health_panel import HealthPanel
from cifar_tui.tui.widgets.device_panel import DevicePanel
from cifar_tui.tui.widgets.epoch_table import EpochTable


@runtime_checkable
class HistoryWidget(Protocol):
    """A widget that shows a history."""

    def show(self, history: RunHistory, /) -> object:
        """Show the history."""


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel."""

    name: str
    """Its widget's id, and its name in the preferences."""
    title: str
    """Its title where panels are chosen."""
    widget: Callable[[Hardware, ChartOptions], Widget]
    """Makes its widget from the reader of the device and the options of charts."""


def _chart(name: str, kind: ChartKind) -> Panel:
    return Panel(name, kind.title, lambda _hardware, options: Chart(kind, id=name, options=options))


PANELS = (
    _chart("loss", LOSS),
    _chart("accuracy", ACCURACY),
    Panel("epochs", "Epochs", lambda _hardware, _options: EpochTable()),
    _chart("rate", LEARNING_RATE),
    Panel("device", "Device", lambda hardware, _options: DevicePanel(hardware)),
    Panel("health", HEALTH, lambda _hardware, options: HealthPanel(options.turns)),
)
"""In order of importance: with less room, the first ones are shown."""
PANEL_NAMES = tuple(panel.name for panel in PANELS)
