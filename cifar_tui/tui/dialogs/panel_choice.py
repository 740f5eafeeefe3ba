"""The question about the panels to show."""

from collections.abc import Collection, Mapping
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import SelectionList, Static

from cifar_tui.tui.dialogs.check_list import CheckList
from cifar_tui.tui.dialogs.modal import Modal


class PanelChoice(Modal[tuple[str, ...] | None]):
    """Asks for the panels to show; answers with the hidden ones."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,h,q", "close", "Back", show=False)]

    def __init__(self, titles: Mapping[str, str], hidden: Collection[str]) -> None:
        """Ask about panels; `titles` holds the title of each name."""
        super().__init__()
        self._titles = titles
        self._hidden = hidden

    def compose(self) -> ComposeResult:
        """Lay out the question."""
        with Vertical(classes="dialog"):
            yield Static("Panels", classes="dialog-title")
            yield CheckList[str](*((title, name, name not in self._hidden) for name, title in self._titles.items()))
            yield Static(
                "Space or a click shows or hides a panel, enter closes. At least one stays. "
                "A small terminal shows the first of them.",
                classes="dialog-detail",
            )

    def action_close(self) -> None:
        """Answer with the panels that are hidden now."""
        shown = self.query_one(SelectionList).selected
        self.dismiss(tuple(name for name in self._titles if name not in shown) if shown else None)
