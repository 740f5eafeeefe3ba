"""The screen that compares runs: a table of settings, and a chart of accuracy against what was swept."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from cifar_tui import text
from cifar_tui.report import results_text
from cifar_tui.report.baseline import setting_label
from cifar_tui.report.choices import Choices
from cifar_tui.report.results import By, ResultRow, Results, compare_runs, with_baseline
from cifar_tui.runs.overview import Overview
from cifar_tui.tui import common_keys
from cifar_tui.tui.results.results_chart import ResultsChart
from cifar_tui.tui.results.setting_list import SettingList, SettingRow, columns_of, order_of
from cifar_tui.tui.sized_screen import SizedScreen
from cifar_tui.tui.widgets.epoch_table import BEST_SIGN
from cifar_tui.tui.widgets.filtered_list import FilteredList
from cifar_tui.tui.widgets.key_row import KeyRow
from cifar_tui.tui.widgets.row_list import RowList
from cifar_tui.tui.widgets.rows import Row, Rows, cut_middle, fitted

FRAME_ROWS = 3
"""Rows of the list beside its settings: the frame's and the head."""
GAP = "  "


class ResultsScreen(SizedScreen[None]):
    """Runs compared by what differs between them; it follows them while it is in view."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Open", tooltip="Open the best run of this setting"),
        Binding("escape", "back", "Back", key_display="esc", tooltip="Clear the filter; then back to all runs"),
        Binding("slash", "filter", "Filter", key_display="/", tooltip="Show only settings that match what you type"),
        Binding("B", "baseline", "Baseline", tooltip="Compare the other settings with this one"),
        Binding("E", "epoch", "Epoch", tooltip="Count each run's best epoch in place of the last, or the last again"),
        Binding("n", "sort(True)", "Sort", show=False, tooltip="Sort by the next column"),
        Binding("N", "sort(False)", "Reverse", show=False, tooltip="Reverse the order"),
        *common_keys.OF_THE_PROGRAM,
    ]

    def __init__(
        self,
        runs: Callable[[], Sequence[Overview]],
        look: Callable[[], None],
        open_run: Callable[[Path], object],
        look_seconds: float,
        marker: str,
    ) -> None:
        """Compare what `runs` returns; `look` has it read again, every `look_seconds`."""
        super().__init__()
        self._runs = runs
        self._look = look
        self._open_run = open_run
        self._look_seconds = look_seconds
        self._compared: list[Overview] = list(runs())
        self._by: By = "last"
        self._baseline: Choices | None = None
        self._results = compare_runs(self._compared)
        self._order = order_of(self._results)
        self._rows = SettingList(id="setting-list")
        self._list = FilteredList(self._rows, self._order, "choices, names of runs, best, baseline")
        self._chart = ResultsChart(marker, id="results-chart")
        self._detail = Rows(id="setting-detail")

    def compose(self) -> ComposeResult:
        """Put the table above the chart, and what is known of the setting under the cursor below."""
        yield self._list
        yield self._chart
        yield self._detail
        yield KeyRow()

    def on_mount(self) -> None:
        """Show the runs as they are, and follow them."""
        self._show()
        self.set_interval(self._look_seconds, self._look_again)

    def action_back(self) -> None:
        """Return to all runs."""
        if not self._list.clear_filter():
            self.app.pop_screen()

    def action_filter(self) -> None:
        """Type words to filter by."""
        self._list.filter()

    def action_sort(self, next_column: bool) -> None:
        """Sort by the next column in view, or by the same one the other way round."""
        self._list.sort(next_column=next_column)

    def action_baseline(self) -> None:
        """Compare with the setting under the cursor."""
        if self._rows.selected is None:
            return
        if not self._rows.selected.row.runs:
            self.notify("No run of this setting has finished: there is nothing to compare with.", severity="warning")
            return
        self._baseline = self._rows.selected.row.choices
        self._compare()

    def action_epoch(self) -> None:
        """Count the best epoch of each run, or the last one."""
        self._by = "best" if self._by == "last" else "last"
        self._compare()

    def action_open(self) -> None:
        """Open the best run of the setting under the cursor, or one that has not finished."""
        if self._rows.selected is None:
            return
        row = self._rows.selected.row
        best = max(row.runs, key=lambda one: one.accuracy, default=None)
        name = best.name if best is not None else row.unfinished[0].name
        self._open_run(next(one.folder for one in self._compared if one.name == name))

    @on(RowList.Chosen)
    def _open(self) -> None:
        self.action_open()

    @on(FilteredList.Reordered)
    def _show(self) -> None:
        """Show table, chart and detail as they are now."""
        results = self._results
        self._rows.plan = columns_of(results)
        in_view = self._list.show(SettingRow(row, results) for row in results.rows)
        self._list.styles.max_height = len(results.rows) + FRAME_ROWS + 1
        if results.rows:
            shown = f"{in_view} of " if in_view < len(results.rows) else ""
            self._list.name_list(f"Results: {shown}{results_text.title(results)}", _choice_text(results))
        self._chart.show(results)
        self._show_detail()

    @on(RowList.Moved)
    def _show_detail(self) -> None:
        self._detail.set_rows(self._detail_rows(self._detail.size.width))

    @on(Rows.Outdated)
    def _draw_again(self) -> None:
        self._chart.show(self._results)
        self._show_detail()

    def _look_again(self) -> None:
        if self.is_active:
            self._look()
            if list(self._runs()) != self._compared:
                self._compared = list(self._runs())
                self._compare()

    def _compare(self) -> None:
        """Compare the runs again, with the same baseline and in the same order where that is possible."""
        before = self._results
        self._results = compare_runs(self._compared, self._by)
        baseline = next((row for row in self._results.rows if row.choices == self._baseline and row.runs), None)
        if baseline is not None:
            self._results = with_baseline(self._results, baseline)
        order = order_of(self._results)
        self._order.keys = order.keys
        if before.fields != self._results.fields or self._order.column not in order.keys:
            self._order.column, self._order.falling = order.column, order.falling
        self._show()

    def _detail_rows(self, width: int) -> list[Row]:
        if not self._results.rows:
            return [(("There are no runs to compare.", ""),), (("Escape goes back.", "dim"),)]
        if self._rows.selected is None:
            return [(("No setting matches.", ""),), (("Escape shows all of them again.", "dim"),)]
        row = self._rows.selected.row
        seeds: list[Row] = [
            ((f"seed {seed} ", "label"), (text.percent(value), "")) for seed, value in row.accuracy.by_seed.items()
        ]
        return [
            _setting_row(row, width),
            fitted([*seeds, *_test_pieces(self._results, row)], width, GAP)
            if seeds
            else (("No run has finished.", ""),),
            fitted(_unfinished_pieces(row), width, GAP),
            fitted(_baseline_pieces(self._results, row), width, GAP),
        ]


def _choice_text(results: Results) -> str:
    """Return how the best setting was chosen, and with it the epochs."""
    images = "held-out" if results.measure == "validation" else "test"
    epochs = "epochs and " if results.by == "best" else ""
    return f"{epochs}{BEST_SIGN} best chosen by the {images} images"


def _setting_row(row: ResultRow, width: int) -> Row:
    """Return a setting with its accuracy and difference, which a narrow table has no room for."""
    numbers = f"{results_text.average_text(row.accuracy)} %" if row.runs else ""
    gap = results_text.difference_text(row) if row.difference is not None or row.is_baseline else ""
    pieces: list[Row] = [((cut_middle(setting_label(row), width), "value"),)]
    return fitted([*pieces, *(((piece, ""),) for piece in (gap, numbers) if piece)], width, GAP)


def _test_pieces(results: Results, row: ResultRow) -> list[Row]:
    if results.measure == "test":
        return []
    return [(("test ", "label"), (f"{results_text.average_text(row.test_accuracy)} %", ""))]


def _unfinished_pieces(row: ResultRow) -> list[Row]:
    """Return the runs that are not averaged, as many as fit."""
    if not row.unfinished:
        return [(("All of its runs have finished.", "dim"),)]
    names = [f"{text.safe_text(one.name, 40)} ({one.state}, {one.epoch}/{one.recipe.epochs})" for one in row.unfinished]
    return [((f"not averaged: {len(names)}", "warn"),), *[((name, ""),) for name in names]]


def _baseline_pieces(results: Results, row: ResultRow) -> list[Row]:
    """Return the baseline, and the test that this setting's interval is from."""
    baseline = results.baseline
    if baseline is None:
        return []
    why = {"preset": " (the preset's own)", "first": " (the first)", "": ""}[results.default_baseline]
    pieces: list[Row] = [(("baseline ", "label"), (f"{setting_label(baseline)}{why}", ""))]
    gap = row.difference
    if gap is not None and gap.half_width is not None:
        method = "paired t" if gap.method == "paired" else "Welch's t"
        pieces.append(((f"95 % interval: {method}", "dim"),))
    elif gap is None and not row.is_baseline and row.runs:
        pieces.append((("other images: not compared", "warn"),))
    return pieces
