"""All keys of a screen, in groups, and a line to search them."""

from collections.abc import Iterable
from itertools import groupby
from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Input, Static

from cifar_tui.tui.dialogs.modal import Modal

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
        self._shown_bindings = sorted(bindings, key=group_of)

    def compose(self) -> ComposeResult:
        """Lay out the keys."""
        with Vertical(classes="dialog", id="help"):
            yield Static("Keys", classes="dialog-title")
            yield Input(placeholder="Type to search: pause, compare, zoom…", compact=True)
            with VerticalScroll(id="help-keys", can_focus=False):
                yield Static(self._table(""), id="help-table")
            yield Static("Escape closes, the arrows scroll. The mouse works, too.", classes="dialog-detail")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show what matches."""
        self.query_one("#help-table", Static).update(self._table(event.value))

    def action_scroll(self, lines: int) -> None:
        """Scroll the keys."""
        self.query_one("#help-keys").scroll_relative(y=lines, animate=False)

    def _table(self, typed: str) -> Table:
        """The keys that match, a heading before each group."""
        table = Table.grid(padding=(0, 2, 0, 0), expand=True)
        table.add_column(justify="right", width=9, no_wrap=True)
        table.add_column(ratio=1)
        found = [binding for binding in self._shown_bindings if matches(binding, typed)]
        for place, group in groupby(found, key=group_of):
            table.add_row("", Text(GROUPS[place][0], style="bold"))
            for binding in group:
                table.add_row(Text(binding.key_display or binding.key), Text(binding.tooltip))
        if not found:
            table.add_row("", Text("No key for that here."))
        return table
