"""The Textual app: polls the run's events, shows its history on the screen in view, and takes the keys."""

import asyncio
import functools
import gc
import threading
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.command import Provider
from textual.driver import Driver
from textual.notifications import SeverityLevel

from cifar_tui.control import Stop
from cifar_tui.dataclass import dataclass
from cifar_tui.history.run_history import RunHistory
from cifar_tui.jobs.session import CurrentJobs, RunConnection
from cifar_tui.system.foreground import SAVE_AND_END
from cifar_tui.system.hardware import Hardware
from cifar_tui.system.output import StrayOutput
from cifar_tui.tui.alert import Alert, Alerter
from cifar_tui.tui.browser.checkpoint_actions import CheckpointActions
from cifar_tui.tui.dashboard.dashboard import Dashboard
from cifar_tui.tui.followed_run import FollowedRun
from cifar_tui.tui.history_display import HistoryDisplay
from cifar_tui.tui.intervals import DEFAULT_INTERVALS, ScreenIntervals, reading_seconds
from cifar_tui.tui.leaving import Ending, Leaving
from cifar_tui.tui.nonfinite_loss import NonfiniteLossQuestion
from cifar_tui.tui.run_actions import RunActions
from cifar_tui.tui.run_start import RunStarter
from cifar_tui.tui.runs_screen.switch import RunSwitch
from cifar_tui.tui.settings.kept_preferences import KeptPreferences
from cifar_tui.tui.settings.preferences import Preferences, PreferencesFile
from cifar_tui.tui.settings.theme_choice import ThemeChoice
from cifar_tui.tui.settings.theme_files import theme_folders
from cifar_tui.tui.settings.themes import Themes, find_themes
from cifar_tui.tui.terminal.driver import ResilientDriver
from cifar_tui.tui.terminal.screen_output import DiffApp, drop_signal_handlers
from cifar_tui.tui.widgets.rows import Rows

WIDTHS = [(0, "-minute"), (40, "-narrow"), (70, "-medium"), (100, "-wide"), (160, "-vast")]
"""The classes of every screen by its columns."""
HEIGHTS = [(0, "-flat"), (12, "-low"), (22, "-middle"), (32, "-high"), (45, "-tall")]
"""And by its rows."""


@dataclass(frozen=True, slots=True)
class ScreenResult:
    """The state of things when the screen is gone."""

    exit_code: int
    """The program's exit code."""
    history: RunHistory
    """Every event so far."""
    connection: RunConnection | None
    """The run, which may still be training if the screen broke, or its terminal is gone."""
    ending: Ending
    """The way the screen ended."""


@dataclass(frozen=True, slots=True)
class ScreenOptions:
    """The options of the screen on the command line."""

    theme: str | None = None
    """The theme's name; None for the one last used."""
    marker: str = "braille"
    """The marker that draws curves, one of `MARKERS`."""
    mouse: bool = True
    """True to use the mouse; without, the terminal's own selection works."""
    alert: Alert = "none"
    """The alert for a run that ends or is in trouble."""
    all_runs: bool = False
    """True to show all runs first, with none of them open."""


def run_screen(jobs: CurrentJobs, options: ScreenOptions) -> ScreenResult:
    """Show a run until a person leaves. Raises BadInput for an unknown theme."""
    themes = find_themes(theme_folders())
    file = PreferencesFile()
    preferences = file.read()
    remembered = preferences.theme if preferences.theme in themes.usable else None
    app = MonitorApp(
        jobs,
        themes,
        themes.chosen(options.theme or remembered),
        Hardware(),
        options=options,
        preferences=KeptPreferences(preferences, file),
        driver=ResilientDriver,
        started=lambda folder: stray.keep_in(folder),
    )
    # What is loaded by now stays. Looking through it for garbage would stop the screen for a fifth of a second.
    gc.freeze()
    with StrayOutput() as stray:
        returned = app.run(mouse=options.mouse)
    drop_signal_handlers()
    if app.leaving.failure is not None:
        raise app.leaving.failure
    app.followed.come_back()
    app.followed.close()
    code = returned if isinstance(returned, int) else (app.return_code or 0)
    return ScreenResult(code, app.followed.history, app.followed.connection, app.leaving.ending)


