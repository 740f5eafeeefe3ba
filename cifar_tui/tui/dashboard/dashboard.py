"""The main screen: status, charts, epoch table and device, laid out for the room there is."""

import dataclasses
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from cifar_tui.history.run_history import RunHistory
from cifar_tui.system.hardware import Hardware
from cifar_tui.tui import common_keys
from cifar_tui.tui.charts.chart import Chart
from cifar_tui.tui.charts.chart_kinds import ACCURACY, LEARNING_RATE, LOSS
from cifar_tui.tui.charts.chart_view import ChartView
from cifar_tui.tui.dashboard.overlay_keys import OverlayKeys
from cifar_tui.tui.dialogs.questions import PanelChoice
from cifar_tui.tui.settings.preferences import PANELS, Preferences
from cifar_tui.tui.widgets.device_panel import DevicePanel
from cifar_tui.tui.widgets.epoch_table import EpochTable
from cifar_tui.tui.widgets.key_row import KeyRow
from cifar_tui.tui.widgets.rows import Rows
from cifar_tui.tui.widgets.status import Asked, StatusPanel

PANEL_TITLES = dict(zip(PANELS, ("Loss", "Accuracy", "Epochs", "Learning rate", "Device"), strict=True))
ORDINALS = ("-first", "-second", "-third", "-fourth", "-fifth")


class Dashboard(OverlayKeys):
    """A run at a glance."""

    AUTO_FOCUS = "EpochTable"
    BINDINGS: ClassVar[list[BindingType]] = [
        *common_keys.BEFORE,
        Binding("c", "app.checkpoints", "Checkpoints", tooltip="Show what was saved"),
        Binding("e", "app.evaluate_newest", "Evaluate", tooltip="Measure the newest checkpoint on the test images"),
        Binding("v", "next_view", "View", tooltip="Give one panel the whole screen; again for the next"),
        Binding("V", "previous_view", "Back a view", show=False, tooltip="The panel before"),
        Binding("escape", "all_panels", "All panels", show=False, tooltip="Show all panels again"),
        Binding("h", "choose_panels", "Panels", show=False, tooltip="Choose which panels are shown"),
        *common_keys.AFTER,
        *OverlayKeys.OVERLAY_BINDINGS,
        *OverlayKeys.CHART_BINDINGS,
    ]

    class PreferencesChanged(Message):
        """A person has chosen something that outlives the screen."""

        def __init__(self, preferences: Preferences) -> None:
            """Say what is preferred now."""
            super().__init__()
            self.preferences = preferences

    def __init__(self, hardware: Hardware, preferences: Preferences | None = None, marker: str = "braille") -> None:
        """Show nothing yet; `hardware` is what the device panel reads, `marker` what curves are drawn with."""
        super().__init__()
        self._hardware = hardware
        self._marker = marker
        self._preferences = preferences or Preferences()
        self.view = self._preferences.view
        self._history = RunHistory()

    def compose(self) -> ComposeResult:
        """Put the panels up."""
        yield StatusPanel()
        with Container(id="panels"):
            yield Chart(LOSS, id="loss", marker=self._marker)
            yield Chart(ACCURACY, id="accuracy", marker=self._marker)
            yield EpochTable()
            yield Chart(LEARNING_RATE, id="rate", marker=self._marker)
            yield DevicePanel(self._hardware)
        yield Static("Make the terminal at least 40 × 12 for charts.", id="too-small")
        yield KeyRow()

    def on_mount(self) -> None:
        """Start with the panels a person has chosen, as far as they fit."""
        self._arrange()

    def on_screen_resume(self) -> None:
        """Ask to be shown what was said meanwhile."""
        self.post_message(Rows.Outdated())

    def show(self, history: RunHistory, asked: Asked | None) -> bool:
        """Put the history on every panel. Returns whether a part of it has to wait."""
        self._history = history
        self.query_one(StatusPanel).show(history, asked)
        self.query_one(EpochTable).show(history)
        self.query_one(DevicePanel).show(history)
        waiting = [chart.show(history, self.view) for chart in self.query(Chart)]
        return any(waiting)

    @property
    def shown_history(self) -> RunHistory:
        """What the charts show."""
        return self._history

    def set_view(self, view: ChartView) -> None:
        """Look at the charts in another way, at once."""
        if view == self.view:
            return
        self.view = view
        for chart in self.query(Chart):
            chart.show(self._history, view)
        self._prefer(self._preferences.with_view(view))

    def on_chart_view_requested(self, message: Chart.ViewRequested) -> None:
        """Take a view that was asked for with the mouse."""
        self.set_view(message.view)

    def on_click(self, event: events.Click) -> None:
        """A double click gives a panel the whole screen, or takes it back."""
        if event.chain != 2 or event.widget is None:
            return
        for node in event.widget.ancestors_with_self:
            if isinstance(node, Widget) and node.id in PANELS:
                self._maximise(None if self._preferences.maximised == node.id else node.id)
                return

    def action_next_view(self) -> None:
        """Show the next panel alone."""
        self._step_view(1)

    def action_previous_view(self) -> None:
        """Show the panel before."""
        self._step_view(-1)

    def action_all_panels(self) -> None:
        """Show all panels again; the cursor on the charts goes first."""
        if self.view.cursor is not None:
            self.set_view(self.view.pointed(None, self._history.step))
        else:
            self._maximise(None)

    def action_choose_panels(self) -> None:
        """Ask which panels are to be shown."""

        def answered(hidden: tuple[str, ...] | None) -> None:
            if hidden is not None:
                self._prefer(dataclasses.replace(self._preferences, hidden_panels=hidden, maximised=None))
                self._arrange()

        self.app.push_screen(PanelChoice(PANEL_TITLES, self._preferences.hidden_panels), answered)

    def _step_view(self, by: int) -> None:
        """Go through all panels together and each alone; without room for all, the first stands for them."""
        shown = [name for name in PANELS if name not in self._preferences.hidden_panels]
        alone = self.has_class("-narrow") or self.has_class("-low")
        views = [None, *(shown[1:] if alone else shown)]
        now = self._preferences.maximised
        place = views.index(now) if now in views else 0
        self._maximise(views[(place + by) % len(views)])

    def _maximise(self, panel: str | None) -> None:
        self._prefer(dataclasses.replace(self._preferences, maximised=panel))
        self._arrange()

    def _arrange(self) -> None:
        """Show the panels that are to be seen."""
        panels = self.query_one("#panels")
        maximised = self._preferences.maximised
        shown = [maximised] if maximised else [name for name in PANELS if name not in self._preferences.hidden_panels]
        for count in range(1, len(PANELS) + 1):
            panels.set_class(count == len(shown), f"-count-{count}")
        for name in PANELS:
            panel = panels.query_one(f"#{name}")
            panel.set_class(name not in shown, "-hidden")
            for place, ordinal in enumerate(ORDINALS):
                panel.set_class(shown[place : place + 1] == [name], ordinal)

    def _prefer(self, preferences: Preferences) -> None:
        if preferences != self._preferences:
            self._preferences = preferences
            self.post_message(self.PreferencesChanged(preferences))
