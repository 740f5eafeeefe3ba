"""Applies a run's events, in order, and holds what every front end shows. No clock, no I/O."""

import dataclasses
import math
from collections import deque
from typing import Literal

from cifar_tui.checkpoint_events import (
    CheckpointDeleted,
    CheckpointFailed,
    CheckpointSaved,
    EvaluationDone,
    EvaluationFailed,
    EvaluationProgressed,
    EvaluationStarted,
    StateSaved,
)
from cifar_tui.events import (
    DataMissing,
    DataReady,
    Ending,
    EpochDone,
    Event,
    FinishPlanned,
    LossNotFinite,
    NoteAdded,
    Noted,
    PaceMeasured,
    Paused,
    Progressed,
    RateChanged,
    Reopened,
    Resumed,
    RolledBack,
    RunFailed,
    RunFinished,
    RunResumed,
    RunStarted,
    RunStopped,
    StepDone,
    TrainingStarted,
)
from cifar_tui.history.curves import Curves, StepColumns
from cifar_tui.history.throughput import Throughput
from cifar_tui.layer_events import NormsMeasured

State = Literal["starting", "preparing", "training", "testing", "paused", "stopped", "finished", "failed", "no data"]

Note = CheckpointSaved | CheckpointFailed | Noted | NoteAdded | RateChanged | RolledBack | RunResumed
TEST_SHARE = 1 / 3
"""Work for a test image, as a share of that for a training image: forward only."""
NOTES_KEPT = 100
STATE_AFTER: dict[type[Ending], State] = {
    RunStopped: "stopped",
    RunFinished: "finished",
    RunFailed: "failed",
    DataMissing: "no data",
}
FeedItem = Event | StepColumns
"""One item of a feed."""


