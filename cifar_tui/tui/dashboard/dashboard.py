"""The main screen: status, charts, epoch table and device."""

from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from cifar_tui.history.run_history import RunHistory
from cifar_tui.system.hardware import Hardware
from cifar_tui.tui import common_keys
from cifar_tui.tui.charts.chart import Chart, ChartOptions
from cifar_tui.tui.charts.chart_view import ChartView
from cifar_tui.tui.charts.overlay import OverlaidRun
from cifar_tui.tui.charts.redraw_turns import RedrawTurns
from cifar_tui.tui.dashboard.chart_keys import CHANGES, CHART_BINDINGS
from cifar_tui.tui.dashboard.overlaid_runs import OverlaidRuns
from cifar_tui.tui.dashboard.panel_grid import PanelGrid
from cifar_tui.tui.intervals import ScreenIntervals
from cifar_tui.tui.panels import PANELS
from cifar_tui.tui.run_reader import RunLoaded, RunUpdated
from cifar_tui.tui.settings.kept_preferences import KeptPreferences
from cifar_tui.tui.sized_screen import SizedScreen
from cifar_tui.tui.widgets.epoch_table import EpochTable
from cifar_tui.tui.widgets.key_row import KeyRow
from cifar_tui.tui.widgets.rows import Rows
from cifar_tui.tui.widgets.status import Awaited, StatusPanel


class Dashboard(SizedScreen[None]):
    """A run at a glance."""

    AUTO_FOCUS = "EpochTable"
    BINDINGS: ClassVar[list[BindingType]] = [
        *common_keys.BEFORE,
        Binding("c", "app.checkpoints", "Checkpoints", tooltip="Show the saved checkpoints"),
        Binding(
            "e",
            "app.evaluate_newest",
            "Evaluate",
            tooltip="Evaluate the newest checkpoint (again: cancel)",
        ),
        Binding("z", "app.shorter_preset", "Shorter preset", tooltip="Stop this run, start a shorter one (asks first)"),
        Binding("v", "next_view", "View", tooltip="Show one panel alone; again: the next"),
        Binding("V", "next_view(-1)", "Previous view", show=False, tooltip="Show the previous panel alone"),
        Binding(
            "escape",
            "all_panels",
            "All panels",
            show=False,
            key_display="esc",
            tooltip="Take the charts' cursor away; then show all panels again",
        ),
        Binding("h", "choose_panels", "Panels", show=False, tooltip="Choose which panels are shown"),
        Binding(
            "L",
            "layer_number",
            "Layers",
            show=False,
            tooltip="Show the network's health; again: updates, gradients or weights",
        ),
        Binding("full_stop", "layer(1)", "Next layer", show=False, key_display=".", tooltip="Read out the next layer"),
        Binding(
            "comma", "layer(-1)", "Previous layer", show=False, key_display=",", tooltip="Read out the layer before"
        ),
        *common_keys.AFTER,
        Binding(
            "o",
            "choose_runs",
            "Overlay",
            show=False,
            tooltip="Overlay other runs; compare their recipes",
        ),
        *CHART_BINDINGS,
    ]

    def __init__(
        self, hardware: Hardware, preferences: KeptPreferences, marker: str, intervals: ScreenIntervals
    ) -> None:
        """Show nothing yet; `hardware` is what the device panel reads, `marker` what curves are drawn with."""
        super().__init__()
        self._preferences = preferences
        self._view = preferences.current.view
        self._history = RunHistory()
        self._status = StatusPanel(intervals)
        self._panels = PanelGrid(hardware, ChartOptions(marker, RedrawTurns(intervals.redraw)), preferences)
        self._overlaid_runs = OverlaidRuns(self, intervals.other_runs, self._overlay)

    def compose(self) -> ComposeResult:
        """Put the panels up."""
        yield self._status
        yield self._panels
        yield Static("Make the terminal at least 40 × 12 for charts.", id="too-small")
        yield KeyRow()

    def on_screen_resume(self) -> None:
        """Ask to be shown the events that came meanwhile."""
        self.post_message(Rows.Outdated())

    def on_unmount(self) -> None:
        """Follow no other run any more."""
        self._overlaid_runs.close()

    def show(self, history: RunHistory, awaited: Awaited | None) -> bool:
        """Put the history on every panel. Returns True if a part of it has to wait."""
        self._history = history
        self._status.show(history, awaited)
        return self._panels.show(history, self._view)

    def action_view(self, change: str, amount: int = 0) -> None:
        """Change the view on the charts."""
        self._set_view(CHANGES[change](self._view, self._history, amount))

    def action_next_view(self, by: int = 1) -> None:
        """Show the next panel alone, or the one before."""
        self._panels.step_view(by)

    def action_all_panels(self) -> None:
        """Show all panels again, once the cursor on the charts has gone; then all runs, where that leaves nothing."""
        if self._view.cursor is not None:
            self._set_view(self._view.pointed(None, self._history.step))
        elif self._preferences.current.maximised is not None:
            self._panels.maximise(None)
        else:
            self.app.call_later(self.app.run_action, "app.runs_unless_training")

    def action_choose_panels(self) -> None:
        """Ask which panels are to be shown."""

        def answered(hidden: tuple[str, ...] | None) -> None:
            if hidden is not None:
                self._panels.hide(hidden)

        titles = {panel.name: panel.title for panel in PANELS}
        from cifar_tui.tui.dialogs.panel_choice import PanelChoice

        self.app.push_screen(PanelChoice(titles, self._preferences.current.hidden_panels), answered)

    def action_layer(self, by: int) -> None:
        """Read out another layer."""
        if panel := self._panels.health():
            panel.step_layer(by)

    def action_layer_number(self) -> None:
        """Show another number of the layers."""
        if panel := self._panels.health():
            panel.next_number()

    def action_choose_runs(self) -> None:
        """Ask which runs are to be drawn over this one."""
        self._overlaid_runs.ask(self._history)

    def overlay_runs(self, folders: tuple[Path, ...]) -> None:
        """Draw these runs over the one on the screen, and no others."""
        self._overlaid_runs.read(folders)

    @on(Chart.ViewRequested)
    def _change_view(self, message: Chart.ViewRequested) -> None:
        self._set_view(message.view)

    @on(EpochTable.RowSelected)
    async def _open_epoch(self, message: EpochTable.RowSelected) -> None:
        names = [one.checkpoint for one in self._history.checkpoints if str(one.epoch) == message.row_key.value]
        if names:
            await self.app.run_action(("app", "checkpoints", (names[-1],)))
        else:
            self.notify(f"No checkpoint of epoch {message.row_key.value} was kept.")

    @on(RunLoaded)
    def _load_run(self, message: RunLoaded) -> None:
        self._overlaid_runs.load(message)

    @on(RunUpdated)
    def _update_run(self, message: RunUpdated) -> None:
        if self._overlaid_runs.update(message):
            self.post_message(Rows.Outdated())

    def _set_view(self, view: ChartView) -> None:
        if view == self._view:
            return
        self._view = view
        self._panels.show(self._history, view)
        self.query_one(EpochTable).point(view.cursor)
        self._preferences.keep(self._preferences.current.with_view(view))

    def _overlay(self, runs: tuple[OverlaidRun, ...]) -> None:
        for chart in self.query(Chart):
            chart.overlay(runs)
            chart.show(self._history, self._view)
