"""Resolves the styles that a widget draws with when it draws with them, not whenever the screen changes.

Textual resolves them for every COMPONENT_CLASS of every widget at each change of a class, a focus or a size: most of
what a first frame, a key and the opening of a screen cost.
"""

from rich.style import Style
from textual.dom import DOMNode
from textual.widget import Widget


class LazyStyles:
    """The styles of one widget, by their classes in the stylesheet."""

    def __init__(self, widget: Widget) -> None:
        self._widget = widget
        self._styles: dict[str, Style] = {}
        self._resolved_for: object = None

    def style(self, component: str) -> Style:
        """Return the style of a class, of the widget itself for an empty name. Raises KeyError without such a rule."""
        if component not in self._styles:
            self._resolved_for = self._state()
            self._styles[component] = self._of_class(component) if component else self._widget.rich_style
        return self._styles[component]

    def forget(self) -> None:
        """Resolve the styles again from now on, and draw again where they may differ."""
        if self._styles:
            self._styles = {}
            if self._resolved_for != self._state():
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
