"""The Textual app: fetches events, hands the one history to the screen in view, and passes requests on."""

import asyncio
import dataclasses
import signal
from collections.abc import Callable
from dataclasses import dataclass

from textual.driver import Driver

from cifar_tui import summary
from cifar_tui.control import Stop
from cifar_tui.errors import BadInput, CifarTuiError
from cifar_tui.hardware import Hardware
from cifar_tui.history import RunHistory
from cifar_tui.session import Jobs, Link
from cifar_tui.tui.alarm import Alarm, Alert
from cifar_tui.tui.checkpoints import Checkpoints
from cifar_tui.tui.dashboard import Dashboard
from cifar_tui.tui.dialogs import data_question, quit_question
from cifar_tui.tui.driver import SteadyDriver, terminal_is_gone
from cifar_tui.tui.preferences import Preferences, PreferencesFile
from cifar_tui.tui.run_actions import RunActions
from cifar_tui.tui.themes import Themes, find_themes, theme_folders

DRAIN_SECONDS = 0.25
"""How often events are fetched and shown."""
HURRY_SECONDS = 0.04
"""How often until the first ones are there: nobody shall look at an empty screen for longer than it takes."""


@dataclass(frozen=True, slots=True)
class ScreenResult:
    """What is left when the screen is gone."""

    exit_code: int
    """What the program ends with."""
    history: RunHistory
    """Everything said so far."""
    link: Link | None
    """The run, which may still be training if the screen broke, or its terminal is gone."""
    terminal_lost: bool
    """Whether the terminal went away."""


@dataclass(frozen=True, slots=True)
class ScreenOptions:
    """What a person chose of the screen on the command line."""

    theme: str | None = None
    """The theme's name; None for the one last used."""
    marker: str = "braille"
    """What curves are drawn with, one of `MARKERS`."""
    mouse: bool = True
    """Whether the mouse is ours; without, the terminal's own selection works."""
    alert: Alert = "none"
    """How to call a person when the run ends or is in trouble."""


def run_screen(jobs: Jobs, options: ScreenOptions) -> ScreenResult:
    """Show a run until a person leaves. Raises BadInput for an unknown theme."""
    themes = find_themes(theme_folders())
    file = PreferencesFile()
    preferences = file.read()
    remembered = preferences.theme if preferences.theme in themes.usable else None
    theme = themes.chosen(options.theme or remembered)
    app = MonitorApp(
        jobs,
        themes,
        theme,
        Hardware(),
        options=options,
        preferences=preferences,
        preferences_file=file,
        driver=SteadyDriver,
    )
    returned = app.run(mouse=options.mouse)
    # Textual's handlers outlive it, and would draw a screen that is gone.
    for number in (signal.SIGTSTP, signal.SIGCONT, signal.SIGWINCH):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    if app.failure is not None:
        raise app.failure
    code = returned if isinstance(returned, int) else (app.return_code or 0)
    return ScreenResult(code, app.followed.history, app.followed.link, app.terminal_lost)


NO_OPTIONS = ScreenOptions()
DEFAULT_PREFERENCES = Preferences()


