"""What an app of ours can whatever it shows: colours, help, the palette, and thin sending."""

import dataclasses
from collections.abc import Iterable

from rich.console import RenderableType
from textual._compositor import CompositorUpdate
from textual.app import App, SystemCommand
from textual.binding import Binding
from textual.command import SimpleCommand
from textual.driver import Driver
from textual.screen import Screen
from textual.theme import Theme

from cifar_tui.tui.dialogs.questions import Help, with_tooltips
from cifar_tui.tui.settings.preferences import Preferences, PreferencesFile
from cifar_tui.tui.settings.themes import Themes
from cifar_tui.tui.terminal.diff_renderer import DiffRenderer, EncodedUpdate

WIDTHS = [(0, "-minute"), (40, "-narrow"), (70, "-medium"), (100, "-wide")]
"""The classes of every screen by the columns there are."""
HEIGHTS = [(0, "-flat"), (12, "-low"), (22, "-middle"), (32, "-high")]
"""And by the rows."""


class BaseApp(App[int], inherit_bindings=False):
    """An app in one of our themes."""

    CSS_PATH = "app.tcss"
    TITLE = "cifar-tui"
    ENABLE_COMMAND_PALETTE = True
    HORIZONTAL_BREAKPOINTS = WIDTHS
    VERTICAL_BREAKPOINTS = HEIGHTS

    def __init__(
        self,
        themes: Themes,
        theme: str,
        preferences: Preferences,
        preferences_file: PreferencesFile | None,
        driver: type[Driver] | None,
    ) -> None:
        """Use our themes alone, and the one called `theme` first.

        What a person changes of the preferences is kept in their file, where there is one.
        """
        super().__init__(driver_class=driver)
        self.preferences = preferences
        self._preferences_file = preferences_file
        self._wire = DiffRenderer()
        self._cursor_shown = self.cursor_position
        self._themes = themes
        for name in self.available_themes:
            self.unregister_theme(name)
        for usable in themes.usable.values():
            self.register_theme(usable)
        self.theme = theme
        self.animation_level = "none"

    def on_mount(self) -> None:
        """Name the themes, and the preferences, that are broken."""
        for sentence in self._themes.broken:
            self.notify(sentence, severity="warning", timeout=15, markup=False)
        if self._preferences_file is not None and self._preferences_file.trouble:
            self.notify(self._preferences_file.trouble, severity="warning", timeout=15, markup=False)
        self.theme_changed_signal.subscribe(self, self._theme_changed)

    def prefer(self, preferences: Preferences) -> None:
        """Keep what a person prefers."""
        if preferences != self.preferences:
            self.preferences = preferences
            if self._preferences_file is not None:
                self._preferences_file.write(preferences)

    def _theme_changed(self, theme: Theme) -> None:
        self.prefer(dataclasses.replace(self.preferences, theme=theme.name))

    def _write(self, words: str) -> None:
        """Send the terminal something that is not shown."""
        if self._driver is not None:
            self._driver.write(words)
            self._driver.flush()

    def _display(self, screen: Screen[object], renderable: RenderableType | None) -> None:
        """Send Textual's update the thin way, and nothing at all where nothing looks different."""
        writes = self._running and not (self._closed or self.is_headless or self._batch_count)
        if not isinstance(renderable, CompositorUpdate) or not writes:
            super()._display(screen, renderable)
            return
        words = self._wire.encode(renderable, self.console, (self.size.width, self.size.height))
        if words or self.cursor_position != self._cursor_shown:
            self._cursor_shown = self.cursor_position
            super()._display(screen, EncodedUpdate(words))

    def on_resize(self) -> None:
        """Send everything again: a terminal of a new size, or one returned to after a suspension, has lost it."""
        self._wire.forget()

    def action_redraw(self) -> None:
        """Send everything again, after something else has written to the terminal."""
        self._wire.forget()
        self.screen.refresh(layout=True)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Everything a key does, by name, in the command palette."""
        for binding in self._usable(screen):
            yield SystemCommand(binding.description, binding.tooltip, self._runner(screen, binding.action))

    def action_help(self) -> None:
        """Show all keys of the screen in view."""
        self.push_screen(Help(self._usable(self.screen)))

    def action_themes(self) -> None:
        """Choose the colours from a list."""

        def use(name: str) -> None:
            self.theme = name

        commands: list[SimpleCommand] = [
            SimpleCommand(name, lambda name=name: use(name), "in use" if name == self.theme else "")
            for name in self._themes.usable
        ]
        self.search_commands(commands, placeholder="Choose a theme…")

    def _usable(self, screen: Screen[object]) -> list[Binding]:
        """The screen's keys that do something now, for help and palette."""
        return [
            binding
            for binding in with_tooltips(screen.BINDINGS)
            if self.check_action(binding.action.removeprefix("app."), ()) is not False
        ]

    def _runner(self, screen: Screen[object], action: str):  # type: ignore[no-untyped-def]
        async def run() -> None:
            await screen.run_action(action)

        return run
