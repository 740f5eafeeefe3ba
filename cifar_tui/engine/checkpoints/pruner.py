"""Deletes the checkpoints that a recipe does not keep, or that a person no longer wants, on the saver's thread."""

from collections.abc import Callable
from pathlib import Path

from cifar_tui.control import DeleteCheckpoint, PinCheckpoint
from cifar_tui.events import CheckpointSaved, EpochDone, Event, Noted
from cifar_tui.recipe import Recipe
from cifar_tui.runs.checkpoints.delete import Remover
from cifar_tui.runs.checkpoints.retention import Vouched


class Pruner:
    """Knows what was said of a run's checkpoints, and deletes only what may go."""

    def __init__(
        self,
        folder: Path,
        recipe: Recipe,
        vouched: Vouched,
        in_use: Callable[[], frozenset[str]],
        emit: Callable[[Event], None],
    ) -> None:
        """Prepare. `vouched` is what was said so far; `in_use` names what is evaluated, or soon will be."""
        self._remover = Remover(folder)
        self._recipe = recipe
        self._vouched = vouched
        self._in_use = in_use
        self._emit = emit
        self._trouble = ""

    def take(self, event: CheckpointSaved | EpochDone) -> None:
        """Take in what the run says of a checkpoint; any thread may."""
        self._vouched.take(event)

    def undo(self, after_step: int) -> None:
        """Forget what was said of later steps."""
        self._vouched.undo(after_step)

    def prune(self) -> None:
        """Delete what the recipe does not keep; what the disk refuses is said, once, and tried after the next save."""
        trouble = ""
        try:
            kept = self._recipe.checkpoints_kept
            for deleted in self._remover.prune(self._recipe.keep, kept, self._vouched, self._in_use()):
                self._say(deleted)
        except (OSError, ValueError) as error:
            trouble = f"Old checkpoints could not be deleted: {getattr(error, 'strerror', None) or error}."
        if trouble and trouble != self._trouble:
            self._emit(Noted(trouble))
        self._trouble = trouble

    def heed(self, request: DeleteCheckpoint | PinCheckpoint) -> None:
        """Do what a person asks."""
        said = self._remover.heed(request, self._vouched, self._in_use())
        if said is not None:
            self._say(said)

    def _say(self, event: Event) -> None:
        self._vouched.take(event)
        self._emit(event)