class MonitorApp(RunActions, inherit_bindings=False):
    """One run on the screen."""

    def __init__(
        self,
        jobs: Jobs,
        themes: Themes,
        theme: str,
        hardware: Hardware,
        *,
        drain_seconds: float = DRAIN_SECONDS,
        options: ScreenOptions = NO_OPTIONS,
        preferences: Preferences = DEFAULT_PREFERENCES,
        preferences_file: PreferencesFile | None = None,
        driver: type[Driver] | None = None,
    ) -> None:
        """Show what `jobs` starts; nothing is started before the first frame is up.

        What a person changes of the preferences is kept in their file, where there is one.
        """
        super().__init__(jobs, themes, theme, preferences, preferences_file, driver)
        self.terminal_lost = False
        self.failure: CifarTuiError | None = None
        self._jobs = jobs
        self._drain_seconds = drain_seconds
        self._leaving: int | None = None
        self._outdated = False
        self._showing_again = False
        self._alert = Alarm(options.alert, self._write)
        self._dashboard = Dashboard(hardware, preferences, options.marker)

    def on_mount(self) -> None:
        """Put the first frame up, then start the run."""
        self.push_screen(self._dashboard)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self._leave_on_signal, signal.SIGTERM)
        self.set_interval(self._drain_seconds, self._drain)
        self._hurry = self.set_interval(HURRY_SECONDS, self._drain)
        self.call_after_refresh(self._start, self._jobs.train)

    def action_resume_run(self) -> None:
        """Go on with the run that ended."""
        if self.followed.evaluating:
            self.notify("An evaluation is under way: x gives it up, in the browser (c).", severity="warning")
            return
        self._start(self._jobs.resume)

    def action_checkpoints(self) -> None:
        """Open the browser."""
        self.push_screen(Checkpoints())

    def action_evaluate_newest(self) -> None:
        """Open the browser and measure the newest checkpoint."""
        if not self.history.checkpoints:
            self.notify("No checkpoint yet: the first comes after the first epoch.")
            return
        self.action_checkpoints()
        self._evaluate(self.history.checkpoints[-1].checkpoint)

    def action_leave(self) -> None:
        """Leave; while it trains, only after asking, and with everything saved."""
        if not self.followed.heeded:
            if self.followed.evaluating:
                self.followed.cancel_evaluation()
            only_read = self.followed.link is not None and not self.followed.link.heeds
            self._leaving = 0 if only_read else summary.exit_code(self.history)
            self.exit(self._leaving)
            return

        def answered(answer: str | None) -> None:
            if answer == "y":
                self._leaving = 0
                self._ask("stop", Stop())

        self.push_screen(quit_question(), answered)

    def on_checkpoints_evaluation_asked(self, message: Checkpoints.EvaluationAsked) -> None:
        """Measure a checkpoint, in the live run or in a job of its own."""
        self._evaluate(message.checkpoint)

    def on_checkpoints_cancellation_asked(self) -> None:
        """Give the evaluation up."""
        self.followed.cancel_evaluation()

    def on_dashboard_preferences_changed(self, message: Dashboard.PreferencesChanged) -> None:
        """Keep what a person prefers."""
        self.prefer(dataclasses.replace(message.preferences, theme=self.preferences.theme))

    def _start(self, start: Callable[[], Link]) -> None:
        """Start the run, or go on with it; what cannot work from the first ends the program with its sentence."""
        if self._leaving is not None:
            return  # a person may leave before the first frame has started anything
        try:
            self.followed.start(start)
        except CifarTuiError as error:
            if self.followed.link is None:
                self._leave_with(error)
            else:
                self.notify(str(error), severity="error", markup=False)

    def _leave_with(self, error: CifarTuiError) -> None:
        """What was asked for cannot work: the sentence belongs to the shell it was typed in."""
        self.failure = error
        self.exit(error.exit_code)

    def _evaluate(self, checkpoint: str) -> None:
        try:
            sentence = self.followed.evaluate(checkpoint)
        except CifarTuiError as error:
            sentence = str(error)
        if sentence:
            self.notify(sentence, markup=False)

    def _drain(self) -> None:
        """Take in what was said since the last time, and show it."""
        state_before = self.history.state
        if terminal_is_gone(self._driver) and not self.terminal_lost:
            self._leave_terminal()
        said = self.followed.drain()
        if said:
            self._hurry.stop()
        if self.history.state != state_before:
            self._state_changed()
        if self._leaving is None:
            self._ask_about_broken_loss()
        if said or self._outdated:
            self._show_history()
        if self._leaving is not None and self.followed.over:
            self.exit(self._leaving or summary.exit_code(self.history))

    def _state_changed(self) -> None:
        self.refresh_bindings()
        self._alert.hear(self.history)
        if self._leaving is not None:
            return
        if self.history.state == "no data":
            self.push_screen(
                data_question(summary.outcome(self.history), resumed=self.history.resumed), self._data_answered
            )
        elif self.followed.starts == 1 and self.history.training is None and summary.exit_code(self.history) == 2:
            self._leave_with(BadInput(summary.outcome(self.history)))

    def _data_answered(self, answer: str | None) -> None:
        if answer == "r":
            self._start(self._jobs.train)
        elif answer == "s":
            self._start(lambda: self._jobs.train("synthetic"))
        else:
            self.exit(summary.exit_code(self.history))

    def on_rows_outdated(self) -> None:
        """Show the history again, once for all widgets that have new room, though nothing new was said."""
        if not self._showing_again:
            self._showing_again = True
            self.call_after_refresh(self._show_history)

    def _show_history(self) -> None:
        """Put the history on the screen in view, also behind a question.

        What has to wait, or is not mounted yet, comes with the next drain.
        """
        self._outdated, self._showing_again = True, False
        for screen in reversed(self.screen_stack):
            if isinstance(screen, Dashboard | Checkpoints):
                if screen.is_mounted:
                    self._outdated = screen.show(self.history, self.followed.asked)
                return

    def _leave_terminal(self) -> None:
        """The terminal is gone: take the screen down and let training go on without it.

        A run that waits for a person would wait for ever, so it is saved and stopped.
        """
        self.terminal_lost = True
        if not self.followed.heeded or (self.history.state == "paused" and self.history.broken is None):
            self._leave_on_signal(signal.SIGHUP)
        elif self._leaving is None:
            self.exit(128 + signal.SIGHUP)

    def _leave_on_signal(self, number: int) -> None:
        """Stop, save and leave when the machine or the terminal asks to."""
        self._leaving = 128 + number
        if not self.followed.heeded:
            self.exit(self._leaving)
            return
        self._ask("stop", Stop())
