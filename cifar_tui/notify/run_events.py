"""Picks the events of a run that people are notified of, and says them in a sentence."""

import math
import os
import threading
from collections.abc import Callable
from pathlib import Path

from cifar_tui import text
from cifar_tui.checkpoint_events import CheckpointFailed
from cifar_tui.errors import tells_no_room
from cifar_tui.events import (
    DataMissing,
    Ending,
    EpochDone,
    LossNotFinite,
    Noted,
    Progressed,
    RunFailed,
    RunFinished,
    RunResumed,
    RunStopped,
    StepDone,
    TrainingStarted,
)
from cifar_tui.history.curves import StepColumns
from cifar_tui.history.run_history import FeedItem, RunHistory
from cifar_tui.layer_events import NormsMeasured
from cifar_tui.notify.messenger import Messenger, open_messenger
from cifar_tui.report import run_summary
from cifar_tui.system.launcher import LAUNCHED, LOST, attempt


def open_notifier(
    name: str, folder: Path, report: Callable[[str], None], report_later: Callable[[str], None]
) -> "RunNotifier | None":
    """Return what notifies people of this run, as `open_messenger` does; None where nobody is to be."""
    messenger = open_messenger(report, report_later)
    return RunNotifier(messenger, name, folder) if messenger is not None else None


class RunNotifier:
    """Follows a run's events on any of its threads, and notifies of some."""

    def __init__(self, messenger: Messenger, name: str, folder: Path) -> None:
        """Notify by `messenger` of the run of this name in this folder."""
        self._messenger = messenger
        self._run = {"run": name, "folder": str(folder)}
        self._one_by_one = threading.Lock()
        self._history = RunHistory()
        """All but the steps, of which the last before each event is enough for what is told."""
        self._last_step: StepDone | None = None
        self._loss = ""
        """The reason of the newest ending of a run that resumes, where that was a lost process."""

    def apply_past(self, event: FeedItem) -> None:
        """Take in an event from before the run was resumed."""
        if isinstance(event, StepColumns):
            for step in event.last(1):
                self._last_step = step
        else:
            if isinstance(event, Ending | RunResumed):
                self._loss = event.reason if isinstance(event, RunFailed) and event.exit_code == LOST else ""
            self._apply(event)

    def apply(self, event: FeedItem) -> None:
        """Take in an event, and notify of it where it is one of those. Returns at once."""
        if isinstance(event, StepDone):
            self._last_step = event
        elif not isinstance(event, NormsMeasured | Progressed):
            with self._one_by_one:
                self._apply(event)
                self._notify(event)

    def tell_restart(self) -> None:
        """Notify of a process that was lost in the attempt before this one, unless its leader did."""
        if attempt() and (_launched() or not self._loss):
            self._deliver("rank-lost", f"{self._loss or 'A process of this run was lost.'} All were started again.")

    def close(self, ending: Ending | None) -> None:
        """Notify of a run's end, and take nothing more."""
        self._messenger.keep_reports()
        match ending:
            case RunFinished():
                self._deliver("finished", run_summary.outcome(self._history))
            case RunStopped():
                self._deliver("stopped", run_summary.outcome(self._history))
            case RunFailed(exit_code=code) if code == LOST:
                if not _launched():
                    self._deliver("rank-lost", ending.reason)
            case RunFailed() | DataMissing():
                self._deliver("failed", run_summary.outcome(self._history))
        self._messenger.close()

    def _apply(self, event: FeedItem) -> None:
        if self._last_step is not None:
            self._history.apply(self._last_step)
            self._last_step = None
        self._history.apply(event)

    def _notify(self, event: FeedItem) -> None:
        match event:
            case LossNotFinite():
                waits = " Training waits for your answer." if event.waiting else ""
                self._deliver(
                    "loss-not-finite", f"The loss of step {event.at_step:,} is {text.loss(event.loss)}.{waits}"
                )
            case CheckpointFailed():
                self._deliver("disk-full" if tells_no_room(event.reason) else "disk-error", event.reason)
            case Noted() if tells_no_room(event.text):
                self._deliver("disk-full", event.text)
            case EpochDone() if self._history.best is event:
                self._deliver("best", self._best(event))
            case TrainingStarted():
                trained = run_summary.what_is_trained(self._history)
                self._deliver("started", f"Training {trained}, on {event.device}.")

    def _best(self, epoch: EpochDone) -> str:
        of = f" of {self._history.started.recipe.epochs}" if self._history.started is not None else ""
        accuracy, chosen = text.percent(epoch.test_accuracy), run_summary.chosen_on(epoch)
        return f"Best so far: test accuracy {accuracy} after epoch {epoch.epoch}{of}, {chosen}."

    def _deliver(self, event: str, sentence: str) -> None:
        history = self._history
        accuracy = history.epochs[-1].test_accuracy if history.epochs else math.nan
        self._messenger.deliver(
            event,
            {
                **self._run,
                "step": history.step,
                "epoch": history.epoch,
                "accuracy": accuracy if math.isfinite(accuracy) else None,
                "sentence": sentence,
            },
        )


def _launched() -> bool:
    """Return True where a launcher of ours starts lost processes again, or tells that it does not.

    It ends the leader within a second of the loss, too soon for a slow server.
    """
    return LAUNCHED in os.environ
