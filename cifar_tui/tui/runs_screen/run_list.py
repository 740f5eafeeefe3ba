"""The list of runs, and what is known of the one under the cursor."""

from typing import ClassVar

from cifar_tui import text
from cifar_tui.report import run_summary
from cifar_tui.runs.find import run_argument
from cifar_tui.runs.overview import Overview
from cifar_tui.tui.runs_screen.run_rows import NAME_CELLS, STATES, RunRow
from cifar_tui.tui.widgets.row_list import Columns, RowList
from cifar_tui.tui.widgets.rows import Row, cut, cut_middle, fitted

STYLES = {
    "training": "list--good",
    "testing": "list--good",
    "paused": "list--warn",
    "finished": "list--accent",
    "failed": "list--bad",
    "killed": "list--bad",
    "no data": "list--bad",
}
"""The class of the stylesheet whose colour a state has."""
STYLE_OF_CELL = {" ".join(STATES[state]): style for state, style in STYLES.items()}
GAP = "  "


class RunList(RowList[RunRow]):
    """Rows of runs."""

    COLUMNS: ClassVar[Columns] = Columns(
        widths={
            "  Run": NAME_CELLS + 2,
            "State": 11,
            "Progress": 13,
            "Left": 10,
            "Best %": 7,
            "Last %": 7,
            "Preset": 9,
            "Data": 9,
            "Age": 6,
            "Size": 8,
            "Tags": 14,
            "Note": 10,
        },
        left=("  Run", "State", "Preset", "Data", "Tags", "Note"),
        least_needed=("Note", "Tags", "Data", "Preset", "Size", "Last %", "Age", "Left", "Best %"),
    )

    def style_of(self, value: str) -> str:
        """Return that of a state."""
        return STYLE_OF_CELL.get(value, "")


def detail_rows(row: RunRow, width: int) -> list[Row]:
    """Return what is known of a run: its name and accuracies, its recipe and folder, its tags and note."""
    one = row.overview
    pieces: list[Row] = [((cut_middle(text.safe_text(one.name), width), "value"),)]
    if one.best_accuracy is not None:
        pieces.append(((f"best {text.percent(one.best_accuracy)} in epoch {one.best_epoch}", ""),))
    if one.last_accuracy is not None:
        pieces.append(((f"last {text.percent(one.last_accuracy)}", ""),))
    recipe: list[Row] = [((one.recipe.preset, ""),), ((text.counted(one.recipe.epochs, "epoch"), ""),)]
    recipe += [((run_summary.ancestry(one.recipe), ""),)] if one.recipe.parent is not None else []
    recipe += [((f"data {text.safe_text(one.recipe.data, 60)}", ""),), ((_sizes(one), ""),)]
    recipe += [((run_argument(one.folder), "dim"),)]
    return [fitted(pieces, width, GAP), fitted(recipe, width, GAP), _tags_and_note(one, width)]


def _sizes(run: Overview) -> str:
    """Return a run's size, and that of its weights and states: `6.7 GB: weights 4.5 GB, states 2.1 GB`."""
    parts = {"weights": run.weights_size, "states": run.states_size}
    named = ", ".join(f"{name} {text.size(amount)}" for name, amount in parts.items() if amount)
    return f"{text.size(run.size)}: {named}" if named else text.size(run.size)


def _tags_and_note(run: Overview, width: int) -> Row:
    """Return a run's tags in at most half of the width, and its note; the keys for what it has not."""
    tags: Row = (("Tags  ", "label"), (cut(" ".join(run.tags), max(width // 2 - 6, 0)), ""), (GAP, ""))
    note: Row = (("Note  ", "label"), (text.safe_text(run.note, 500), ""))
    no_note: Row = (("No note: j writes one.", "dim"),)
    no_tags: Row = ((f"{GAP}No tags: T puts some on it.", "dim"),)
    if run.tags:
        return (*tags, *(note if run.note else no_note))
    return note if run.note else (*no_note, *no_tags)
