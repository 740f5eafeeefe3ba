"""Deletes a run's checkpoints, where nothing speaks against it, and pins them. Whoever does holds the run's lock."""

from collections.abc import Iterator
from pathlib import Path

from cifar_tui.checkpoint_events import CheckpointDeleted
from cifar_tui.control import DeleteCheckpoint, PinCheckpoint
from cifar_tui.errors import BadInput
from cifar_tui.events import Noted
from cifar_tui.files.digest import digest_of_file
from cifar_tui.files.run_files import CHECKPOINT_PATTERN, PINS_NAME
from cifar_tui.runs.checkpoints.interrupted_deletes import finish_deletes
from cifar_tui.runs.checkpoints.pins import pins_or_none, write_pin
from cifar_tui.runs.checkpoints.retention import BROKEN_PINS, Inventory, JournaledCheckpoints, deletable, why_kept
from cifar_tui.runs.checkpoints.sidecars import Sidecar, delete_checkpoint, list_sidecars, sidecar_path
from cifar_tui.runs.checkpoints.states import list_states

ASKED = "as requested"


class CheckpointDeleter:
    """Deletes checkpoints of one run's folder. Used by one thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._whole: set[tuple[str, str]] = set()
        """Names and digests of weights that were read once and are what was saved."""

    def manage_checkpoint(
        self, request: DeleteCheckpoint | PinCheckpoint, journaled: JournaledCheckpoints, in_use: frozenset[str]
    ) -> CheckpointDeleted | Noted | None:
        """Delete or pin a checkpoint on request. Returns the event, if any; a refusal is a note."""
        try:
            if isinstance(request, DeleteCheckpoint):
                return self.delete(request.checkpoint, journaled, in_use)
            self.pin(request.checkpoint, pinned=request.pinned)
        except BadInput as refusal:
            return Noted(str(refusal))
        except OSError as error:
            what = "deleted" if isinstance(request, DeleteCheckpoint) else "pinned"
            return Noted(f"{request.checkpoint} could not be {what}: {error.strerror or error}.")
        return None

    def delete(self, checkpoint: str, journaled: JournaledCheckpoints, in_use: frozenset[str]) -> CheckpointDeleted:
        """Delete one on request. Raises BadInput with the reason where it has to stay, OSError."""
        inventory = self._inventory(journaled, in_use)
        if checkpoint not in {one.checkpoint for one in inventory.checkpoints}:
            raise BadInput(f"{checkpoint} no longer exists.")
        reason = why_kept(inventory, checkpoint)
        if reason:
            raise BadInput(reason)
        delete_checkpoint(self._folder, checkpoint)
        return CheckpointDeleted(checkpoint, ASKED)

    def prune(
        self, keep: str, kept: int | None, journaled: JournaledCheckpoints, in_use: frozenset[str]
    ) -> Iterator[CheckpointDeleted]:
        """Delete what need not be kept, and name each; `kept` is how many of the newest stay. Raises OSError."""
        if kept is None:
            return
        for one in deletable(self._inventory(journaled, in_use), kept):
            delete_checkpoint(self._folder, one.checkpoint)
            yield CheckpointDeleted(one.checkpoint, f"--keep {keep}")
        for name in finish_deletes(self._folder):  # which the disk refused before
            if CHECKPOINT_PATTERN.fullmatch(name):
                yield CheckpointDeleted(name, f"--keep {keep}")

    def pin(self, checkpoint: str, *, pinned: bool) -> None:
        """Pin a checkpoint, or take its pin away. Raises BadInput with a sentence, OSError."""
        if pinned and not sidecar_path(self._folder / checkpoint).exists():
            raise BadInput(f"{checkpoint} no longer exists.")
        try:
            write_pin(self._folder, checkpoint, pinned=pinned)
        except ValueError:
            raise BadInput(f"{PINS_NAME} is damaged, and was left unchanged. {BROKEN_PINS}") from None

    def _inventory(self, journaled: JournaledCheckpoints, in_use: frozenset[str]) -> Inventory:
        return Inventory(
            checkpoints=tuple(list_sidecars(self._folder)),
            journaled=journaled,
            pinned=pins_or_none(self._folder),
            in_use=in_use,
            states=tuple(state.step for state in list_states(self._folder)),
            intact=self._is_intact,
        )

    def _is_intact(self, sidecar: Sidecar) -> bool:
        """Return True if the weights are what was saved; their digest is taken once, their size every time."""
        path = self._folder / sidecar.checkpoint
        try:
            if path.stat().st_size != sidecar.size:
                return False
            if (sidecar.checkpoint, sidecar.sha256) not in self._whole:
                with path.open("rb") as file:
                    if digest_of_file(file) != sidecar.sha256:
                        return False
                self._whole.add((sidecar.checkpoint, sidecar.sha256))
        except OSError:
            return False
        return True
