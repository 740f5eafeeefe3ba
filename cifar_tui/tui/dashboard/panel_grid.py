"""The panels of the dashboard, laid out for the room there is and for what a person has chosen."""

import dataclasses

from textual import events
from textual.app import ComposeResult
from textual.containers import Container
from textual.widget import Widget

from cifar_tui.history.run_history import RunHistory
from cifar_tui.system.hardware import Hardware
from cifar_tui.tui.charts.chart import Chart, ChartOptions
from cifar_tui.tui.charts.chart_view import ChartView
from cifar_tui.tui.charts.health_panel import HealthPanel
from cifar_tui.tui.panels import PANEL_NAMES, PANELS, HistoryWidget
from cifar_tui.tui.settings.kept_preferences import KeptPreferences

FEW = 4
"""Up to so many panels have a layout of their own, by their count; more of them share one."""
MANY = 5
"""More panels than these are only in view together where a screen is large."""


class PanelGrid(Container):
    """All panels, or some, or one of them."""

    def __init__(self, hardware: Hardware, options: ChartOptions, preferences: KeptPreferences) -> None:
        """Prepare the panels; `hardware` is what the device panel reads, `options` are those of charts."""
        super().__init__(id="panels")
        self._options = options
        self._preferences = preferences
        self._panels: dict[str, Widget] = {panel.name: panel.widget(hardware, options) for panel in PANELS}
        self._arrange()

    def compose(self) -> ComposeResult:
        """Put the panels up."""
        yield from self._panels.values()

    def show(self, history: RunHistory, view: ChartView) -> bool:
        """Show the history on every panel. Returns True if a part of it has to wait."""
        waits = False
        with self._options.turns.turn():
            for panel in self._panels.values():
                if isinstance(panel, Chart | HealthPanel):
                    waits |= panel.show(history, view)
                elif isinstance(panel, HistoryWidget):
                    panel.show(history)
        return waits

    def on_click(self, event: events.Click) -> None:
        """Give a panel the whole screen on a double click, or take it back."""
        if event.chain != 2 or event.widget is None:
            return
        for node in event.widget.ancestors_with_self:
            if isinstance(node, Widget) and node.id in PANEL_NAMES:
                self.maximise(None if self._preferences.current.maximised == node.id else node.id)
                return

    def maximise(self, panel: str | None) -> None:
        """Show one panel alone, or all again."""
        self._preferences.keep(dataclasses.replace(self._preferences.current, maximised=panel))
        self._arrange()

    def hide(self, panels: tuple[str, ...]) -> None:
        """Show all panels but these."""
        kept = dataclasses.replace(self._preferences.current, hidden_panels=panels, maximised=None)
        self._preferences.keep(kept)
        self._arrange()

    def step_view(self, by: int) -> None:
        """Go through all panels together and each alone; without room for all, the first stands for them."""
        chosen = self._chosen()
        alone = self.screen.has_class("-narrow") or self.screen.has_class("-low")
        views = [None, *(chosen[1:] if alone else chosen)]
        now = self._preferences.current.maximised
        place = views.index(now) if now in views else 0
        self.maximise(views[(place + by) % len(views)])

    def health(self) -> HealthPanel | None:
        """Return the panel of the network's health, if it is in view; else show it alone."""
        panel = self.query_one(HealthPanel)
        if panel.display:
            return panel
        self.maximise(str(panel.id))
        return None

    def _chosen(self) -> list[str]:
        return [name for name in PANEL_NAMES if name not in self._preferences.current.hidden_panels]

    def _arrange(self) -> None:
        """Set the classes that app.tcss lays out, how many panels are in view and the place of each; style all once."""
        maximised = self._preferences.current.maximised
        shown = [maximised] if maximised else self._chosen()
        together = {f"-count-{count}": len(shown) == count for count in range(1, FEW + 1)}
        together |= {"-many": len(shown) > FEW, "-all": len(shown) > MANY}
        self.update_classes(together, update=False)
        for name, panel in self._panels.items():
            place = shown.index(name) if name in shown else -1
            alone = {"-hidden": place < 0, "-first": place == 0, "-third": place == 2}
            alone |= {"-more": place > 2, "-last": place >= MANY}
            panel.update_classes(alone, update=False)
        if self.is_attached:
            self.update_node_styles()
