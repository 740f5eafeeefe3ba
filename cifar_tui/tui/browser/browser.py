"""The checkpoint browser: what runs have saved, and what an evaluation says of it. Reads sidecars only."""

from pathlib import Path

from textual.app import ComposeResult
from textual.containers import Container, Vertical

from cifar_tui.history.run_history import RunHistory
from cifar_tui.tui.browser.checkpoint_keys import CheckpointKeys
from cifar_tui.tui.browser.checkpoint_list import CheckpointList
from cifar_tui.tui.browser.checkpoint_view import Entry
from cifar_tui.tui.browser.filter_box import FilterBox
from cifar_tui.tui.browser.folder_watcher import Found
from cifar_tui.tui.browser.run_checkpoints import RunCheckpoints, marks_caption
from cifar_tui.tui.dialogs.run_choice import RunPick, sibling_runs
from cifar_tui.tui.evaluation.evaluation_panel import EvaluationPanel
from cifar_tui.tui.run_reader import RunLoaded, RunUpdated
from cifar_tui.tui.widgets.key_row import KeyRow
from cifar_tui.tui.widgets.rows import Rows
from cifar_tui.tui.widgets.status import Asked, StatusPanel

LIST_SECONDS = 2.0
"""How often the folder is looked at again while the browser is open."""


class Checkpoints(CheckpointKeys):
    """A run's checkpoints and the verdict on the one under the cursor; on request those of another run."""

    def __init__(self, history: RunHistory) -> None:
        """Show the checkpoints of a run with this history; nothing is read yet."""
        super().__init__()
        self._own_run = self.shown = RunCheckpoints(self.post_message)
        self._own_run.history = history
        self._others: dict[Path, RunCheckpoints] = {}
        """The other runs that were shown, by their folders; their marks stay."""

    def compose(self) -> ComposeResult:
        """Put the list and the verdict up."""
        yield StatusPanel()
        with Container(id="browser"):
            with Vertical(id="checkpoints"):
                yield FilterBox()
                yield CheckpointList()
            yield EvaluationPanel()
        yield KeyRow()

    def on_mount(self) -> None:
        """Take the keys."""
        self._list.border_title = self.shown.title(0)
        self._list.focus()
        # At once, so that the folder is read while the first frame is drawn.
        self._own_run.follow(self._own_run.history)
        self.set_interval(LIST_SECONDS, self.look)

    def on_unmount(self) -> None:
        """Look at no folder any more."""
        for run in self._runs:
            run.close()

    def on_screen_resume(self) -> None:
        """Ask to be shown what was said meanwhile."""
        self.post_message(Rows.Outdated())

    def show(self, history: RunHistory, asked: Asked | None) -> bool:
        """Put the history on the screen; look at the folder again when something was saved or deleted.

        Returns whether a part of it has to wait: never.
        """
        self.query_one(StatusPanel).show(history, asked)
        self._own_run.follow(history)
        self._show_words()
        return False

    @property
    def selected(self) -> Entry | None:
        """The checkpoint under the cursor."""
        return self._list.selected

    def marked(self) -> list[Path]:
        """The files of all that is marked, those of the run on the screen first."""
        return [file for run in self._runs for file in run.marked()]

    def on_found(self, message: Found) -> None:
        """Take in what was found in a folder."""
        for run in self._runs:
            if run.show_files(message) and run is self.shown:
                self.order()

    def on_run_loaded(self, message: RunLoaded) -> None:
        """Take in what another run has said."""
        self._apply_news(message)

    def on_run_updated(self, message: RunUpdated) -> None:
        """Take in what another run has said since."""
        self._apply_news(message)

    def on_checkpoint_list_moved(self) -> None:
        """Show the verdict on the checkpoint now under the cursor."""
        self._show_verdict()

    def on_checkpoint_list_chosen(self) -> None:
        """Open the verdict on enter and on a click on the row under the cursor; where there is none, evaluate."""
        if self.selected is not None and self.shown.find(self.selected.sidecar) is not None:
            self.action_open()
        else:
            self.action_evaluate()

    def on_checkpoint_list_head_clicked(self, message: CheckpointList.HeadClicked) -> None:
        """Sort by the column."""
        self.shown.view.sort_by(message.column)
        self.order()

    def on_input_changed(self, event: FilterBox.Changed) -> None:
        """Show only what matches the words."""
        self.shown.view.words = event.value
        self.order()

    def on_filter_box_left(self) -> None:
        """Give the list the keys."""
        self._list.focus()

    def action_filter(self) -> None:
        """Type words to filter by."""
        self.query_one(FilterBox).open()

    def action_next_column(self) -> None:
        """Sort by the next column that is in view."""
        self.shown.view.next_column(self._list.columns)
        self.order()

    def action_turn_round(self) -> None:
        """Sort the other way round."""
        self.shown.view.sort_by(self.shown.view.column)
        self.order()

    def action_choose_run(self) -> None:
        """Ask whose checkpoints are to be shown."""
        started, own = self._own_run.history.started, self._own_run.folder
        beside = sibling_runs(own, started.recipe) if started is not None and own is not None else []
        if own is not None and beside:
            self.app.push_screen(RunPick(own, beside, self.shown.folder or own), self._show_run)
        else:
            self.notify("There is no other run beside this one.")

    def look(self) -> None:
        """Look at the folder again, and show how old everything is by now."""
        self.shown.look()
        self._list.refresh()

    def order(self) -> None:
        """Put the list in order, with the signs that hold now."""
        entries, view = self.shown.entries(), self.shown.view
        self._list.border_title = self.shown.title(len(entries)).replace("[", "\\[")
        self._list.border_subtitle = marks_caption(self._runs, self._list.size.width - 2).replace("[", "\\[")
        self._list.show(entries, view.column, falling=view.falling)
        self._show_verdict()

    @property
    def _list(self) -> CheckpointList:
        return self.query_one(CheckpointList)

    @property
    def _runs(self) -> list[RunCheckpoints]:
        """The run on the screen, and the others that were shown."""
        return [self._own_run, *self._others.values()]

    def _show_run(self, folder: Path | None) -> None:
        """Show a run's checkpoints, in the order and with the filter of those in view."""
        if folder is None or folder == self.shown.folder:
            return
        before, self.shown = self.shown, self._run_in(folder)
        before.leave()
        view = self.shown.view
        view.words, view.column, view.falling = before.view.words, before.view.column, before.view.falling
        self.shown.open()
        self.order()

    def _run_in(self, folder: Path) -> RunCheckpoints:
        if folder == self._own_run.folder:
            return self._own_run
        return self._others.setdefault(folder, RunCheckpoints(self.post_message, folder))

    def _apply_news(self, message: RunLoaded | RunUpdated) -> None:
        if self.shown.show_news(message):
            self._show_words()

    def _show_words(self) -> None:
        """Show what follows from what the run in view has said."""
        if self.shown.outdated:
            self.order()
        self._show_verdict()

    def _show_verdict(self) -> None:
        """Put what is known on the panel."""
        selected = self.selected
        self.query_one(EvaluationPanel).show(
            selected.name if selected is not None else "",
            self.shown.find(selected.sidecar) if selected is not None else None,
            self.shown.history,
            filtered=bool(self.shown.view.words),
            read_only=self.shown.is_other,
        )
