"""All keys of a screen, in groups, and a line to search them."""

import textwrap
from collections.abc import Iterable
from itertools import groupby
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.geometry import Size
from textual.widgets import Input, Static

from cifar_tui.tui.dialogs.modal import Modal
from cifar_tui.tui.widgets.rows import Row, Rows

GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("The run", ("app.send(", "app.resume_run", "app.checkpoints", "app.evaluate", "app.shorter")),
    ("This screen", ("",)),
    ("Charts", ("view(", "choose_runs")),
    ("Network health", ("layer",)),
    ("Moving on the charts", ("view('point'", "view('pan'", "view('zoom'", "view('y_zoom'", "view('follow'")),
    (
        "The program",
        ("app.help", "app.leave", "app.detach", "app.themes", "app.redraw", "app.command_palette", "app.runs"),
    ),
)
"""Groups of keys in the order of the help, and how the actions of each begin; the longest beginning decides."""
KEY_CELLS = 9
"""Cells for a key's name, at the right of them."""


def group_of(binding: Binding) -> int:
    """Return the place of a binding's group."""
    fitting = (
        (len(beginning), place)
        for place, (_, beginnings) in enumerate(GROUPS)
        for beginning in beginnings
        if binding.action.startswith(beginning)
    )
    return max(fitting)[1]


def matches(binding: Binding, typed: str) -> bool:
    """Return True if a binding's key, name and explanation hold every word that was typed."""
    searched = f"{binding.key_display or binding.key} {binding.description} {binding.tooltip}".lower()
    return all(word in searched for word in typed.lower().split())


class KeyTable(Rows):
    """The keys that match what was typed, a heading before each group."""

    def __init__(self, bindings: Iterable[Binding]) -> None:
        """Show all of these."""
        super().__init__(id="help-table")
        self._keys = sorted(bindings, key=group_of)
        self._typed = ""

    def show_matching(self, typed: str) -> None:
        """Show those that hold every word that was typed."""
        self._typed = typed
        self.refresh(layout=True)

    def get_content_height(self, _container: Size, _viewport: Size, width: int) -> int:
        """Make the rows for so many cells, in which explanations go on below themselves, and return how many."""
        rows: list[Row] = []
        found = [binding for binding in self._keys if matches(binding, self._typed)]
        for place, group in groupby(found, key=group_of):
            rows.append(_row("", GROUPS[place][0], "value"))
            for binding in group:
                first, *more = textwrap.wrap(binding.tooltip, max(width - KEY_CELLS - 2, 1)) or [""]
                rows += [_row(binding.key_display or binding.key, first), *(_row("", line) for line in more)]
        self.set_rows(rows or [_row("", "No key for that here.")])
        return len(self._rows)


def _row(key: str, text: str, style: str = "") -> Row:
    return ((f"{key:>{KEY_CELLS}}  ", "accent"), (text, style))


class Help(Modal[None]):
    """All keys, generated from the bindings of the screen behind."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "dismiss", "Back", show=False),
        Binding("up", "scroll(-1)", "Up", show=False),
        Binding("down", "scroll(1)", "Down", show=False),
        Binding("pageup", "scroll(-10)", "Page up", show=False),
        Binding("pagedown", "scroll(10)", "Page down", show=False),
    ]

    def __init__(self, bindings: Iterable[Binding]) -> None:
        """Show these keys."""
        super().__init__()
        self._table = KeyTable(bindings)

    def compose(self) -> ComposeResult:
        """Lay out the keys."""
        with Vertical(classes="dialog", id="help"):
            yield Static("Keys", classes="dialog-title")
            yield Input(placeholder="Type to search: pause, compare, zoom…", compact=True)
            with VerticalScroll(id="help-keys", can_focus=False):
                yield self._table
            yield Static("Escape closes, the arrows scroll. The mouse works, too.", classes="dialog-detail")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show what matches."""
        self._table.show_matching(event.value)

    def action_scroll(self, lines: int) -> None:
        """Scroll the keys."""
        self.query_one("#help-keys").scroll_relative(y=lines, animate=False)
