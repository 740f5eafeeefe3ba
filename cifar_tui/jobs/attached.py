"""Jobs on a run that was attached to and has ended."""

from collections.abc import Sequence
from pathlib import Path

from cifar_tui.control import DeleteCheckpoint, PinCheckpoint
from cifar_tui.errors import BadInput
from cifar_tui.jobs.local import LocalJobs, check_free, check_resumable, compare
from cifar_tui.jobs.session import Jobs, RunConnection, start_session
from cifar_tui.runs.find import run_argument
from cifar_tui.runs.folder import RunFolder, read_recipe
from cifar_tui.runs.new_run import branch
from cifar_tui.runs.own_code import check_allowed


class AttachedJobs:
    """A run that was started elsewhere: followed while it lives, and once it has ended, resumed and evaluated here."""

    def __init__(self, folder: Path) -> None:
        """Attach to the run in `folder`; nothing in it is held or written."""
        self._folder = folder
        self._local: LocalJobs | None = None

    @property
    def current(self) -> Jobs:
        """The jobs of the run here, once there is one."""
        return self if self._local is None else self._local

    def train(self, data: str | None = None) -> RunConnection:
        """Follow the run; it keeps its data."""
        from cifar_tui.runs.remote.follow import RemoteRun

        del data
        return RemoteRun(self._folder)

    def train_preset(self, preset: str) -> RunConnection:
        """Start no run: a run elsewhere keeps its preset. Raises BadInput."""
        raise BadInput(f"This run was started elsewhere: start one with preset {preset} there.")

    def resume(self) -> RunConnection:
        """Resume it here. Raises FolderInUse while it lives elsewhere, BadInput without a training state."""
        check_free(self._folder)
        check_resumable(self._folder)
        model = read_recipe(self._folder).model
        check_allowed(model, self._folder, f"train --resume {run_argument(self._folder)}")
        run = RunFolder.reopen(self._folder)
        self._local = LocalJobs(run.recipe(), resumed=run)
        return self._local.train()

    def evaluate(self, checkpoint: str) -> RunConnection:
        """Start measuring one of its checkpoints; the result does not join the records."""
        from cifar_tui.jobs.evaluate import evaluate_checkpoint

        return evaluate_checkpoint(read_recipe(self._folder), self._folder, checkpoint)

    def branch(self, checkpoint: str, epochs: int, learning_rate: float) -> RunConnection:
        """Start a new run from one of its checkpoints, here. Raises BadInput or FolderInUse."""
        new = branch(self._folder / checkpoint, epochs, learning_rate)
        local = LocalJobs(new.recipe, place=new.place, start=new.start)
        connection = local.train()
        self._local = local
        return connection

    def compare(self, checkpoints: Sequence[Path], *, beside: bool) -> RunConnection:
        """Start measuring checkpoints of any runs side by side. Raises BadInput."""
        return compare(checkpoints, beside=beside)

    def manage_checkpoint(self, request: DeleteCheckpoint | PinCheckpoint) -> RunConnection:
        """Delete or pin one of its checkpoints. Raises FolderInUse while it lives elsewhere."""
        from cifar_tui.jobs.checkpoint import CheckpointJob

        run = RunFolder.reopen(self._folder)
        return start_session(CheckpointJob(run.path, request, run.close))

    def close(self) -> None:
        """Close the run's folder, where it is held."""
        if self._local is not None:
            self._local.close()
