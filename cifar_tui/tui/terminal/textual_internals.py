"""Private parts of Textual that screens and widgets need, a function or class for each."""

from textual._context import visible_screen_stack
from textual.content import Content
from textual.dom import DOMNode
from textual.geometry import Region
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget


def lines_behind(front: Widget, crop: Region) -> list[Strip] | None:
    """Return the lines of the screen behind another one as they are; None where there is none of the same size."""
    stack = visible_screen_stack.get([])
    behind = stack.pop() if stack else front
    if behind is front or not isinstance(behind, Screen) or behind.size != front.size:
        return None
    strips = behind._compositor.render_strips()
    if crop.bottom > len(strips):  # the terminal's size has changed, and the screen behind is not laid out for it yet
        return None
    return [strips[y].crop(crop.x, crop.right) for y in crop.line_range]


def bind_key(node: DOMNode, key: str, action: str, description: str) -> None:
    """Bind a key of one screen or widget, and not of all of its class."""
    node._bindings.bind(key, action, description, show=False)


class BorderText:
    """The text in a widget's borders. Assigning Textual's `border_title` would send all of the widget again."""

    def __init__(self, widget: Widget) -> None:
        """Start with the title that the widget has."""
        self._widget = widget
        self._title = widget.border_title or ""
        self._subtitle = ""

    def show(self, title: str, subtitle: str) -> None:
        """Put markup into the upper and the lower border, and send those that differ."""
        width, height = self._widget.size
        if title != self._title:
            self._title = title
            self._widget._border_title = Content.from_markup(title)
            self._widget.refresh(Region(-1, -1, width + 2, 1))
        if subtitle != self._subtitle:
            self._subtitle = subtitle
            self._widget._border_subtitle = Content.from_markup(subtitle)
            self._widget.refresh(Region(-1, height, width + 2, 1))
