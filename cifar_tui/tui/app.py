"""The Textual app: fetches events, hands the one history to the screen in view, and passes requests on."""

import asyncio
import dataclasses
import gc
import math
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from textual.binding import Binding, BindingType
from textual.driver import Driver

from cifar_tui.control import Stop, requester_name
from cifar_tui.errors import BadInput, CifarTuiError
from cifar_tui.history.run_history import RunHistory
from cifar_tui.jobs.session import Jobs, RunConnection
from cifar_tui.report import run_summary
from cifar_tui.system.hardware import Hardware
from cifar_tui.system.output import StrayOutput
from cifar_tui.tui.alert import Alert, Alerter
from cifar_tui.tui.browser.browser import Checkpoints
from cifar_tui.tui.browser.checkpoint_messages import EvaluationRequested
from cifar_tui.tui.checkpoint_actions import EVALUATING, CheckpointActions
from cifar_tui.tui.dashboard.dashboard import Dashboard
from cifar_tui.tui.dialogs.questions import data_question, quit_question
from cifar_tui.tui.settings.preferences import Preferences, PreferencesFile
from cifar_tui.tui.settings.themes import Themes, find_themes, theme_folders
from cifar_tui.tui.terminal.driver import ResilientDriver, terminal_is_gone
from cifar_tui.tui.widgets.status import Asked

DRAIN_SECONDS = 0.25
"""How often events are fetched and shown."""
INTERRUPT_SECONDS = 10.0
"""How long a Ctrl-C counts towards the next."""
Ending = Literal["left", "detached", "terminal lost", "at once"]
HURRY_SECONDS = 0.04
"""How often until the first ones are there: nobody shall look at an empty screen for longer than it takes."""


@dataclass(frozen=True, slots=True)
class ScreenResult:
    """What is left when the screen is gone."""

    exit_code: int
    """What the program ends with."""
    history: RunHistory
    """Everything said so far."""
    connection: RunConnection | None
    """The run, which may still be training if the screen broke, or its terminal is gone."""
    ending: Ending
    """Why the screen ended."""


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
        driver=ResilientDriver,
        started=lambda folder: stray.keep_in(folder),
    )
    # What is loaded by now stays. Looking through it for garbage would stop the screen for a fifth of a second.
    gc.freeze()
    with StrayOutput() as stray:
        returned = app.run(mouse=options.mouse)
    # Textual's handlers outlive it, and would draw a screen that is gone.
    for number in (signal.SIGTSTP, signal.SIGCONT, signal.SIGWINCH):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    if app.failure is not None:
        raise app.failure
    app.followed.leave()
    code = returned if isinstance(returned, int) else (app.return_code or 0)
    return ScreenResult(code, app.followed.history, app.followed.connection, app.ending)


NO_OPTIONS = ScreenOptions()
DEFAULT_PREFERENCES = Preferences()


