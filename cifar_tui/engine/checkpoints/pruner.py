"""Deletes the checkpoints that a recipe does not keep, or that a person no longer wants, on the saver's thread."""

from cifar_tui.checkpoint_events import CheckpointSaved
from cifar_tui.control import DeleteCheckpoint, PinCheckpoint
from cifar_tui.engine.checkpoints.evaluation_queue import EvaluationQueue
from cifar_tui.engine.checkpoints.run_context import RunContext
from cifar_tui.events import EpochDone, Event, Noted
from cifar_tui.runs.checkpoints.delete import CheckpointDeleter
from cifar_tui.runs.checkpoints.retention import JournaledCheckpoints


class Pruner:
    """Deletes checkpoints of one run, and only those that may go."""

    def __init__(self, context: RunContext, journaled: JournaledCheckpoints, evaluations: EvaluationQueue) -> None:
        """Prepare. `journaled` is what the journal has of checkpoints so far; those in `evaluations` stay."""
        self._deleter = CheckpointDeleter(context.folder.path)
        self._recipe = context.recipe
        self._journaled = journaled
        self._in_use = evaluations.in_use
        self._emit = context.emit
        self._trouble = ""

    def record(self, event: CheckpointSaved | EpochDone) -> None:
        """Record an event about a checkpoint; any thread may."""
        self._journaled.record(event)

    def undo(self, after_step: int) -> None:
        """Forget the events of later steps."""
        self._journaled.undo(after_step)

    def prune(self) -> None:
        """Delete what the recipe does not keep; a refusal by the disk is noted once, and tried after the next save."""
        trouble = ""
        try:
            kept = self._recipe.checkpoints_kept
            for deleted in self._deleter.prune(self._recipe.keep, kept, self._journaled, self._in_use()):
                self._record_and_emit(deleted)
        except (OSError, ValueError) as error:
            trouble = f"Old checkpoints could not be deleted: {getattr(error, 'strerror', None) or error}."
        if trouble and trouble != self._trouble:
            self._emit(Noted(trouble))
        self._trouble = trouble

    def manage_checkpoint(self, request: DeleteCheckpoint | PinCheckpoint) -> None:
        """Delete or pin a checkpoint on request."""
        event = self._deleter.manage_checkpoint(request, self._journaled, self._in_use())
        if event is not None:
            self._record_and_emit(event)

    def _record_and_emit(self, event: Event) -> None:
        self._journaled.record(event)
        self._emit(event)
