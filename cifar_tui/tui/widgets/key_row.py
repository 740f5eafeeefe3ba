"""The row of keys at the foot of every screen.

Textual's footer is a widget a key, made anew whenever a key comes or goes; they were most of what opening a screen
costs.
"""

from dataclasses import dataclass

from rich.cells import cell_len
from textual import events
from textual.screen import Screen

from cifar_tui.tui.widgets.rows import Row, Rows

NEVER_LEFT_OUT = ("next_view", "app.help", "app.leave")
"""Actions whose keys come first where not all fit: those that lead to everything else."""


@dataclass(frozen=True, slots=True)
class ShownKey:
    """One key in the row."""

    key: str
    """The key as Textual names it."""
    action: str
    """What it does."""
    spans: Row
    """How it is written."""
    tooltip: str
    """What is said about it under the mouse."""
    enabled: bool
    """Whether it does something now."""

    @property
    def width(self) -> int:
        """Cells."""
        return sum(cell_len(words) for words, _ in self.spans)


class KeyRow(Rows):
    """The keys that do something on the screen in view, as many as fit; each can be clicked."""

    ALLOW_SELECT = False

    def __init__(self) -> None:
        super().__init__()
        self._shown: list[ShownKey] = []

    def on_mount(self) -> None:
        """Hear which keys come and go."""
        self.screen.bindings_updated_signal.subscribe(self, self._keys_changed)

    def on_resize(self) -> None:
        """Fit the keys to the new room."""
        self._show_keys()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Explain the key under the mouse."""
        key = self._key_at(event.x)
        tooltip = key.tooltip if key is not None else None
        if tooltip != self.tooltip:
            self.tooltip = tooltip

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Do what the key under the mouse does."""
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
    """The keys that fit into so many cells, each whole, in their order."""
    kept: set[str] = set()
    for key in sorted(keys, key=lambda key: key.action not in NEVER_LEFT_OUT):
        if key.width <= width:
            kept.add(key.action)
            width -= key.width
    return [key for key in keys if key.action in kept]
