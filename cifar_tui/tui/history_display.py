"""The run's history on the screen in view."""

from typing import Protocol, runtime_checkable

from textual.app import App

from cifar_tui.history.run_history import RunHistory
from cifar_tui.tui.followed_run import FollowedRun
from cifar_tui.tui.widgets.status import Awaited


@runtime_checkable
class HistoryScreen(Protocol):
    """A screen that shows a run's history: the dashboard, and the checkpoints. No other has a method of this name."""

    @property
    def is_mounted(self) -> bool:
        """True once it can be shown something."""

    def show(self, history: RunHistory, awaited: Awaited | None) -> bool:
        """Show a history, and what was asked of the run. Returns True where a part of it has to wait."""


class HistoryDisplay:
    """Shows the history, and knows whether it has to be shown again."""

    def __init__(self, app: App[int], followed: FollowedRun) -> None:
        """Show the history of a run on the screens of `app`."""
        self._app = app
        self._followed = followed
        self._scheduled = False
        self._awaited_shown: Awaited | None = None
        self.waits = False
        """True while a part of the history has to wait, or its screen is not mounted yet."""

    @property
    def outdated(self) -> bool:
        """True if the screen has to be shown again though there are no new events."""
        return self.waits or self._followed.awaited != self._awaited_shown

    def show(self) -> None:
        """Put the history on the screen in view, also behind a question."""
        self.waits, self._scheduled = True, False
        if not self._app.is_running:
            return  # the app leaves: a screen may have lost its widgets, and a poll is still to come
        self._awaited_shown = self._followed.awaited
        for screen in reversed(self._app.screen_stack):
            if isinstance(screen, HistoryScreen):
                if screen.is_mounted:
                    self.waits = screen.show(self._followed.history, self._followed.awaited)
                return

    def show_soon(self) -> None:
        """Show the history again, once for all widgets that have new room."""
        if not self._scheduled:
            self._scheduled = True
            self._app.call_later(self.show)
