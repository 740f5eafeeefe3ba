"""The screen of one evaluation: its confusion matrix, its confused pairs, its classes."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from cifar_tui import text
from cifar_tui.checkpoint_events import MOST_DENSE
from cifar_tui.tui import common_keys
from cifar_tui.tui.evaluation.confusion_matrix import ConfusionMatrix
from cifar_tui.tui.evaluation.evaluation_finder import FoundEvaluation
from cifar_tui.tui.evaluation.evaluation_rows import age_rows, extreme_rows, number_pieces
from cifar_tui.tui.evaluation.list_pages import ClassesPage, ListPage, PairsPage
from cifar_tui.tui.evaluation.matrix_page import MatrixPage
from cifar_tui.tui.evaluation.misclassified import MisclassifiedScreen
from cifar_tui.tui.evaluation.shown_evaluation import Cell, shown_evaluation
from cifar_tui.tui.sized_screen import SizedScreen
from cifar_tui.tui.widgets.key_row import KeyRow
from cifar_tui.tui.widgets.row_list import RowList
from cifar_tui.tui.widgets.rows import Row, Rows, cut, fitted

Page = MatrixPage | PairsPage | ClassesPage
PAGES: tuple[type[Page], ...] = (MatrixPage, PairsPage, ClassesPage)
"""The pages that v goes through."""
OF_THE_MATRIX = ("toggle_shares", "move", "show_cell")
OF_A_LIST = ("filter", "sort")


class EvaluationScreen(SizedScreen[None]):
    """One evaluation, as it was when the screen was opened; a page is made when it is first shown."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", key_display="esc", tooltip="Show all again; then back to the checkpoints"),
        Binding(
            "enter", "show_cell", "Images of the cell", key_display="enter", tooltip="All images of the selected cell"
        ),
        Binding("i", "show_all", "Images", tooltip="All test images that were predicted as another class"),
        Binding("v", "next_view", "View", tooltip="The confusion matrix, the confused pairs, or the classes"),
        Binding("V", "next_view(-1)", "Previous view", show=False, tooltip="The previous one of these"),
        Binding("slash", "filter", "Filter", key_display="/", tooltip="Show only classes with the names that you type"),
        Binding("n", "sort(True)", "Sort", show=False, tooltip="Sort by the next column"),
        Binding("N", "sort(False)", "Reverse", show=False, tooltip="Reverse the order"),
        Binding("greater_than_sign", "next_pair(1)", "Next pair", key_display=">", tooltip="The next confused pair"),
        Binding(
            "less_than_sign",
            "next_pair(-1)",
            "Previous pair",
            show=False,
            key_display="<",
            tooltip="The previous confused pair",
        ),
        Binding(
            "percent_sign", "toggle_shares", "Per cent", key_display="%", tooltip="Per cent of the class, or images"
        ),
        Binding("left", "move(0, -1)", "Left", show=False, tooltip="Move through the matrix (all arrows)"),
        Binding("right", "move(0, 1)", "Right", show=False),
        Binding("up", "move(-1, 0)", "Up", show=False),
        Binding("down", "move(1, 0)", "Down", show=False),
        *common_keys.BEFORE,
        *common_keys.AFTER,
    ]

    def __init__(self, found: FoundEvaluation, run: str) -> None:
        """Show an evaluation of a run's checkpoint; the cursor is on the most confused pair."""
        super().__init__()
        self._found = found
        checkpoint = text.safe_text(found.result.checkpoint, 40)
        self._title = f"{run} · {checkpoint}" if run else checkpoint
        self._shown = shown_evaluation(found)
        self._many = self._shown.confusion.classes > MOST_DENSE
        self._page: Page = (PairsPage if self._many else MatrixPage)(self._shown)
        self._pages: dict[type[Page], Page] = {type(self._page): self._page}
        self._head = Rows(id="verdict-head", classes="head")
        self._cell = Rows(id="cell")

    def compose(self) -> ComposeResult:
        """Lay out the page that is shown first."""
        yield self._head
        yield self._page
        yield self._cell
        yield KeyRow()

    def on_mount(self) -> None:
        """Give the page the keys."""
        self._head.styles.height = 4 if self._many else 2
        self._page.take_keys(self._shown.first_cell)

    def on_rows_outdated(self, message: Rows.Outdated) -> None:
        """Draw everything for the new size."""
        message.stop()
        self._show()

    def on_screen_resume(self) -> None:
        """Draw for a size that may have changed behind another screen."""
        self._show()

    @on(ConfusionMatrix.Moved)
    @on(RowList.Moved)
    @on(ListPage.Listed)
    def _describe(self) -> None:
        """Describe what is now under the cursor."""
        self._show_cell()
        if isinstance(self._page, MatrixPage):
            self._page.show_pairs()
        else:
            self._page.show()

    @on(ConfusionMatrix.Chosen)
    def action_show_cell(self) -> None:
        """Show the images of the cell under the cursor."""
        self._show_images(self._page.cell)

    @on(RowList.Chosen)
    def _show_row(self) -> None:
        """Show the images of a pair, or the wrong ones of a class."""
        if isinstance(self._page, ListPage) and self._page.selected is not None:
            label, predicted = self._page.cell
            self._show_images((label, None if isinstance(self._page, ClassesPage) else predicted))

    def check_action(self, action: str, _parameters: tuple[object, ...], /) -> bool | None:
        """Return False for an action that does nothing on the page in view."""
        if isinstance(self._page, MatrixPage):
            return action not in OF_A_LIST
        return action not in OF_THE_MATRIX and (action != "next_pair" or isinstance(self._page, PairsPage))

    def action_back(self) -> None:
        """Show all rows again, or return to the checkpoints."""
        if not (isinstance(self._page, ListPage) and self._page.filtered.clear_filter()):
            self.app.pop_screen()

    async def action_next_view(self, by: int = 1) -> None:
        """Show the next page, or the previous, with the cursor on the same cell."""
        kind, cell = PAGES[(PAGES.index(type(self._page)) + by) % len(PAGES)], self._page.cell
        self._page.display = False
        if kind not in self._pages:
            self._pages[kind] = kind(self._shown)
            await self.mount(self._pages[kind], before=self._cell)
        self._page = self._pages[kind]
        self._page.display = True
        self._page.take_keys(cell)
        self._show()
        self.refresh_bindings()

    def action_filter(self) -> None:
        """Type names to filter by."""
        if isinstance(self._page, ListPage):
            self._page.filtered.filter()

    def action_sort(self, next_column: bool) -> None:
        """Sort by the next column in view, or by the same one the other way round."""
        if isinstance(self._page, ListPage):
            self._page.filtered.sort(next_column=next_column)

    def action_move(self, down: int, right: int) -> None:
        """Move over the matrix."""
        if isinstance(self._page, MatrixPage):
            self._page.matrix.move(down, right)

    def action_show_all(self) -> None:
        """Show the wrong images."""
        self._show_images((None, None))

    def action_next_pair(self, by: int) -> None:
        """Go to the next of the most confused pairs, or the previous one; the first follows the last."""
        pairs = self._shown.confusion.pairs
        if isinstance(self._page, PairsPage):
            self._page.filtered.rows.go_round(by)
        elif isinstance(self._page, MatrixPage) and pairs:
            place = self._shown.places.get(self._page.cell)
            pair = pairs[min(by, 0) if place is None else (place + by) % len(pairs)]
            self._page.matrix.move_to((pair.label, pair.predicted))

    def action_toggle_shares(self) -> None:
        """Show per cent instead of images, or images again."""
        if isinstance(self._page, MatrixPage):
            self._page.matrix.toggle_shares()

    def _show_images(self, cell: Cell | tuple[int | None, int | None]) -> None:
        self.app.push_screen(MisclassifiedScreen(self._found, self._title, *cell))

    def _show(self) -> None:
        width = self._head.size.width
        title: Row = ((cut(self._title, width), "accent"),)
        rows = [fitted([title, *number_pieces(self._found.result)], width), *age_rows(self._found, width)]
        self._head.set_rows([*rows, *(extreme_rows(self._shown, width) if self._many else [])])
        self._page.lay_out()
        self._page.show()
        self._show_cell()

    def _show_cell(self) -> None:
        """Describe what is under the cursor."""
        self._cell.set_rows(self._page.cell_rows(self._cell.size.width))
