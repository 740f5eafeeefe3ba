"""The other runs beside the one on the screen, and the questions that choose among them."""

import contextlib
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import OptionList, SelectionList, Static

from cifar_tui.dataclass import dataclass
from cifar_tui.errors import BadInput
from cifar_tui.recipe import Recipe
from cifar_tui.report.recipe_changes import differences
from cifar_tui.runs.find import all_runs
from cifar_tui.runs.folder import read_recipe
from cifar_tui.text import safe_text
from cifar_tui.tui.charts.overlay import MAX_OVERLAID
from cifar_tui.tui.dialogs.check_list import CheckList
from cifar_tui.tui.dialogs.modal import Modal

MAX_LISTED = 50
"""Number of runs to choose from, the newest."""
HELP = f"Space or a click checks a run, {MAX_OVERLAID} at most; enter draws them."
PICK_HELP = "Enter or a click shows its checkpoints; marks stay. Escape goes back."


@dataclass(frozen=True, slots=True)
class SiblingRun:
    """A run in the same folder of runs."""

    folder: Path
    """Its folder."""
    differences: tuple[str, ...]
    """Differences of its recipe from that of the run on the screen."""


def sibling_runs(folder: Path, recipe: Recipe) -> list[SiblingRun]:
    """Return the other runs in the same folder of runs, the newest first."""
    found = []
    for path in reversed(all_runs(folder.parent)[-MAX_LISTED:]):
        with contextlib.suppress(BadInput, OSError):
            if path.absolute() != folder.absolute():
                found.append(SiblingRun(path, differences(recipe, read_recipe(path))))
    return found


def _prompt(folder: Path) -> str:
    """Name of a run as markup."""
    return safe_text(folder.name, 60).replace("[", "\\[")


def _difference_text(differences: Sequence[str]) -> str:
    return f"Differs: {', '.join(differences)}." if differences else "Same recipe."


class RunChoice(Modal[tuple[Path, ...]]):
    """Asks for the runs to draw over this one; answers with their folders."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,o,q", "close", "Back", show=False)]

    def __init__(self, siblings: Sequence[SiblingRun], chosen: Collection[Path]) -> None:
        """Offer these; some are chosen already."""
        super().__init__()
        self._siblings = siblings
        self._chosen = chosen

    def compose(self) -> ComposeResult:
        """Lay out the question."""
        with Vertical(classes="dialog"):
            yield Static("Overlay runs", classes="dialog-title")
            yield CheckList[int](
                *((_prompt(one.folder), place, one.folder in self._chosen) for place, one in enumerate(self._siblings))
            )
            yield Static("", id="run-differences", markup=False)
            yield Static(HELP, classes="dialog-detail")

    def on_selection_list_selection_highlighted(self, event: SelectionList.SelectionHighlighted[int]) -> None:
        """Show how the recipe of the run under the cursor differs."""
        shown = _difference_text(self._siblings[event.selection.value].differences)
        self.query_one("#run-differences", Static).update(shown)

    def on_selection_list_selection_toggled(self, event: SelectionList.SelectionToggled[int]) -> None:
        """Keep to as many as can be distinguished."""
        if len(event.selection_list.selected) > MAX_OVERLAID:
            event.selection_list.deselect(event.selection)
            self.notify(f"Choose {MAX_OVERLAID} runs at most: more cannot be told apart on a chart.")

    def action_close(self) -> None:
        """Answer with the runs chosen now."""
        chosen = self.query_one(SelectionList).selected
        self.dismiss(tuple(one.folder for place, one in enumerate(self._siblings) if place in chosen))


class RunPick(Modal[Path | None]):
    """Asks whose checkpoints to show; answers with the run's folder, or None when it is dismissed."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("a,q", "dismiss", "Back", show=False)]

    def __init__(self, own: Path, siblings: Sequence[SiblingRun], shown: Path) -> None:
        """Offer the run on the screen and its siblings; the cursor is on the one whose checkpoints are shown."""
        super().__init__()
        self._folders = [own, *(one.folder for one in siblings)]
        self._texts = ["This is the run on the screen.", *(_difference_text(one.differences) for one in siblings)]
        self._shown = shown

    def compose(self) -> ComposeResult:
        """Lay out the question."""
        with Vertical(classes="dialog"):
            yield Static("Choose a run", classes="dialog-title")
            yield OptionList(*map(_prompt, self._folders))
            yield Static("", id="run-differences", markup=False)
            yield Static(PICK_HELP, classes="dialog-detail")

    def on_mount(self) -> None:
        """Put the cursor on the run that is shown."""
        if self._shown in self._folders:
            self.query_one(OptionList).highlighted = self._folders.index(self._shown)

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Show how the recipe of the run under the cursor differs."""
        self.query_one("#run-differences", Static).update(self._texts[event.option_index])

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Answer with the run."""
        self.dismiss(self._folders[event.option_index])
