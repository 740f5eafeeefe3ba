"""Jobs on a run that was attached to and has ended."""

from collections.abc import Sequence
from pathlib import Path

from cifar_tui.control import DeleteCheckpoint, PinCheckpoint
from cifar_tui.jobs.checkpoint import CheckpointJob
from cifar_tui.jobs.evaluate import evaluate_checkpoint
from cifar_tui.jobs.local import LocalJobs, check_resumable, compare
from cifar_tui.jobs.session import RunConnection, start_session
from cifar_tui.runs.folder import RunFolder, read_recipe
from cifar_tui.runs.new_run import branch
from cifar_tui.runs.remote.follow import RemoteRun


class AttachedJobs:
    """A run that was started elsewhere: read about while it lives, and once it has ended, gone on with and measured."""

    def __init__(self, folder: Path) -> None:
        """Attach to the run in `folder`; nothing in it is held or written."""
        self._folder = folder
        self._local: LocalJobs | None = None

    def train(self, data: str | None = None) -> RunConnection:
        """Follow what the run says; once there is one here, train that."""
        return RemoteRun(self._folder) if self._local is None else self._local.train(data)

    def resume(self) -> RunConnection:
        """Go on with it here. Raises FolderInUse while it lives elsewhere, BadInput without a training state."""
        if self._local is not None:
            return self._local.resume()
        check_resumable(self._folder)
        run = RunFolder.reopen(self._folder)
        self._local = LocalJobs(run.recipe(), resumed=run)
        return self._local.train()

    def evaluate(self, checkpoint: str) -> RunConnection:
        """Start measuring one of its checkpoints; the verdict joins the records where the run is ours by now."""
        if self._local is not None:
            return self._local.evaluate(checkpoint)
        return evaluate_checkpoint(read_recipe(self._folder), self._folder, checkpoint)

    def branch(self, checkpoint: str, epochs: int, learning_rate: float) -> RunConnection:
        """Start a new run from one of its checkpoints, here. Raises BadInput or FolderInUse."""
        if self._local is not None:
            return self._local.branch(checkpoint, epochs, learning_rate)
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
        if self._local is not None:
            return self._local.manage_checkpoint(request)
        run = RunFolder.reopen(self._folder)
        return start_session(CheckpointJob(run.path, request, run.close))

    def close(self) -> None:
        """Let go of the run, where it is held."""
        if self._local is not None:
            self._local.close()
