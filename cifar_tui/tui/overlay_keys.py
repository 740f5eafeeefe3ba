"""The key that draws other runs over the one on the screen."""

from functools import partial
from pathlib import Path
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.worker import Worker, WorkerState

from cifar_tui.tui.chart_keys import ChartKeys
from cifar_tui.tui.run_choice import RunChoice, read_runs, runs_beside
from cifar_tui.tui.widgets.chart import Chart
from cifar_tui.tui.widgets.overlay import Overlaid

READING = "read-runs"


class OverlayKeys(ChartKeys):
    """A screen with charts that other runs can be drawn on."""

    OVERLAY_BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "o", "choose_runs", "Overlay", show=False, tooltip="Draw other runs over this one; see how they differ"
        ),
    ]

    _overlaid_folders: tuple[Path, ...] = ()

    def action_choose_runs(self) -> None:
        """Ask which of the runs beside this one are to be drawn over it."""
        started = self.shown_history.started
        beside = runs_beside(Path(started.folder), started.recipe) if started is not None else []
        if beside:
            self.app.push_screen(RunChoice(beside, self._overlaid_folders), self._read)
        else:
            self.notify("There is no other run beside this one.")

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Draw what was read."""
        if event.worker.name == READING and event.state == WorkerState.SUCCESS and event.worker.result is not None:
            self._overlay(event.worker.result)

    def _read(self, folders: tuple[Path, ...] | None) -> None:
        """Read the runs' journals on a thread of their own: a long one takes a second."""
        self._overlaid_folders = folders or ()
        self.run_worker(partial(read_runs, self._overlaid_folders), READING, thread=True, exclusive=True)

    def _overlay(self, others: tuple[Overlaid, ...]) -> None:
        for chart in self.query(Chart):
            chart.overlay(others)
            chart.show(self.shown_history, self.view)
