"""The choice of the app's theme, which is remembered."""

import dataclasses

from textual.app import App
from textual.command import SimpleCommand
from textual.theme import Theme

from cifar_tui.tui.settings.kept_preferences import KeptPreferences
from cifar_tui.tui.settings.themes import Themes


class ThemeChoice:
    """Registers our themes with the app in place of Textual's, and lets a person choose one."""

    def __init__(self, app: App[int], themes: Themes, theme: str, preferences: KeptPreferences) -> None:
        """Use our themes alone, and the one called `theme` first."""
        self._app = app
        self._themes = themes
        self._preferences = preferences
        for name in app.available_themes:
            app.unregister_theme(name)
        for usable in themes.usable.values():
            app.register_theme(usable)
        app.theme = theme
        app.stylesheet.set_variables(app.get_css_variables())  # before anything is parsed: later, all is parsed again

    def start(self) -> None:
        """Name the themes, and the preferences, that are broken; remember every choice from now on."""
        for sentence in (*self._themes.broken, self._preferences.trouble):
            if sentence:
                self._app.notify(sentence, severity="warning", timeout=15, markup=False)
        self._app.theme_changed_signal.subscribe(self._app, self._remember)

    def ask(self) -> None:
        """Show the themes as a list to choose from."""

        def use(name: str) -> None:
            self._app.theme = name

        commands: list[SimpleCommand] = [
            SimpleCommand(name, lambda name=name: use(name), "in use" if name == self._app.theme else "")
            for name in self._themes.usable
        ]
        self._app.search_commands(commands, placeholder="Choose a theme…")

    def _remember(self, theme: Theme) -> None:
        self._preferences.keep(dataclasses.replace(self._preferences.current, theme=theme.name))