class RunHistory:
    """Everything one run has emitted so far."""

    def __init__(self) -> None:
        self.state: State = "starting"
        self.started: RunStarted | None = None
        self.data: DataReady | None = None
        self.training: TrainingStarted | None = None
        self.progress: Progressed | None = None
        self.last_step: StepDone | None = None
        self.epochs: list[EpochDone] = []
        self.best: EpochDone | None = None
        self.ending: Ending | None = None
        self.notes: deque[Note] = deque(maxlen=NOTES_KEPT)
        """Events that a person should read; `report.run_summary.note_text` has their sentences."""
        self.checkpoints: list[CheckpointSaved] = []
        self.unsaved: CheckpointFailed | None = None
        """The last checkpoint, where it could not be saved."""
        self.evaluation: EvaluationStarted | EvaluationProgressed | None = None
        self.pace: PaceMeasured | None = None
        """The slowest of several processes; None for one, or while it is not known."""
        self.resumed = False
        """True once a run that had ended was resumed."""
        self.finish_after = 0
        """The epoch after which the run is to stop; 0 for its planned end."""
        self.paused_by = ""
        """The person who requested the pause, where that is known."""
        self.nonfinite_loss: LossNotFinite | None = None
        """The loss that a person has to decide about."""
        self.state_step = 0
        """The step of the newest training state on disk."""
        self.verdicts: dict[str, EvaluationDone] = {}
        self.failed_evaluations: dict[str, EvaluationFailed] = {}
        self.test_checksum = ""
        """Of the test images as they were last loaded; empty where it is not known."""
        self.curves = Curves()
        self._throughput = Throughput()

    def apply(self, event: FeedItem) -> None:
        """Apply one event, or many steps."""
        match event:
            case StepDone():
                self.curves.add_step(event)
                self._throughput.add(event)
                self._apply_step(event)
            case StepColumns():
                self.curves.add_columns(event)
                self._throughput.add(event)
                for step in event.last(1):
                    self._apply_step(step)
            case NormsMeasured():
                self.curves.layers.add(event)
            case EpochDone():
                self._apply_epoch(event)
            case Progressed():
                self._apply_progress(event)
            case Paused() | Resumed():
                self._apply_pause(event)
            case CheckpointSaved():
                self._apply_saved(event)
            case CheckpointFailed() | Noted() | NoteAdded():
                self.notes.append(event)
                self.unsaved = event if isinstance(event, CheckpointFailed) else self.unsaved
            case CheckpointDeleted():
                self._forget_checkpoint(event.checkpoint)
            case EvaluationStarted() | EvaluationProgressed() | EvaluationDone() | EvaluationFailed():
                self._apply_evaluation(event)
            case RunStarted() | DataReady() | TrainingStarted():
                self._apply_start(event)
            case StateSaved():
                self.state_step = event.step
            case PaceMeasured():
                self.pace = event
            case FinishPlanned() | RateChanged() | LossNotFinite() | RolledBack() | Reopened() | RunResumed():
                self._apply_turn(event)
            case RunStopped() | RunFinished() | RunFailed() | DataMissing():
                self._apply_ending(event)

    @property
    def step(self) -> int:
        """The last step done; 0 before the first."""
        return self.last_step.step if self.last_step else 0

    @property
    def epoch(self) -> int:
        """The epoch under way, or the last one; 0 before the first step."""
        return self.last_step.epoch if self.last_step else 0

    @property
    def images_per_second(self) -> float:
        """Throughput of the latest steps; NaN until there are enough."""
        return self._throughput.images_per_second

    @property
    def seconds_left(self) -> float:
        """An estimate for what is left to train, tests included; NaN until there is a throughput."""
        return seconds_left_at(self, self.images_per_second, max(self.epoch, 1))

    @property
    def live(self) -> bool:
        """True until the run has ended."""
        return self.ending is None

    def _apply_start(self, event: RunStarted | DataReady | TrainingStarted) -> None:
        match event:
            case RunStarted():
                self.started = event
                self.state = "preparing"
            case DataReady():
                self.data = event
                self.test_checksum = event.test_checksum or self.test_checksum
            case TrainingStarted():
                self.training = event
                self.curves.layers.name(event.layers)
                self.progress, self.pace = None, None
                self.state = "training"

    def _apply_saved(self, saved: CheckpointSaved) -> None:
        self.checkpoints.append(saved)
        self.unsaved = None
        self.curves.mark(self.curves.saved, saved.step)
        if self.training is not None and saved.step % self.training.steps_per_epoch:
            self.notes.append(saved)

    def _apply_pause(self, event: Paused | Resumed) -> None:
        if isinstance(event, Paused):
            self.state, self.paused_by = "paused", event.by
            self.curves.mark(self.curves.pauses, event.step)
        else:
            self.nonfinite_loss, self.state = None, "training"

    def _apply_turn(
        self, event: FinishPlanned | RateChanged | LossNotFinite | RolledBack | Reopened | RunResumed
    ) -> None:
        match event:
            case FinishPlanned():
                self.finish_after = event.after_epoch
            case RateChanged():
                self.curves.mark(self.curves.rate_changes, event.from_step)
                self.notes.append(event)
            case LossNotFinite():
                self.curves.mark(self.curves.broken_steps, event.at_step)
                if event.waiting:
                    self.nonfinite_loss = event
                    self.state = "paused"
            case RolledBack():
                self._rewind(event.to_step)
                self.curves.mark(self.curves.rate_changes, event.to_step + 1)
                self.nonfinite_loss, self.state = None, "training"
                self.notes.append(event)
            case Reopened():
                self.ending, self.training, self.state = None, None, "preparing"
                self.finish_after, self.nonfinite_loss, self.evaluation = 0, None, None
                self.resumed = True
                if self.started is not None:
                    self.started = dataclasses.replace(self.started, folder=event.folder)
            case RunResumed():
                self._apply_resumed(event)

    def _apply_resumed(self, event: RunResumed) -> None:
        self._rewind(event.at_step)
        self.ending, self.training, self.state = None, None, "preparing"
        self.finish_after, self.nonfinite_loss = 0, None
        if self.started is not None:
            self.started = dataclasses.replace(self.started, recipe=event.recipe)
        self.notes.append(event)

    def _forget_checkpoint(self, checkpoint: str) -> None:
        self.checkpoints = [saved for saved in self.checkpoints if saved.checkpoint != checkpoint]
        self.verdicts.pop(checkpoint, None)
        self.failed_evaluations.pop(checkpoint, None)

    def _rewind(self, step: int) -> None:
        """Forget the events of later steps, for they are trained again."""
        self.curves.rewind(step)
        self.epochs = [epoch for epoch in self.epochs if epoch.step <= step]
        self.best = None
        for epoch in self.epochs:
            self._choose_best(epoch)
        self.checkpoints = [saved for saved in self.checkpoints if saved.step <= step]
        standing = {saved.checkpoint for saved in self.checkpoints}
        self.verdicts = {name: verdict for name, verdict in self.verdicts.items() if name in standing}
        self.failed_evaluations = {name: one for name, one in self.failed_evaluations.items() if name in standing}
        self.state_step = min(self.state_step, step)
        if self.last_step is not None and self.last_step.step > step:
            before = [done for done in self._throughput.latest_steps() if done.step <= step]
            self.last_step = before[-1] if before else self._remembered(step)
        self._throughput.clear()
        self.progress = None

    def _remembered(self, step: int) -> StepDone | None:
        """Return a step that is no longer among the latest, as far as the curves still know it."""
        if step < 1 or self.last_step is None:
            return None
        done = self.epochs[-1] if self.epochs else None
        epoch = 1 if done is None else done.epoch if done.step >= step else done.epoch + 1
        return self.curves.step_at(step, epoch, self.last_step.images)

    def _apply_step(self, step: StepDone) -> None:
        self.last_step = step
        self.progress = None
        if self.state == "testing":
            self.state = "training"

    def _apply_epoch(self, epoch: EpochDone) -> None:
        if self.epochs and self.epochs[-1].epoch == epoch.epoch:
            self.epochs.pop()  # tested again: its weights had not been saved
        self.epochs.append(epoch)
        self.progress = None
        self.curves.add_epoch(epoch)
        self._choose_best(epoch)
        if self.state == "testing":
            self.state = "training"

    def _choose_best(self, epoch: EpochDone) -> None:
        # NaN compares false, so it is never the best.
        if math.isfinite(epoch.choosing_accuracy) and (
            self.best is None or epoch.choosing_accuracy > self.best.choosing_accuracy
        ):
            self.best = epoch

    def _apply_progress(self, progress: Progressed) -> None:
        self.progress = progress
        if self.state == "training":
            self.state = "testing"

    def _apply_evaluation(
        self, event: EvaluationStarted | EvaluationProgressed | EvaluationDone | EvaluationFailed
    ) -> None:
        match event:
            case EvaluationStarted() | EvaluationProgressed():
                self.evaluation = event
                return
            case EvaluationDone():
                self.verdicts[event.checkpoint] = event
                self.failed_evaluations.pop(event.checkpoint, None)
                self.test_checksum = event.test_checksum or self.test_checksum
            case EvaluationFailed():
                self.failed_evaluations[event.checkpoint] = event
        self.evaluation = None
        if self.ending is not None:
            self.progress = None

    def _apply_ending(self, ending: Ending) -> None:
        self.ending = ending
        self.progress = None
        self.state = STATE_AFTER[type(ending)]


def seconds_left_at(history: RunHistory, images_per_second: float, epoch: int) -> float:
    """Return an estimate for what is left to train, tests included; NaN where not known.

    The throughput is that of an epoch, whose images may be smaller than those to come.
    """
    if history.started is None or history.training is None or history.data is None:
        return math.nan
    recipe, per_epoch = history.started.recipe, history.training.steps_per_epoch
    whole_per_second = images_per_second * recipe.work_in(epoch)
    if not whole_per_second > 0:
        return math.nan
    last = history.finish_after * per_epoch or history.training.total_steps
    done = min(history.step, last)
    work_left = recipe.work(last / per_epoch) - recipe.work(done / per_epoch)
    epochs_left = math.ceil((last - done) / per_epoch)
    test_seconds = (
        history.epochs[-1].test_seconds if history.epochs else history.data.test_images * TEST_SHARE / whole_per_second
    )
    return work_left * history.data.train_images / whole_per_second + epochs_left * test_seconds
