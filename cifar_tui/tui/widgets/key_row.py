"""The row of keys at the foot of every screen.

Textual's footer has a widget for each key, made anew whenever a key comes or goes; they were most of what opening a
screen costs.
"""

from rich.cells import cell_len
from textual import events
from textual.screen import Screen

from cifar_tui.dataclass import dataclass
from cifar_tui.tui.widgets.rows import Row, Rows

SHOWN_FIRST = ("next_view", "app.help", "app.leave")
"""Actions whose keys are kept where not all fit: those that lead to everything else."""


@dataclass(frozen=True, slots=True)
class ShownKey:
    """One key in the row."""

    key: str
    """Textual's name of the key."""
    action: str
    """Its action."""
    spans: Row
    """Its text."""
    tooltip: str
    """Explanation under the mouse."""
    enabled: bool
    """True while it does something."""

    @property
    def width(self) -> int:
        """Its cells."""
        return sum(cell_len(text) for text, _ in self.spans)


class KeyRow(Rows):
    """The keys that do something on the screen in view, as many as fit; each can be clicked."""

    ALLOW_SELECT = False

    def __init__(self) -> None:
        """Start without keys."""
        super().__init__()
        self._shown: list[ShownKey] = []

    def on_mount(self) -> None:
        """Subscribe to changes of the keys."""
        self.screen.bindings_updated_signal.subscribe(self, self._keys_changed)

    def on_resize(self) -> None:
        """Fit the keys to the new size."""
        self._show_keys()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Explain the key under the mouse."""
        key = self._key_at(event.x)
        tooltip = key.tooltip if key is not None else None
        if tooltip != self.tooltip:
            self.tooltip = tooltip

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Press the key under the mouse."""
        key = self._key_at(event.x)
        if key is not None and key.enabled:
            self.app.simulate_key(key.key)
        elif key is not None:
            self.app.bell()

    def _keys_changed(self, screen: Screen[object]) -> None:
        if screen is self.screen:
            self._show_keys()

    def _show_keys(self) -> None:
        keys: dict[str, ShownKey] = {}
        for _, binding, enabled, tooltip in self.screen.active_bindings.values():
            if binding.show and binding.action not in keys:
                sign = self.app.get_key_display(binding)
                spans = (
                    (f" {sign} ", "accent" if enabled else "dim"),
                    (f"{binding.description} ", "" if enabled else "dim"),
                )
                keys[binding.action] = ShownKey(binding.key, binding.action, spans, tooltip or binding.tooltip, enabled)
        self._shown = fitting(list(keys.values()), self.size.width)
        self.set_rows([tuple(span for key in self._shown for span in key.spans)])

    def _key_at(self, x: int) -> ShownKey | None:
        for key in self._shown:
            if 0 <= x < key.width:
                return key
            x -= key.width
        return None


def fitting(keys: list[ShownKey], width: int) -> list[ShownKey]:
    """Return the keys that fit into so many cells, in their order; none is cut."""
    kept: set[str] = set()
    for key in sorted(keys, key=lambda key: key.action not in SHOWN_FIRST):
        if key.width <= width:
            kept.add(key.action)
            width -= key.width
    return [key for key in keys if key.action in kept]
