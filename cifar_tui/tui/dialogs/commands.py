"""The keys of a screen that do something now, as bindings for the help page and as commands for the palette."""

from collections.abc import Callable, Coroutine, Iterator

from textual.actions import parse
from textual.app import App, SystemCommand
from textual.binding import Binding
from textual.screen import Screen

from cifar_tui.tui.dialogs.questions import with_tooltips


def usable_bindings(app: App[int], screen: Screen[object]) -> list[Binding]:
    """Return the screen's described bindings that the app allows now."""

    def allowed(action: str) -> bool:
        _, name, parameters = parse(action)
        return app.check_action(name, parameters) is not False

    return [binding for binding in with_tooltips(screen.BINDINGS) if allowed(binding.action)]


def commands(app: App[int], screen: Screen[object]) -> Iterator[SystemCommand]:
    """Yield a command for every usable binding."""
    for binding in usable_bindings(app, screen):
        yield SystemCommand(binding.description, binding.tooltip, _runner(screen, binding.action))


def _runner(screen: Screen[object], action: str) -> Callable[[], Coroutine[None, None, None]]:
    async def run() -> None:
        await screen.run_action(action)

    return run
