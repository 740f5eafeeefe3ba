"""The private names of Textual that the screens stand on: an upgrade without one of them fails here, in words."""

import ast
import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from textual import _compositor, _context, _xterm_parser
from textual.app import App
from textual.css.stylesheet import Stylesheet
from textual.dom import DOMNode
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.geometry import Region
from textual.message_pump import MessagePump
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widget import Widget

import cifar_tui.tui

COMPARED = "the renderer compares every update, cell by cell, with what the terminal shows"
STYLES = "a widget's styles are worked out only when it draws with them"
BEHIND = "a question shows the screen behind it as it is"
BORDER = "a chart's border changes without the chart being sent again"
SENDING = "the app sends a frame only where something looks different"
COMPLETE = "a screen is drawn only once it is complete"
SURVIVING = "training outlives a terminal that goes away"

NAMES: list[tuple[ModuleType | type, str, str | None, str]] = [
    (_compositor, "CompositorUpdate", None, COMPARED),
    (_compositor.CompositorUpdate, "render_segments", "console", COMPARED),
    (_compositor, "ChopsUpdate", "chops spans chop_ends", COMPARED),
    (_compositor, "LayoutUpdate", "strips region", COMPARED),
    (_compositor.Compositor, "render_strips", "size", BEHIND),
    (_context, "visible_screen_stack", None, BEHIND),
    (DOMNode, "_attach", "parent", STYLES),
    (Stylesheet, "rules_map", None, STYLES),
    (Stylesheet, "apply", "node animate cache", STYLES),
    (App, "_display", "screen renderable", SENDING),
    (App, "_handle_exception", "error", COMPLETE),
    (Screen, "_on_timer_update", "", COMPLETE),
    (Screen, "_compositor_refresh", "", COMPLETE),
    (Screen, "_invoke_and_clear_callbacks", "", COMPLETE),
    (Screen, "_refresh_layout", "size scroll", COMPLETE),
    (LinuxDriver, "__init__", "app debug mouse size", SURVIVING),
    (LinuxDriver, "start_application_mode", "", SURVIVING),
    (LinuxDriver, "_get_terminal_size", "", "standard output may be a file, and the screen has the terminal's size"),
    (LinuxDriver, "_run_input_thread", "", SURVIVING),
    (LinuxDriver, "run_input_thread", "", SURVIVING),
    (_xterm_parser.XTermParser, "feed", "data", SURVIVING),
    (_xterm_parser.XTermParser, "tick", "", SURVIVING),
    (Pilot, "_post_mouse_events", "events widget offset button shift meta control times", "a test turns the wheel"),
]
"""Owner, name, the parameters of what is called, and what depends on it."""

ATTRIBUTES: list[tuple[type, tuple[str, ...], str]] = [
    (_compositor.ChopsUpdate, ("chops", "spans", "chop_ends"), COMPARED),
    (_compositor.LayoutUpdate, ("strips", "region"), COMPARED),
    (Screen, ("_compositor",), BEHIND),
    (Screen, ("_dirty_widgets",), COMPLETE),
    (Screen, ("_bindings",), "each question has keys of its own"),
    (Widget, ("_border_title", "_border_subtitle"), BORDER),
    (App, ("_running", "_closed", "_batch_count", "_driver"), SENDING),
    (App, ("_exception",), "a test asserts that no key ends the app"),
    (LinuxDriver, ("_file", "_app", "_debug", "fileno", "exit_event"), SURVIVING),
    (LinuxDriver, ("_in_band_window_resize",), "a size that changes all the time is drawn only now and then"),
]
"""Owner, the names that every object of it has, and what depends on them."""


async def test_every_private_name_is_there() -> None:
    missing = [f"{owner.__name__}.{name}: {why}" for owner, name, _, why in NAMES if not hasattr(owner, name)]
    app: App[None] = App()
    objects: dict[type, object] = {
        App: app,
        Screen: Screen(),
        Widget: Widget(),
        LinuxDriver: LinuxDriver(app),
        _compositor.ChopsUpdate: _compositor.ChopsUpdate([], [], []),
        _compositor.LayoutUpdate: _compositor.LayoutUpdate([], Region()),
    }
    missing += [
        f"{owner.__name__}.{name}: {why}"
        for owner, names, why in ATTRIBUTES
        for name in names
        if not hasattr(objects[owner], name)
    ]
    assert missing == [], "Textual lacks private names that the screens stand on"


def test_what_is_called_by_a_private_name_takes_the_same_arguments() -> None:
    changed = [
        f"{owner.__name__}.{name}({found}): {why}"
        for owner, name, parameters, why in NAMES
        if parameters is not None
        and (found := " ".join(one for one in inspect.signature(getattr(owner, name)).parameters if one != "self"))
        != parameters
    ]
    assert changed == [], "private parts of Textual are called in another way now"


def test_textual_sets_the_handler_of_a_changed_size_that_the_driver_replaces() -> None:
    assert "signal.signal(signal.SIGWINCH" in inspect.getsource(LinuxDriver.start_application_mode)


def test_private_parts_of_textual_are_reached_into_in_one_folder_only() -> None:
    root = Path(cifar_tui.tui.__file__).parent
    found = [
        f"{path.relative_to(root)}: {use}"
        for path in sorted(root.rglob("*.py"))
        if path.parent.name != "terminal"
        for use in uses_of_private_names(path, ".".join(path.relative_to(root.parents[1]).with_suffix("").parts))
    ]
    assert found == []


def uses_of_private_names(path: Path, module: str) -> Iterator[str]:
    known = {name for _, name, *_ in NAMES} | {name for _, names, _ in ATTRIBUTES for name in names}
    private = {name for name in known if name.startswith("_") and not name.startswith("__")}
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        yield from (name for name in names if name.startswith("textual") and "._" in name)
        if isinstance(node, ast.Attribute) and node.attr in private and ast.unparse(node.value) != "self":
            yield ast.unparse(node)
    for definition in (node for node in tree.body if isinstance(node, ast.ClassDef)):
        if issubclass(getattr(importlib.import_module(module), definition.name), MessagePump | Driver):
            own = {node.attr for node in ast.walk(definition) if isinstance(node, ast.Attribute)} & private
            own |= {node.name for node in definition.body if isinstance(node, ast.FunctionDef)} & private
            yield from (f"{definition.name}.{name}" for name in sorted(own))
