"""What the checkpoint browser tells its app that a person wants."""

from pathlib import Path

from textual.message import Message

from cifar_tui.control import DeleteCheckpoint, PinCheckpoint
from cifar_tui.runs.checkpoints.sidecars import Sidecar


class EvaluationRequested(Message, namespace="checkpoints"):
    """A person wants a checkpoint measured."""

    def __init__(self, checkpoint: str) -> None:
        """Name the checkpoint's file."""
        super().__init__()
        self.checkpoint = checkpoint


class CancellationRequested(Message, namespace="checkpoints"):
    """A person gives the evaluation up."""


class ManagementRequested(Message, namespace="checkpoints"):
    """A person wants a checkpoint deleted or pinned."""

    def __init__(self, request: DeleteCheckpoint | PinCheckpoint) -> None:
        """Say what is to be done."""
        super().__init__()
        self.request = request


class ComparisonRequested(Message, namespace="checkpoints"):
    """A person wants the marked checkpoints compared."""

    def __init__(self, weights: list[Path]) -> None:
        """Say which, by their files."""
        super().__init__()
        self.weights = weights


class BranchRequested(Message, namespace="checkpoints"):
    """A person wants a new run from a checkpoint."""

    def __init__(self, folder: Path, sidecar: Sidecar) -> None:
        """Say which, in the folder of its run."""
        super().__init__()
        self.folder = folder
        self.sidecar = sidecar
