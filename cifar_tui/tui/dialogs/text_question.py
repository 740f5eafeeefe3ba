"""The question for one line of text."""

from collections.abc import Callable

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input, Static

from cifar_tui.errors import BadInput
from cifar_tui.text import safe_text
from cifar_tui.tui.dialogs.modal import Modal


class TextQuestion(Modal[str | None]):
    """Asks for one line of text, with the one so far filled in; answers None when it is dismissed."""

    def __init__(self, title: str, detail: str, text: str, check: Callable[[str], object] | None = None) -> None:
        """Ask `title`, explained by `detail`; `check` raises BadInput for text that is no answer."""
        super().__init__()
        self._title = title
        self._detail = detail
        self._text = text
        self._check = check

    def compose(self) -> ComposeResult:
        """Lay out the question."""
        with Vertical(classes="dialog"):
            yield Static(safe_text(self._title, 200), classes="dialog-title", markup=False)
            yield Static(self._detail, classes="dialog-detail", markup=False)
            yield Input(self._text, compact=True, select_on_focus=False)
            yield Static("", id="text-trouble", markup=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Answer with the text, or show what is wrong with it."""
        try:
            if self._check is not None:
                self._check(event.value)
        except BadInput as error:
            self.query_one("#text-trouble", Static).update(str(error))
        else:
            self.dismiss(event.value)
