"""The keys of a screen that do something now, as bindings for the help page and as commands for the palette."""

from collections.abc import Callable, Coroutine
from typing import Any

from textual.actions import parse
from textual.app import App
from textual.binding import Binding
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.screen import Screen

from cifar_tui.tui.dialogs.help import group_of, matches
from cifar_tui.tui.dialogs.questions import with_tooltips


def usable_bindings(app: App[Any], screen: Screen[object]) -> list[Binding]:
    """Return the screen's described bindings that the app allows now."""
    # Any: Textual's palette does not know what its app returns.

    def allowed(action: str) -> bool:
        _, name, parameters = parse(action)
        return app.check_action(name, parameters) is not False

    return [binding for binding in with_tooltips(screen.BINDINGS) if allowed(binding.action)]


class KeyCommands(Provider):
    """Commands of the palette, in the order of the help; searched by all that is said about them."""

    async def discover(self) -> Hits:
        """Yield every command."""
        for binding in self._bindings():
            yield DiscoveryHit(binding.description, _runner(self.screen, binding.action), help=binding.tooltip)

    async def search(self, query: str) -> Hits:
        """Yield the commands whose key, name or explanation hold what is typed; those named so first."""
        for place, binding in enumerate(self._bindings()):
            if matches(binding, query):
                named = query.lower() in binding.description.lower()
                score = (2.0 if named else 1.0) - place / 1_000
                yield Hit(score, binding.description, _runner(self.screen, binding.action), help=binding.tooltip)

    def _bindings(self) -> list[Binding]:
        return sorted(usable_bindings(self.app, self.screen), key=group_of)


def _runner(screen: Screen[object], action: str) -> Callable[[], Coroutine[None, None, None]]:
    async def run() -> None:
        await screen.run_action(action)

    return run
