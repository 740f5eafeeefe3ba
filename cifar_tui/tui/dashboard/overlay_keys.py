"""The key that draws other runs over the one on the screen."""

from pathlib import Path
from typing import ClassVar

from textual.binding import Binding, BindingType

from cifar_tui.tui.charts.chart import Chart
from cifar_tui.tui.charts.overlay import OverlaidRun
from cifar_tui.tui.dashboard.chart_keys import ChartKeys
from cifar_tui.tui.dialogs.run_choice import RunChoice, sibling_runs
from cifar_tui.tui.run_reader import RunLoaded, RunReader, RunUpdated
from cifar_tui.tui.widgets.rows import Rows


class OverlayKeys(ChartKeys):
    """A screen with charts that other runs can be drawn on; those that still train are followed."""

    OVERLAY_BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "o", "choose_runs", "Overlay", show=False, tooltip="Draw other runs over this one; see how they differ"
        ),
    ]

    _overlaid_folders: tuple[Path, ...] = ()
    _others: RunReader | None = None
    _overlaid: tuple[OverlaidRun, ...] = ()

    def action_choose_runs(self) -> None:
        """Ask which of the runs beside this one are to be drawn over it."""
        started = self.shown_history.started
        beside = sibling_runs(Path(started.folder), started.recipe) if started is not None else []
        if beside:
            self.app.push_screen(RunChoice(beside, self._overlaid_folders), self._read)
        else:
            self.notify("There is no other run beside this one.")

    def on_unmount(self) -> None:
        """Follow nobody any more."""
        self._follow(())

    def on_run_loaded(self, message: RunLoaded) -> None:
        """Draw a run that was read."""
        if message.reader is self._others:
            number = message.place + 1
            one = OverlaidRun(self._overlaid_folders[message.place].name, number, message.history)
            before = [other for other in self._overlaid if other.number != number]
            self._overlay(tuple(sorted([*before, one], key=lambda other: other.number)))

    def on_run_updated(self, message: RunUpdated) -> None:
        """Take in what a run has said since, and ask to be shown."""
        if message.reader is self._others:
            for one in self._overlaid:
                if one.number == message.place + 1:
                    for said in message.said:
                        one.history.apply(said)
            self.post_message(Rows.Outdated())

    def _read(self, folders: tuple[Path, ...] | None) -> None:
        """Read the runs' journals on a thread of their own: a long one takes a second."""
        chosen = folders or ()
        if chosen != self._overlaid_folders or not (self._others and self._others.following):
            self._follow(chosen)
            self._overlay(())

    def _follow(self, folders: tuple[Path, ...]) -> None:
        if self._others is not None:
            self._others.close()
        self._overlaid_folders = folders
        self._others = RunReader(folders, self.post_message)

    def _overlay(self, others: tuple[OverlaidRun, ...]) -> None:
        self._overlaid = others
        for chart in self.query(Chart):
            chart.overlay(others)
            chart.show(self.shown_history, self.view)
