"""The question about a note for the run's journal."""

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input, Static

from cifar_tui.control import MOST_NOTE
from cifar_tui.tui.dialogs.modal import Modal


class NoteQuestion(Modal[str | None]):
    """Asks for a sentence to write down."""

    def compose(self) -> ComposeResult:
        """Lay out the question."""
        with Vertical(classes="dialog"):
            yield Static("Write a note", classes="dialog-title")
            yield Static("It goes into the run's journal, with the step it has come to.", classes="dialog-detail")
            yield Input(placeholder="smaller crops from here", max_length=MOST_NOTE, compact=True)
            yield Static("Enter writes it down, escape cancels.", classes="dialog-detail")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Answer with what was typed; with nothing, cancel."""
        self.dismiss(event.value.strip() or None)
