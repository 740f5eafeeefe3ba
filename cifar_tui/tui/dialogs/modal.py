"""Base of all questions and lists in front of a screen."""

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.screen import ModalScreen, ScreenResultType
from textual.strip import Strip

from cifar_tui.tui.sized_screen import SizedScreen
from cifar_tui.tui.terminal.textual_internals import lines_behind


class Modal(ModalScreen[ScreenResultType], SizedScreen[ScreenResultType]):
    """A screen that leaves the one behind as it is; escape dismisses it without an answer.

    Textual's own way, for a veil that we do not have, makes every segment behind anew whenever something is drawn in
    front of it: more than half of what opening a question costs.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", "Back", show=False)]

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return the lines of the screen behind."""
        behind = lines_behind(self, crop)
        return super().render_lines(crop) if behind is None else behind
