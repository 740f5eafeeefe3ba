"""The actions on runs: open, overlay, compare, resume and branch them, and those that change what is on disk."""

from collections.abc import Callable, Sequence
from pathlib import Path

from textual.app import App

from cifar_tui.checkpoint_events import MOST_COMPARED
from cifar_tui.errors import BadInput
from cifar_tui.jobs.session import CurrentJobs
from cifar_tui.runs.checkpoints.sidecars import Sidecar, list_sidecars
from cifar_tui.runs.find import run_argument
from cifar_tui.runs.overview import Overview
from cifar_tui.system.invocation import command_line
from cifar_tui.text import safe_text
from cifar_tui.tui.charts.overlay import MAX_OVERLAID
from cifar_tui.tui.dialogs.branch import BranchChoice, BranchQuestion
from cifar_tui.tui.followed_run import TRAINING_HERE, FollowedRun
from cifar_tui.tui.run_start import RunStarter
from cifar_tui.tui.runs_screen.changes import ListingScreen, RunChanges
from cifar_tui.tui.runs_screen.run_rows import RunRow

Open = Callable[[Path, Sequence[Path]], bool]
Compare = Callable[[list[Path]], None]


class RunListActions:
    """Does what a key names with the run under the cursor."""

    def __init__(
        self,
        app: App[int],
        jobs: CurrentJobs,
        followed: FollowedRun,
        starter: RunStarter,
        compare: Compare,
        open_run: Open,
    ) -> None:
        """Act for `app`; `open_run` has a run followed on the dashboard, with others drawn over it."""
        self._app = app
        self._jobs = jobs
        self._followed = followed
        self._starter = starter
        self._compare_checkpoints = compare
        self._open_run = open_run
        self._changes = RunChanges(app, followed)

    def run(self, action: str, row: RunRow, screen: ListingScreen) -> None:
        """Do what a binding names with a run."""
        match action:
            case "open":
                self._open_run(row.folder, ())
            case "overlay":
                self._overlay(row, screen)
            case "compare":
                self._compare(screen.runs.marked_overviews())
            case "resume":
                self._resume(row)
            case "branch":
                self._branch(row)
            case _:
                self._changes.run(action, row, screen)

    def _overlay(self, row: RunRow, screen: ListingScreen) -> None:
        others = [one.folder for one in screen.runs.marked_overviews() if one.folder != row.folder]
        if not 1 <= len(others) <= MAX_OVERLAID:
            self._refuse(f"Mark 1 to {MAX_OVERLAID} other runs with space: o opens this one with those drawn over it.")
        else:
            self._open_run(row.folder, others)

    def _compare(self, marked: list[Overview]) -> None:
        if not 2 <= len(marked) <= MOST_COMPARED:
            self._refuse(f"Mark 2 to {MOST_COMPARED} runs with space, then C compares their best checkpoints.")
            return
        try:
            weights = [_best_checkpoint(one) for one in marked]
        except BadInput as error:
            self._refuse(str(error))
        else:
            self._compare_checkpoints(weights)

    def _resume(self, row: RunRow) -> None:
        if row.trains:
            self._refuse(f"{_name(row)} has not ended: enter opens it, p there pauses and resumes it.")
        elif row.overview.state == "finished":
            again = f"train --resume {run_argument(row.folder)} --epochs {row.overview.recipe.epochs + 10}"
            self._refuse(f"{_name(row)} has finished. For more epochs, type: {command_line(again)}")
        elif self._is_free() and self._open_run(row.folder, ()):
            self._starter.resume()

    def _branch(self, row: RunRow) -> None:
        checkpoints = _checkpoints(row.folder)
        if row.trains:
            branch = command_line(f"train --from {run_argument(row.folder)}")
            self._refuse(f"{_name(row)} is training. In another terminal, type: {branch}")
            return
        if not checkpoints:
            self._refuse(f"{_name(row)} has no checkpoint to start from.")
            return
        if not self._is_free():
            return
        newest = checkpoints[-1].checkpoint

        def answered(choice: BranchChoice | None) -> None:
            if choice is not None and self._open_run(row.folder, ()):
                epochs, rate = choice.epochs, choice.learning_rate
                self._starter.start(lambda: self._jobs.current.branch(newest, epochs, rate))

        self._app.push_screen(BranchQuestion(f"{row.name}, {newest}", row.overview.recipe), answered)

    def _is_free(self) -> bool:
        """Return True if a run can start in this process; where it cannot, say why."""
        here = self._followed.connection
        if self._followed.training_beside or (here is not None and not here.elsewhere and not here.ended):
            self._refuse(TRAINING_HERE)
            return False
        return True

    def _refuse(self, sentence: str) -> None:
        self._app.notify(sentence, severity="warning", markup=False)


def _name(row: RunRow) -> str:
    return safe_text(row.name, 60)


def _checkpoints(folder: Path) -> list[Sidecar]:
    """Return the checkpoints whose weights are there, the oldest first."""
    return [one for one in list_sidecars(folder) if (folder / one.checkpoint).is_file()]


def _best_checkpoint(run: Overview) -> Path:
    """Return a run's best checkpoint, else its newest. Raises BadInput where it has none."""
    checkpoints = _checkpoints(run.folder)
    if not checkpoints:
        raise BadInput(f"{safe_text(run.name, 60)} has no checkpoint to compare.")
    best = next((one for one in checkpoints if one.epoch == run.best_epoch), checkpoints[-1])
    return run.folder / best.checkpoint
