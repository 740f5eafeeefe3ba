"""The runs beside the one on the screen: which there are, and the choice of those to be drawn or listed."""

import contextlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import OptionList, SelectionList, Static

from cifar_tui.errors import BadInput
from cifar_tui.recipe import Recipe
from cifar_tui.report.recipe_changes import differences
from cifar_tui.runs.find import all_runs
from cifar_tui.runs.folder import read_recipe
from cifar_tui.text import safe_text
from cifar_tui.tui.charts.overlay import MAX_OVERLAID
from cifar_tui.tui.dialogs.modal import Modal

MAX_LISTED = 50
"""The newest runs that can be chosen from."""
HELP = f"Space or a click draws one over this run, {MAX_OVERLAID} at most; escape goes back."
PICK_HELP = "Enter or a click shows its checkpoints, marks stay; escape goes back."


@dataclass(frozen=True, slots=True)
class SiblingRun:
    """A run in the same place."""

    folder: Path
    """Its folder."""
    differences: tuple[str, ...]
    """How its recipe differs from that of the run on the screen."""


def sibling_runs(folder: Path, recipe: Recipe) -> list[SiblingRun]:
    """The other runs in the place where a run is, the newest first."""
    found = []
    for path in reversed(all_runs(folder.parent)[-MAX_LISTED:]):
        with contextlib.suppress(BadInput, OSError):
            if path.absolute() != folder.absolute():
                found.append(SiblingRun(path, differences(recipe, read_recipe(path))))
    return found


def _prompt(folder: Path) -> str:
    """A run's name as markup."""
    return safe_text(folder.name, 60).replace("[", "\\[")


def _told(differences: Sequence[str]) -> str:
    return f"Differs: {', '.join(differences)}." if differences else "Its recipe is the same."


class RunChoice(Modal[tuple[Path, ...]]):
    """Asks which runs are to be drawn over this one; answers with their folders."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,o,q", "close", "Back", show=False)]

    def __init__(self, siblings: Sequence[SiblingRun], chosen: Collection[Path]) -> None:
        """Ask about these; some are chosen already."""
        super().__init__()
        self._siblings = siblings
        self._chosen = chosen

    def compose(self) -> ComposeResult:
        """Lay the question out."""
        with Vertical(classes="dialog"):
            yield Static("Runs over this one", classes="dialog-title")
            yield SelectionList[int](
                *((_prompt(one.folder), place, one.folder in self._chosen) for place, one in enumerate(self._siblings))
            )
            yield Static("", id="run-differences", markup=False)
            yield Static(HELP, classes="dialog-detail")

    def on_selection_list_selection_highlighted(self, event: SelectionList.SelectionHighlighted[int]) -> None:
        """Say how the recipe of the run under the cursor differs."""
        told = _told(self._siblings[event.selection.value].differences)
        self.query_one("#run-differences", Static).update(told)

    def on_selection_list_selection_toggled(self, event: SelectionList.SelectionToggled[int]) -> None:
        """Keep to as many as can be told apart."""
        if len(event.selection_list.selected) > MAX_OVERLAID:
            event.selection_list.deselect(event.selection)
            self.notify(f"{MAX_OVERLAID} runs at most can be told apart on a chart.")

    def action_close(self) -> None:
        """Answer with what is chosen now."""
        chosen = self.query_one(SelectionList).selected
        self.dismiss(tuple(one.folder for place, one in enumerate(self._siblings) if place in chosen))


class RunPick(Modal[Path | None]):
    """Asks whose checkpoints are to be shown; answers with the run's folder, or None when it is waved away."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("a,q", "dismiss", "Back", show=False)]

    def __init__(self, own: Path, siblings: Sequence[SiblingRun], shown: Path) -> None:
        """Ask about the run on the screen and those beside it; the cursor is on the one that is shown."""
        super().__init__()
        self._folders = [own, *(one.folder for one in siblings)]
        self._told = ["This is the run on the screen.", *(_told(one.differences) for one in siblings)]
        self._shown = shown

    def compose(self) -> ComposeResult:
        """Lay the question out."""
        with Vertical(classes="dialog"):
            yield Static("Whose checkpoints", classes="dialog-title")
            yield OptionList(*map(_prompt, self._folders))
            yield Static("", id="run-differences", markup=False)
            yield Static(PICK_HELP, classes="dialog-detail")

    def on_mount(self) -> None:
        """Begin with the run that is shown."""
        if self._shown in self._folders:
            self.query_one(OptionList).highlighted = self._folders.index(self._shown)

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Say how the recipe of the run under the cursor differs."""
        self.query_one("#run-differences", Static).update(self._told[event.option_index])

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Answer with the run."""
        self.dismiss(self._folders[event.option_index])
