"""Base of every screen: its widgets are styled once before they are seen, for the size that the terminal has."""

from textual import events, on
from textual.screen import Screen, ScreenResultType


class SizedScreen(Screen[ScreenResultType]):
    """A screen with the classes of the terminal's size from the start.

    Textual's own learns its size, and is asked to apply the styles again, once all widgets of it are there: it styles
    each of them three times, which is a tenth of what a first frame or the opening of a screen takes.
    """

    def __init__(self, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - textual's
        """Take the size from the app."""
        super().__init__(name, id, classes)
        self._styled = False
        breakpoints = (self.app.HORIZONTAL_BREAKPOINTS, self.app.VERTICAL_BREAKPOINTS)
        for cells, places in zip(self.app.size, breakpoints, strict=True):
            self.add_class(*[place for least, place in places or () if cells >= least][-1:], update=False)

    @on(events.ScreenResume)
    def _style_once(self, event: events.ScreenResume) -> None:
        event.refresh_styles &= self._styled
        self._styled = True
