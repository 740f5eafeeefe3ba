"""The other runs that are drawn over the one on the screen."""

from collections.abc import Callable
from pathlib import Path

from textual.screen import Screen

from cifar_tui.history.run_history import RunHistory
from cifar_tui.tui.charts.overlay import OverlaidRun
from cifar_tui.tui.run_reader import RunLoaded, RunReader, RunUpdated


class OverlaidRuns:
    """Reads the runs that a person chooses; those that still train are followed."""

    def __init__(
        self, screen: Screen[None], look_seconds: float, draw: Callable[[tuple[OverlaidRun, ...]], None]
    ) -> None:
        """Send what is read to the screen as messages; `draw` is called when other runs are to be drawn."""
        self._screen = screen
        self._look_seconds = look_seconds
        self._draw = draw
        self._folders: tuple[Path, ...] = ()
        self._reader: RunReader | None = None
        self._runs: tuple[OverlaidRun, ...] = ()

    def ask(self, history: RunHistory) -> None:
        """Ask which of the runs beside this one are to be drawn over it."""
        started = history.started
        from cifar_tui.tui.dialogs.run_choice import RunChoice, sibling_runs

        beside = sibling_runs(Path(started.folder), started.recipe) if started is not None else []
        if beside:
            self._screen.app.push_screen(RunChoice(beside, self._folders), self.read)
        else:
            self._screen.notify("There is no other run beside this one.")

    def load(self, message: RunLoaded) -> None:
        """Draw a run that was read."""
        if message.reader is self._reader:
            number = message.place + 1
            loaded = OverlaidRun(self._folders[message.place].name, number, message.history)
            others = [run for run in self._runs if run.number != number]
            self._overlay(tuple(sorted([*others, loaded], key=lambda run: run.number)))

    def update(self, message: RunUpdated) -> bool:
        """Apply a run's new events. Returns True if they are of a run that is drawn."""
        if message.reader is not self._reader:
            return False
        for run in self._runs:
            if run.number == message.place + 1:
                for event in message.events:
                    run.history.apply(event)
        return True

    def close(self) -> None:
        """Follow no run any more."""
        self._follow(())

    def read(self, folders: tuple[Path, ...] | None) -> None:
        """Read the runs' journals on a thread of their own: a long one takes a second."""
        chosen = folders or ()
        if chosen != self._folders or not (self._reader and self._reader.following):
            self._follow(chosen)
            self._overlay(())

    def _follow(self, folders: tuple[Path, ...]) -> None:
        if self._reader is not None:
            self._reader.close()
        self._folders = folders
        self._reader = RunReader(folders, self._screen.post_message, self._look_seconds)

    def _overlay(self, runs: tuple[OverlaidRun, ...]) -> None:
        self._runs = runs
        self._draw(runs)
