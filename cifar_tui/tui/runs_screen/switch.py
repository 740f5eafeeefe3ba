"""Goes from one run to another, and to the screen of all of them; that is loaded when it is first asked for."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import App

from cifar_tui.errors import CifarTuiError
from cifar_tui.jobs.session import CurrentJobs
from cifar_tui.runs.find import RUNS_FOLDER
from cifar_tui.text import safe_text
from cifar_tui.tui.dashboard.dashboard import Dashboard
from cifar_tui.tui.followed_run import FollowedRun
from cifar_tui.tui.run_start import RunStarter

if TYPE_CHECKING:
    from cifar_tui.tui.runs_screen.screen import RunsScreen


class RunSwitch:
    """Opens runs on the dashboard. One that trains in this process is never left: it trains on behind another."""

    def __init__(
        self,
        app: App[int],
        jobs: CurrentJobs,
        followed: FollowedRun,
        starter: RunStarter,
        compare: Callable[[list[Path]], None],
        opened: Callable[[], None],
        look_seconds: float,
        marker: str,
    ) -> None:
        """Switch runs for `app`; `opened` is called when another run is followed.

        The folder is looked at every `look_seconds`; `marker` is what charts are drawn with.
        """
        self._app = app
        self._jobs = jobs
        self._followed = followed
        self._starter = starter
        self._compare = compare
        self._opened = opened
        self._look_seconds = look_seconds
        self._marker = marker
        self._screen: RunsScreen | None = None
        self._ended_told = False

    def show_runs(self) -> None:
        """Show all runs, beside the one that is open."""
        if self._screen is None:
            # Not before: neither the first frame nor a run needs it.
            from cifar_tui.tui.runs_screen.actions import RunListActions
            from cifar_tui.tui.runs_screen.screen import RunsScreen

            own = self._followed.folder
            place = (own.parent if own is not None else RUNS_FOLDER).absolute()
            actions = RunListActions(self._app, self._jobs, self._followed, self._starter, self._compare, self.open)
            self._screen = RunsScreen(place, self._followed, actions, self._look_seconds, self._show_results)
            self._app.install_screen(self._screen, "runs")
        if self._screen not in self._app.screen_stack:
            self._app.push_screen("runs")
        while self._app.screen is not self._screen:
            self._app.pop_screen()

    def _show_results(self, screen: "RunsScreen") -> None:
        # Not before: nothing else needs it.
        from cifar_tui.tui.results.screen import ResultsScreen

        runs = ResultsScreen(screen.compared_runs, screen.look, self.open, self._look_seconds, self._marker)
        self._app.push_screen(runs)

    def open(self, folder: Path, overlaid: Sequence[Path] = ()) -> bool:
        """Open a run on the dashboard, with others drawn over it. Returns True if it is open."""
        if folder != self._followed.folder:
            own = self._followed.own
            if own is not None and own.history.started is not None and Path(own.history.started.folder) == folder:
                self._followed.come_back()
            else:
                try:
                    self._followed.open(folder)
                except CifarTuiError as error:
                    self._app.notify(str(error), severity="warning", markup=False)
                    return False
            self._opened()
        self._show_dashboard(overlaid)
        return True

    def come_back(self) -> None:
        """Return to the run that trains in this process, where another one is in view."""
        if self._followed.come_back():
            self._opened()
            self._show_dashboard(())

    def watch(self) -> None:
        """See to the run that trains in this process while another one is in view; called at every poll."""
        own = self._followed.own
        if own is None:
            self._ended_told = False
        elif own.history.nonfinite_loss is not None:
            self.come_back()  # it waits for an answer
        elif not own.history.live and not self._ended_told:
            self._ended_told = True
            name = safe_text(own.history.started.run, 60) if own.history.started is not None else "The run here"
            self._app.notify(f"{name} has ended: u shows all runs, enter on it shows how.", markup=False)

    def _show_dashboard(self, overlaid: Sequence[Path]) -> None:
        while not isinstance(self._app.screen, Dashboard):
            self._app.pop_screen()
        self._app.screen.overlay_runs(tuple(overlaid))
