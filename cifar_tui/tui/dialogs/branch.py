"""The question about a new run that starts from a checkpoint."""

import math
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input, Static

from cifar_tui.dataclass import dataclass
from cifar_tui.recipe import Recipe
from cifar_tui.text import rate, safe_text
from cifar_tui.tui.dialogs.modal import Modal

HINT = "Tab goes to the other field, enter starts the run, escape cancels."


@dataclass(frozen=True, slots=True)
class BranchChoice:
    """Choices for the new run."""

    epochs: int
    """Passes over the training images."""
    learning_rate: float
    """Constant rate, or the highest of its schedule."""


class BranchQuestion(Modal[BranchChoice | None]):
    """Asks for the new run's epochs and learning rate, with those of its parent filled in."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "app.focus_previous", "Previous", show=False),
        Binding("down", "app.focus_next", "Next", show=False),
    ]

    def __init__(self, checkpoint: str, parent: Recipe) -> None:
        """Ask about a run from `checkpoint`, whose run has the recipe `parent`."""
        super().__init__()
        self._checkpoint = checkpoint
        self._parent_recipe = parent

    def compose(self) -> ComposeResult:
        """Lay out the question."""
        with Vertical(classes="dialog"):
            yield Static(f"New run from {safe_text(self._checkpoint, 60)}", classes="dialog-title", markup=False)
            yield Static(
                "It starts with these weights and a schedule of its own. The run they come from is not changed.",
                classes="dialog-detail",
            )
            yield Static("Epochs", classes="field-label")
            yield Input(str(self._parent_recipe.epochs), id="branch-epochs", compact=True)
            yield Static("Peak learning rate", classes="field-label")
            yield Input(rate(self._parent_recipe.learning_rate), id="branch-rate", compact=True)
            yield Static(HINT, id="branch-trouble", markup=False)

    def on_input_submitted(self) -> None:
        """Answer with what was typed, or show what is wrong with it."""
        epochs, peak = (self.query_one(name, Input).value for name in ("#branch-epochs", "#branch-rate"))
        try:
            self.dismiss(parse_choice(epochs, peak))
        except ValueError as error:
            self.query_one("#branch-trouble", Static).update(str(error))


def parse_choice(epochs: str, peak: str) -> BranchChoice:
    """Parse typed text. Raises ValueError with a sentence for anything but a number of epochs and a rate above 0."""
    if not (epochs.strip().isdecimal() and int(epochs) > 0):
        raise ValueError(f"'{safe_text(epochs, 20)}' must be a whole number of epochs, 1 or more.")
    try:
        learning_rate = float(peak)
    except ValueError:
        learning_rate = math.nan
    if not (math.isfinite(learning_rate) and learning_rate > 0):
        raise ValueError(f"'{safe_text(peak, 20)}' must be a number above 0, like 0.05.")
    return BranchChoice(int(epochs), learning_rate)
