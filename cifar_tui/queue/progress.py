"""The state of a job's run, by its folder."""

import time
from pathlib import Path
from typing import Literal

from cifar_tui import text
from cifar_tui.dataclass import dataclass
from cifar_tui.events import Noted, RunStopped
from cifar_tui.files.run_files import journal_path, recipe_path
from cifar_tui.history.run_history import RunHistory
from cifar_tui.report import run_summary
from cifar_tui.runs.lock import is_being_trained
from cifar_tui.runs.overview import read_brief_history

ENDING_SECONDS = 10.0
"""Time after a run's last event in which its process may still be about to end."""
STOPPED_BY = "Stopped by "
"""Begins the note on the person who has stopped a run."""


@dataclass(frozen=True, slots=True)
class RunProgress:
    """A job's run now."""

    state: Literal["absent", "running", "finished", "stopped", "failed", "interrupted"]
    """`stopped` by a person; `interrupted` where it was killed, or ended by a signal, and its job is not done."""
    text: str = ""
    """Its progress, its result, or the reason of its failure."""


def run_progress(folder: Path) -> RunProgress:
    """Look at the run in a folder. Raises OSError where it cannot be read."""
    live = is_being_trained(folder)
    if not recipe_path(folder).is_file():
        return RunProgress("running", "starting") if live else RunProgress("absent")
    try:
        history, changed = read_brief_history(folder), journal_path(folder).stat().st_mtime
    except FileNotFoundError:  # it has only just been made
        history, changed = RunHistory(), time.time()
    if live and (history.live or time.time() - changed < ENDING_SECONDS):
        return RunProgress("running", _progress(history))
    match history.state:
        case "finished":
            return RunProgress("finished", _result(history))
        case "failed" | "no data":
            return RunProgress("failed", run_summary.outcome(history))
        case "stopped" if _stopped_by_person(history):
            return RunProgress("stopped", run_summary.outcome(history))
    return RunProgress("interrupted", "its process was ended")


class RunWatch:
    """Looks at a run again and again, and reads its journal only where that can tell something new."""

    def __init__(self, folder: Path) -> None:
        """Watch the run in a folder."""
        self._folder = folder
        self._before: tuple[bool, int] | None = None
        self._seen = RunProgress("absent")

    def look(self) -> RunProgress:
        """Return the state of the run now; the text is that of a run that has ended. Raises OSError."""
        live = is_being_trained(self._folder)
        try:
            changed_ns = journal_path(self._folder).stat().st_mtime_ns
        except FileNotFoundError:
            return run_progress(self._folder)
        if live and time.time() - changed_ns / 1e9 < ENDING_SECONDS:
            return RunProgress("running")
        if self._before != (live, changed_ns):
            self._seen = run_progress(self._folder)
            self._before = live, changed_ns
        return self._seen


def _stopped_by_person(history: RunHistory) -> bool:
    """Return True if somebody has stopped the run, and no signal to its process did."""
    assert isinstance(history.ending, RunStopped)
    notes = [note.text for note in history.notes if isinstance(note, Noted)]
    return bool(notes) and notes[-1].startswith(STOPPED_BY)


def _progress(history: RunHistory) -> str:
    if history.started is None or history.training is None:
        return history.state
    epoch = history.epoch or (history.epochs[-1].epoch if history.epochs else 0)
    done = f"epoch {epoch}/{history.started.recipe.epochs}"
    return f"{done} {text.percent(history.epochs[-1].test_accuracy)}" if history.epochs else done


def _result(history: RunHistory) -> str:
    if not history.epochs:
        return ""
    took = text.duration(run_summary.seconds_elapsed(history))
    return f"{text.percent(history.epochs[-1].test_accuracy)} in {took}"
