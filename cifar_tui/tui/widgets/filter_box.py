"""A line to type words into that filter a list; hidden while nothing is filtered."""

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Input


class FilterBox(Input):
    """Posts every change of the words, and that the person is done."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel_filter", "All", show=False),
        Binding("enter,up,down", "leave", "List", show=False),
    ]

    class Left(Message):
        """A person returns to the list."""

    def __init__(self, words: str) -> None:
        """Stay hidden until it is opened; `words` says what can be typed."""
        super().__init__(id="filter", compact=True, placeholder=words)
        self.display = False

    def open(self) -> None:
        """Appear and take the focus."""
        self.display = True
        self.focus()

    def cancel(self) -> bool:
        """Filter no longer. Returns True if anything was filtered."""
        filtered = bool(self.value)
        if filtered:
            self.action_cancel_filter()
        return filtered

    def action_cancel_filter(self) -> None:
        """Filter no longer."""
        self.value = ""
        self.action_leave()

    def action_leave(self) -> None:
        """Give the focus back; stay in view while there are words."""
        self.display = bool(self.value)
        self.post_message(self.Left())
