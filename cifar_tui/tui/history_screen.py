"""A screen that shows a run's history."""

from textual.screen import Screen

from cifar_tui.history.run_history import RunHistory
from cifar_tui.tui.widgets.status import Awaited


class HistoryScreen(Screen[None]):
    """A screen that is shown the history whenever there is something new in it."""

    def show(self, history: RunHistory, awaited: Awaited | None) -> bool:
        """Show a history, and what was asked of the run. Returns True where a part of it has to wait."""
        raise NotImplementedError
