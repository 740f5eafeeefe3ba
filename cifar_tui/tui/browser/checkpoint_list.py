"""The list of checkpoints."""

from typing import ClassVar

from cifar_tui.tui.browser.checkpoint_view import PIN_SIGN, Entry
from cifar_tui.tui.widgets.row_list import Columns, RowList


class CheckpointList(RowList[Entry]):
    """Rows of checkpoints."""

    COLUMNS: ClassVar[Columns] = Columns(
        widths={"Epoch": 6, "Step": 7, "Acc %": 6, "Test %": 7, "Size": 7, "Saved": 10, PIN_SIGN: 2, "File": 12},
        left=("Saved", PIN_SIGN, "File"),
        least_needed=("Saved", "Acc %", "Step", "Size", PIN_SIGN),
    )

    def style_of(self, value: str) -> str:
        """Return that of what is missing or damaged."""
        return "list--bad" if value in ("missing", "damaged") else ""