class MonitorApp(CheckpointActions, inherit_bindings=False):
    """One run on the screen."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+c", "interrupt", "Quit", show=False, priority=True)]

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
        started: Callable[[Path], None] | None = None,
    ) -> None:
        """Show what `jobs` starts; nothing is started before the first frame is up.

        What a person changes of the preferences is kept in their file, where there is one. `started` is told the folder
        of a run that trains in this process.
        """
        super().__init__(jobs, themes, theme, preferences, preferences_file, driver)
        self.ending: Ending = "left"
        self._interrupts = 0
        self._interrupted_at = -math.inf
        self.failure: CifarTuiError | None = None
        self._jobs = jobs
        self._drain_seconds = drain_seconds
        self._leaving: int | None = None
        self._heard = False
        self._asked_shown: Asked | None = None
        self._started = started
        self._outdated = False
        self._showing_again = False
        self._alert = Alerter(options.alert, self._write)
        self._dashboard = Dashboard(hardware, preferences, options.marker)

    def on_mount(self) -> None:
        """Put the first frame up, then start the run."""
        self.push_screen(self._dashboard)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self._leave_on_signal, signal.SIGTERM)
        self.set_interval(self._drain_seconds, self._drain)
        self._hurry = self.set_interval(HURRY_SECONDS, self._drain)
        self.call_after_refresh(self._start, self._jobs.current.train)

    def action_resume_run(self) -> None:
        """Go on with the run that ended."""
        if self.followed.evaluating:
            self.notify(EVALUATING, severity="warning")
            return
        self._start(self._jobs.current.resume)

    def action_checkpoints(self) -> None:
        """Open the browser."""
        self.push_screen(Checkpoints(self.history))

    def action_evaluate_newest(self) -> None:
        """Open the browser and measure the newest checkpoint."""
        if not self.history.checkpoints:
            self.notify("No checkpoint yet: the first comes after the first epoch.")
            return
        self.action_checkpoints()
        self._evaluate(self.history.checkpoints[-1].checkpoint)

    def action_leave(self) -> None:
        """Leave; while it trains, only after asking which is meant."""
        if not self.followed.accepts(Stop):
            self._leaving = 0 if self.followed.elsewhere else run_summary.exit_code(self.history)
            self.exit(self._leaving)
            return

        def answered(answer: str | None) -> None:
            if answer == "d":
                self.action_detach()
            elif answer == "s":
                self._leaving = 0
                self._send_request("stop", Stop(requester_name()))

        self.push_screen(quit_question(screen_only=self.followed.elsewhere), answered)

    def action_detach(self) -> None:
        """Take the screen down and leave the run training."""
        self.ending = "detached"
        self.exit(0)

    def action_interrupt(self) -> None:
        """Ctrl-C: once it asks, twice it stops and saves, three times it leaves at once."""
        now = time.monotonic()
        self._interrupts = self._interrupts + 1 if now - self._interrupted_at < INTERRUPT_SECONDS else 1
        self._interrupted_at = now
        if self._interrupts == 1 or not self.followed.accepts(Stop):
            self.action_leave()
        elif self._interrupts == 2:
            self._leaving = 128 + signal.SIGINT
            self.notify("Stopping after this step, then saving. Ctrl-C once more leaves at once.")
            self._send_request("stop", Stop(requester_name()))
        else:
            self.ending = "at once"
            self.exit(128 + signal.SIGINT)

    def on_checkpoints_evaluation_requested(self, message: EvaluationRequested) -> None:
        """Measure a checkpoint, in the live run or in a job of its own."""
        self._evaluate(message.checkpoint)

    def on_checkpoints_cancellation_requested(self) -> None:
        """Give the evaluation up."""
        self.followed.cancel_evaluation()

    def on_dashboard_preferences_changed(self, message: Dashboard.PreferencesChanged) -> None:
        """Keep what a person prefers."""
        self.prefer(dataclasses.replace(message.preferences, theme=self.preferences.theme))

    def _start(self, start: Callable[[], RunConnection]) -> None:
        """Start the run, or go on with it; what cannot work from the first ends the program with its sentence."""
        if self._leaving is not None:
            return  # a person may leave before the first frame has started anything
        try:
            self.followed.start(start)
        except CifarTuiError as error:
            if self.followed.connection is None:
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
        if terminal_is_gone(self._driver) and self.ending != "terminal lost":
            self._leave_terminal()
        said = self.followed.drain()
        self._refresh_keys()
        if said:
            self._hurry.stop()
        if self.history.state != state_before:
            self._state_changed()
        if self._leaving is None:
            self._ask_about_nonfinite_loss()
        if said or self._outdated or self.followed.asked != self._asked_shown:
            self._show_history()
        if self._leaving is not None and self.followed.over:
            self.exit(self._leaving or run_summary.exit_code(self.history))

    def _refresh_keys(self) -> None:
        """Show the keys that do something now; a run elsewhere is heard from one moment to the next."""
        heard = self.followed.accepts(Stop)
        if heard != self._heard:
            self._heard = heard
            self.refresh_bindings()

    def _state_changed(self) -> None:
        self.refresh_bindings()
        self._alert.show(self.history)
        if self._started is not None and self.history.started is not None and not self.followed.elsewhere:
            self._started(Path(self.history.started.folder))
        if self._leaving is not None:
            return
        if self.history.state == "no data":
            self.push_screen(
                data_question(run_summary.outcome(self.history), resumed=self.history.resumed), self._data_answered
            )
        elif self.followed.starts == 1 and self.history.training is None and run_summary.exit_code(self.history) == 2:
            self._leave_with(BadInput(run_summary.outcome(self.history)))

    def _data_answered(self, answer: str | None) -> None:
        if answer == "r":
            self._start(self._jobs.current.train)
        elif answer == "s":
            self._start(lambda: self._jobs.current.train("synthetic"))
        else:
            self.exit(run_summary.exit_code(self.history))

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
        self._asked_shown = self.followed.asked
        for screen in reversed(self.screen_stack):
            if isinstance(screen, Dashboard | Checkpoints):
                if screen.is_mounted:
                    self._outdated = screen.show(self.history, self.followed.asked)
                return

    def _leave_terminal(self) -> None:
        """The terminal is gone: take the screen down and let training go on without it."""
        self.ending = "terminal lost"
        if self._leaving is None or self.followed.elsewhere:
            self.exit(128 + signal.SIGHUP)

    def _leave_on_signal(self, number: int) -> None:
        """Stop, save and leave when the machine asks to; a run elsewhere is none of this screen's business."""
        self._leaving = 128 + number
        if self.followed.elsewhere or not self.followed.accepts(Stop):
            self.exit(self._leaving)
            return
        self._send_request("stop", Stop())
