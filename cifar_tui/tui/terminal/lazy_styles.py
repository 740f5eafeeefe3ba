"""Works out the styles that a widget draws with when it draws with them, not whenever the screen changes.

Textual does that for every COMPONENT_CLASS of every widget at each change of a class, a focus or a size: most of what
a first frame, a key and the opening of a screen cost.
"""

from rich.style import Style
from textual.dom import DOMNode
from textual.widget import Widget


class LazyStyles:
    """The styles of one widget, by the classes that the stylesheet gives them by."""

    def __init__(self, widget: Widget) -> None:
        self._widget = widget
        self._styles: dict[str, Style] = {}
        self._made_for: object = None

    def style(self, component: str) -> Style:
        """The style of a class; of the widget itself for an empty name. Raises KeyError where there is no such rule."""
        if component not in self._styles:
            self._made_for = self._state()
            self._styles[component] = self._of_class(component) if component else self._widget.rich_style
        return self._styles[component]

    def forget(self) -> None:
        """Work out anew what is drawn from now on, and draw again where it may look different."""
        if self._styles:
            self._styles = {}
            if self._made_for != self._state():
                self._widget.refresh()

    def _state(self) -> object:
        return self._widget.app.theme, self._widget.classes, self._widget.has_focus

    def _of_class(self, component: str) -> Style:
        stylesheet = self._widget.app.stylesheet
        if f".{component}" not in stylesheet.rules_map:
            raise KeyError(component)
        node = DOMNode(classes=component)
        node._attach(self._widget)
        stylesheet.apply(node)
        return node.styles.rich_style
