"""The base of the app: what it writes to the terminal, and all that reaches into Textual's app for it."""

import signal

from rich.console import RenderableType
from textual import events
from textual._compositor import CompositorUpdate
from textual.app import App
from textual.driver import Driver
from textual.screen import Screen

from cifar_tui.tui.terminal.diff_renderer import DiffRenderer, EncodedUpdate
from cifar_tui.tui.terminal.driver import terminal_is_gone
from cifar_tui.tui.terminal.key_order import KeyOrder, Ordered


class DiffApp(App[int], inherit_bindings=False):
    """An app that sends the terminal only the cells that changed."""

    def __init__(self, driver: type[Driver] | None) -> None:
        """Send through `driver`, or through Textual's own."""
        super().__init__(driver_class=driver)
        self._renderer = DiffRenderer()
        self._key_order = KeyOrder(self, super().on_event)
        self._cursor_shown = self.cursor_position
        self.animation_level = "none"

    async def on_event(self, event: events.Event) -> None:
        """Handle an event; keys, pasted text and clicks in their order."""
        if isinstance(event, Ordered) and not event.is_forwarded:
            await self._key_order.handle(event)
        else:
            await super().on_event(event)

    @property
    def keys_at_rest(self) -> bool:
        """True once every key has done all that it does."""
        return self._key_order.at_rest

    @property
    def terminal_is_gone(self) -> bool:
        """True once the terminal went away."""
        return terminal_is_gone(self._driver)

    def write_control(self, sequence: str) -> None:
        """Send the terminal a sequence that is not shown."""
        if self._driver is not None:
            self._driver.write(sequence)
            self._driver.flush()

    def on_resize(self) -> None:
        """Send everything again: a terminal of a new size, or one returned to after a suspension, has lost it."""
        self._renderer.forget()

    def action_redraw(self) -> None:
        """Send everything again, after something else has written to the terminal."""
        self._renderer.forget()
        self.screen.refresh(layout=True)

    def refresh_css(self, animate: bool = True) -> None:
        """Apply the styles again. They are parsed again only for other colours: at the start, Textual asks in vain."""
        if self.get_css_variables() != self.stylesheet._variables:
            super().refresh_css(animate)

    def _display(self, screen: Screen[object], renderable: RenderableType | None) -> None:
        """Send Textual's update as a difference, and nothing at all where nothing looks different."""
        writes = self._running and not (self._closed or self.is_headless or self._batch_count)
        if not isinstance(renderable, CompositorUpdate) or not writes:
            super()._display(screen, renderable)
            return
        encoded = self._renderer.encode(renderable, self.console, (self.size.width, self.size.height))
        if encoded or self.cursor_position != self._cursor_shown:
            self._cursor_shown = self.cursor_position
            super()._display(screen, EncodedUpdate(encoded))


def drop_signal_handlers() -> None:
    """Take Textual's signal handlers away: they outlive its app, and would draw a screen that is gone."""
    for number in (signal.SIGTSTP, signal.SIGCONT, signal.SIGWINCH):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