NO_OPTIONS = ScreenOptions()


def _load_screens() -> None:
    """Import beside the screen what it can do without until a key opens it."""

    def load() -> None:
        from cifar_tui.tui.browser import browser  # noqa: F401
        from cifar_tui.tui.dialogs import commands, rate  # noqa: F401
        from cifar_tui.tui.runs_screen import actions, screen  # noqa: F401

    threading.Thread(target=load, name="screens", daemon=True).start()


def _key_commands() -> type[Provider]:
    """Return the commands of the palette, which is loaded when it is first opened."""
    from cifar_tui.tui.dialogs.commands import KeyCommands

    return KeyCommands


class MonitorApp(DiffApp, inherit_bindings=False):
    """One run on the screen."""

    CSS_PATH = "app.tcss"
    TITLE = "cifar-tui"
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {_key_commands}
    HORIZONTAL_BREAKPOINTS = WIDTHS
    VERTICAL_BREAKPOINTS = HEIGHTS
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+c", "interrupt", "Quit", show=False, priority=True)]

    def __init__(
        self,
        jobs: CurrentJobs,
        themes: Themes,
        theme: str,
        hardware: Hardware,
        *,
        intervals: ScreenIntervals = DEFAULT_INTERVALS,
        options: ScreenOptions = NO_OPTIONS,
        preferences: KeptPreferences | None = None,
        driver: type[Driver] | None = None,
        started: Callable[[Path], None] | None = None,
    ) -> None:
        """Show what `jobs` starts; nothing is started before the first frame is up.

        `started` is called with the folder of a run that trains in this process.
        """
        super().__init__(driver)
        preferences = preferences or KeptPreferences(Preferences())
        self._intervals = intervals
        self._all_runs_first = options.all_runs
        self._started = started
        self._accepted = False
        self.followed = FollowedRun(jobs)
        self.history_display = HistoryDisplay(self, self.followed)
        self._actions = RunActions(self, self.followed, self.history_display.show)
        self.leaving = Leaving(self, self.followed, self._actions, intervals.interrupts)
        self._starter = RunStarter(self, jobs, self.followed, self.leaving, self._actions)
        self._checkpoints = CheckpointActions(self, jobs, self.followed, self._starter.start, intervals.after_change)
        compare = self._checkpoints.compare
        self._switch = RunSwitch(
            self, jobs, self.followed, self._starter, compare, self._run_opened, intervals.runs, options.marker
        )
        self._nonfinite_loss = NonfiniteLossQuestion(self, self.followed)
        self._alerter = Alerter(options.alert, self.write_control)
        self._themes = ThemeChoice(self, themes, theme, preferences)
        self._dashboard = functools.partial(Dashboard, hardware, preferences, options.marker, intervals)

    def get_default_screen(self) -> Dashboard:
        """Return the screen below all others."""
        return self._dashboard()

    def on_mount(self) -> None:
        """Put the first frame up, then start the run."""
        for number in SAVE_AND_END:
            asyncio.get_running_loop().add_signal_handler(number, self._terminate, number)
        self.set_interval(self._intervals.poll, self.poll)
        self._first_polls = self.set_interval(self._intervals.first_poll, self.poll)
        self.call_after_refresh(self._switch.show_runs if self._all_runs_first else self._starter.train)
        self._themes.start()
        self.set_timer(self._intervals.load_screens, _load_screens)

    def check_action(self, action: str, parameters: tuple[object, ...], /) -> bool | None:
        """Return False for an action that does nothing in the run's state: its keys are hidden."""
        history = self.followed.history
        if action == "send":
            return self._actions.allowed(parameters[0])
        if action == "detach":
            return history.live and history.started is not None
        if action == "shorter_preset":
            return self._starter.shorter is not None
        if action == "resume_run":
            return self._starter.can_resume
        return True

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = True,
    ) -> None:
        """Show a message over the screen for as long as it takes to read."""
        seconds = reading_seconds(message) if timeout is None else timeout
        super().notify(message, title=title, severity=severity, timeout=seconds, markup=markup)

    def action_send(self, action: str) -> None:
        """Send a request to the run."""
        self._actions.run(action)

    def action_resume_run(self) -> None:
        """Resume the run that ended."""
        self._starter.resume()

    def action_shorter_preset(self) -> None:
        """Stop this run and start one with a preset that takes less time, after a question."""
        self._starter.ask_for_shorter()

    def action_checkpoints(self, start_at: str = "") -> None:
        """Open the browser, with the cursor on a checkpoint."""
        from cifar_tui.tui.browser.browser import CheckpointBrowser

        self.push_screen(CheckpointBrowser(self.followed.history, self._checkpoints, self._intervals, start_at))

    def action_evaluate_newest(self) -> None:
        """Open the browser and evaluate the newest checkpoint; while one is evaluated, cancel that."""
        if self.followed.evaluating:
            self.followed.cancel_evaluation()
            return
        saved = self.followed.history.checkpoints
        if not saved:
            self.notify("No checkpoint yet: the first comes after the first epoch.")
            return
        self.action_checkpoints()
        self._checkpoints.evaluate(saved[-1].checkpoint)

    def action_runs(self) -> None:
        """Show all runs."""
        self._switch.show_runs()

    def action_runs_unless_training(self) -> None:
        """Show all runs, where the one in view does not train in this process."""
        if self.followed.elsewhere or self.followed.over:
            self._switch.show_runs()

    def action_leave(self) -> None:
        """Leave; while it trains, only after asking which is meant."""
        self._switch.come_back()
        self.leaving.ask()

    def action_detach(self) -> None:
        """Take the screen down and leave the run training."""
        self._switch.come_back()
        self.leaving.detach()

    def action_interrupt(self) -> None:
        """Take a Ctrl-C: the first asks, the second stops and saves, the third leaves at once."""
        self._switch.come_back()
        self.leaving.interrupt()

    def action_help(self) -> None:
        """Show all keys of the screen in view."""
        from cifar_tui.tui.dialogs.commands import usable_bindings
        from cifar_tui.tui.dialogs.help import Help

        self.push_screen(Help(usable_bindings(self, self.screen)))

    def action_themes(self) -> None:
        """Choose the colours from a list."""
        self._themes.ask()

    @on(Rows.Outdated)
    def _show_again(self) -> None:
        self.history_display.show_soon()

    def poll(self) -> None:
        """Apply the events since the last poll, and show them."""
        state_before = self.followed.history.state
        if self.terminal_is_gone:
            self._switch.come_back()
            self.leaving.lose_terminal()
        news = self.followed.poll()
        self._refresh_keys()
        self._switch.watch()
        if news:
            self._first_polls.pause()
        if self.followed.history.state != state_before:
            self._state_changed(shown_as_new=not self.followed.opened or state_before != "starting")
        if not self.leaving.under_way:
            self._nonfinite_loss.ask()
        if news or self.history_display.outdated:
            self.history_display.show()
        self.leaving.leave_after_run()

    def _refresh_keys(self) -> None:
        """Show the keys that do something now; a run elsewhere begins and ceases to accept requests by itself."""
        accepted = self.followed.accepts(Stop)
        if self._starter.poll() or accepted != self._accepted:
            self._accepted = accepted
            self.refresh_bindings()

    def _run_opened(self) -> None:
        """Show another run from now on, as soon as its events arrive."""
        self._first_polls.resume()
        self.history_display.show()
        self.refresh_bindings()

    def _terminate(self, number: int) -> None:
        self._switch.come_back()
        self.leaving.terminate(number)

    def _state_changed(self, *, shown_as_new: bool) -> None:
        history = self.followed.history
        if shown_as_new:
            self._alerter.show(history)
        if self._started is not None and history.started is not None and not self.followed.elsewhere:
            self._started(Path(history.started.folder))
        if not self.leaving.under_way:
            self._starter.react()
        self.refresh_bindings()
