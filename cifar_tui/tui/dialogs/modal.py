"""What every question and list is that stands in front of a screen."""

from textual._context import visible_screen_stack
from textual.geometry import Region
from textual.screen import ModalScreen, ScreenResultType
from textual.strip import Strip


class Modal(ModalScreen[ScreenResultType]):
    """Shows what is behind as it is.

    Textual's own way, for a veil that we do not have, makes every segment behind anew whenever something is drawn in
    front of it: more than half of what opening a question costs.
    """

    def render_lines(self, crop: Region) -> list[Strip]:
        """The lines of the screen behind."""
        behind = visible_screen_stack.get([])
        screen = behind.pop() if behind else self
        if screen is self or screen.size != self.size:
            return super().render_lines(crop)
        strips = screen._compositor.render_strips()
        return [strips[y].crop(crop.x, crop.right) for y in crop.line_range]
