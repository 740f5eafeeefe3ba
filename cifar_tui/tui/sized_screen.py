"""Base of every screen: it has the classes of the terminal's size before its widgets are styled and laid out."""

from textual import events, on
from textual.geometry import Size
from textual.screen import ScreenResultType

from cifar_tui.tui.terminal.complete_screen import CompleteScreen


class SizedScreen(CompleteScreen[ScreenResultType]):
    """A screen that is styled for the size it is shown in, once.

    Textual's own learns its size, and is asked to apply the styles again, once all widgets of it are there: it styles
    each of them three times, which is a tenth of what a first frame or the opening of a screen takes. A new size it
    draws with the styles of the one before, and then again.
    """

    def __init__(self, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - textual's
        """Take the size from the app."""
        super().__init__(name, id, classes)
        self._styled = False
        self.update_classes(self._classes_of(self.app.size), update=False)

    @on(events.ScreenResume)
    def _style_once(self, event: events.ScreenResume) -> None:
        event.refresh_styles &= self._styled
        self._styled = True

    @on(events.Resize)
    def _style_for_size(self, event: events.Resize) -> None:
        self.update_classes(self._classes_of(event.size), animate=False)

    def _classes_of(self, size: Size) -> dict[str, bool]:
        """Return every class of a size, True for those of this one."""
        found: dict[str, bool] = {}
        for cells, breakpoints in zip(
            size, (self.app.HORIZONTAL_BREAKPOINTS, self.app.VERTICAL_BREAKPOINTS), strict=True
        ):
            reached = [name for least, name in breakpoints or () if cells >= least]
            found |= {name: name == reached[-1] for _, name in breakpoints or ()}
        return found
