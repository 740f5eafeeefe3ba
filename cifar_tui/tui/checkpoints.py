"""The checkpoint browser: what a run has saved, and what an evaluation says of it. Reads sidecars only."""

import time
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.message import Message
from textual.screen import Screen
from textual.widgets import DataTable, Footer

from cifar_tui import text
from cifar_tui.events import EvaluationProgressed
from cifar_tui.history import RunHistory
from cifar_tui.runs.sidecars import Sidecar, list_sidecars
from cifar_tui.tui import keys
from cifar_tui.tui.found_verdict import FoundVerdict, VerdictFinder
from cifar_tui.tui.verdict import VerdictScreen
from cifar_tui.tui.widgets.epoch_table import BEST_SIGN
from cifar_tui.tui.widgets.rows import Row, Rows
from cifar_tui.tui.widgets.status import Asked, StatusPanel
from cifar_tui.tui.widgets.verdict_rows import failure_rows, progress_rows, verdict_rows, wrapped

COLUMNS = ("Epoch", "Step", "Acc %", "Test %", "Size", "Saved", "File")
MARK_SIGN = "✓"
LIST_SECONDS = 2.0
"""How often the folder is looked at again while the browser is open."""


class Checkpoints(Screen[None]):
    """A run's checkpoints and the verdict on the one under the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c,escape", "app.pop_screen", "Back", key_display="c", tooltip="Back to the charts"),
        Binding("e", "evaluate", "Evaluate", tooltip="Measure the checkpoint under the cursor"),
        Binding("o,enter", "open", "Open", key_display="o", tooltip="Open its verdict; enter does, too"),
        Binding("x", "cancel", "Give up", tooltip="Give up the evaluation under way"),
        Binding("b", "branch", "New run", tooltip="Start a new run from the checkpoint under the cursor"),
        Binding("space", "mark", "Mark", show=False, tooltip="Mark the checkpoint under the cursor, or no longer"),
        Binding("v", "compare", "Compare", tooltip="Compare the marked checkpoints, image by image"),
        *keys.BEFORE,
        *keys.AFTER,
    ]

    class EvaluationAsked(Message):
        """A person wants a checkpoint measured."""

        def __init__(self, checkpoint: str) -> None:
            """Name the checkpoint's file."""
            super().__init__()
            self.checkpoint = checkpoint

    class CancellationAsked(Message):
        """A person gives the evaluation up."""

    class ComparisonAsked(Message):
        """A person wants the marked checkpoints compared."""

        def __init__(self, folder: Path, sidecars: list[Sidecar]) -> None:
            """Say which, in the folder of their run."""
            super().__init__()
            self.folder = folder
            self.sidecars = sidecars

    class BranchAsked(Message):
        """A person wants a new run from a checkpoint."""

        def __init__(self, folder: Path, sidecar: Sidecar) -> None:
            """Say which, in the folder of its run."""
            super().__init__()
            self.folder = folder
            self.sidecar = sidecar

    def __init__(self) -> None:
        """Show nothing yet."""
        super().__init__()
        self._folder: Path | None = None
        self._sidecars: list[Sidecar] = []
        self._listed_at = 0.0
        self._saved = -1
        self._finder = VerdictFinder()
        self._marked: set[str] = set()
        self._history = RunHistory()

    def compose(self) -> ComposeResult:
        """Put the list and the verdict up."""
        yield StatusPanel()
        with Container(id="browser"):
            table: DataTable[str] = DataTable(id="checkpoint-list", classes="panel", cursor_type="row")
            table.border_title = "Checkpoints"
            yield table
            verdict = Rows(id="verdict", classes="panel")
            verdict.border_title = "Evaluation"
            yield verdict
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Add the columns."""
        table = self.query_one(DataTable)
        for name in COLUMNS:
            table.add_column(name, key=name)
        table.focus()
        self.set_interval(LIST_SECONDS, self._look_again)

    def on_screen_resume(self) -> None:
        """Ask to be shown what was said meanwhile."""
        self._look_again()

    def show(self, history: RunHistory, asked: Asked | None) -> bool:
        """Put the history on the screen; list the folder again when something was saved, and now and then.

        Returns whether a part of it has to wait: never.
        """
        self._history = history
        self.query_one(StatusPanel).show(history, asked)
        if history.started is not None:
            self._folder = Path(history.started.folder)
        now = time.monotonic()
        if self._folder is not None and (
            len(history.checkpoints) != self._saved or now - self._listed_at > LIST_SECONDS
        ):
            self._saved, self._listed_at = len(history.checkpoints), now
            self._list(self._folder, history)
        self._show_verdict(history)
        return False

    @property
    def selected(self) -> Sidecar | None:
        """The checkpoint under the cursor."""
        row = self.query_one(DataTable).cursor_row
        return self._sidecars[row] if 0 <= row < len(self._sidecars) else None

    def on_data_table_row_highlighted(self) -> None:
        """Show the verdict on the checkpoint now under the cursor."""
        self._look_again()

    def on_data_table_row_selected(self, _event: DataTable.RowSelected) -> None:
        """Open the verdict on enter and on a click on the row under the cursor; where there is none, evaluate."""
        if self._find() is not None:
            self.action_open()
        else:
            self.action_evaluate()

    def action_open(self) -> None:
        """Open the verdict on the checkpoint under the cursor."""
        found = self._find()
        if found is not None:
            self.app.push_screen(VerdictScreen(found))
        elif self.selected is not None:
            self.notify("There is no verdict yet: e measures this checkpoint.")

    def action_evaluate(self) -> None:
        """Ask for the checkpoint under the cursor to be measured."""
        if self.selected is not None:
            self.post_message(self.EvaluationAsked(self.selected.checkpoint))

    def action_cancel(self) -> None:
        """Ask for the evaluation under way to be given up."""
        self.post_message(self.CancellationAsked())

    def action_mark(self) -> None:
        """Mark the checkpoint under the cursor for a comparison, or take the mark away."""
        if self.selected is not None and self._folder is not None:
            self._marked ^= {self.selected.checkpoint}
            self._list(self._folder, self._history)

    def action_compare(self) -> None:
        """Ask for the marked checkpoints to be compared."""
        marked = [one for one in self._sidecars if one.checkpoint in self._marked]
        if self._folder is not None:
            self.post_message(self.ComparisonAsked(self._folder, marked))

    def action_branch(self) -> None:
        """Ask for a new run from the checkpoint under the cursor."""
        if self.selected is not None and self._folder is not None:
            self.post_message(self.BranchAsked(self._folder, self.selected))

    def _look_again(self) -> None:
        self.post_message(Rows.Outdated())

    def _list(self, folder: Path, history: RunHistory) -> None:
        table = self.query_one(DataTable)
        sidecars = list_sidecars(folder)
        same = [one.checkpoint for one in sidecars] == [one.checkpoint for one in self._sidecars]
        at_end = table.cursor_row >= len(self._sidecars) - 1
        self._sidecars = sidecars
        if not same:
            table.clear()
            for sidecar in sidecars:
                table.add_row(
                    *_cells(sidecar, folder, history, sidecar.checkpoint in self._marked), key=sidecar.checkpoint
                )
            if at_end:
                table.move_cursor(row=len(sidecars) - 1, scroll=True)
            return
        for sidecar in sidecars:
            for column, cell in zip(
                COLUMNS, _cells(sidecar, folder, history, sidecar.checkpoint in self._marked), strict=True
            ):
                if table.get_cell(sidecar.checkpoint, column) != cell:
                    table.update_cell(sidecar.checkpoint, column, cell, update_width=True)

    def _find(self) -> FoundVerdict | None:
        """What is known of the checkpoint under the cursor."""
        selected = self.selected
        if selected is None or self._folder is None:
            return None
        return self._finder.find(self._folder, selected, self._history)

    def _show_verdict(self, history: RunHistory) -> None:
        """Put what is known on the panel."""
        panel, found = self.query_one("#verdict", Rows), self._find()
        panel.border_subtitle = "enter opens it" if found is not None else ""
        panel.set_rows(self._rows_on(found, history, panel.size.width, panel.size.height))

    def _rows_on(self, found: FoundVerdict | None, history: RunHistory, width: int, height: int) -> list[Row]:
        selected = self.selected
        if selected is None:
            return wrapped("No checkpoint yet: the first comes after the first epoch.", width, "dim")
        name = selected.checkpoint
        if history.evaluation is not None and history.evaluation.checkpoint == name:
            done = history.evaluation.done if isinstance(history.evaluation, EvaluationProgressed) else 0
            return progress_rows(name, done, history.evaluation.images, width)
        if name in history.failed_evaluations:
            failure = history.failed_evaluations[name]
            return failure_rows(failure.reason, failure.damaged, width)
        if found is not None:
            return verdict_rows(found, width, height)
        return [
            *wrapped(f"{name} is not evaluated yet.", width, "dim"),
            (("Press ", "dim"), ("e", "accent"), (" to measure it on the test images.", "dim")),
        ]


def _cells(sidecar: Sidecar, folder: Path, history: RunHistory, marked: bool) -> tuple[str, ...]:
    best = history.best is not None and history.best.step == sidecar.step
    return (
        f"{sidecar.epoch:>3}{f' {BEST_SIGN}' if best else ''}{f' {MARK_SIGN}' if marked else ''}",
        f"{sidecar.step:>6,}",
        _share(sidecar.train_accuracy),
        _share(sidecar.test_accuracy),
        _size(sidecar, folder),
        text.age(time.time() - sidecar.saved_at),
        _file(sidecar, history),
    )


def _share(share: float | None) -> str:
    return text.percent_number(share) if share is not None else "–"


def _size(sidecar: Sidecar, folder: Path) -> str:
    try:
        there = (folder / sidecar.checkpoint).stat().st_size
    except OSError:
        return "missing"
    return text.size(there) if there == sidecar.size else "damaged"


def _file(sidecar: Sidecar, history: RunHistory) -> str:
    failure = history.failed_evaluations.get(sidecar.checkpoint)
    return f"{sidecar.checkpoint} damaged" if failure is not None and failure.damaged else sidecar.checkpoint
