"""Sidecars: the facts of each checkpoint, in a small JSON file beside the weights.

A sidecar is written last, so weights without one do not exist for anybody who lists checkpoints.
"""

from pathlib import Path

import orjson

from cifar_tui.dataclass import dataclass
from cifar_tui.files.atomic_write import write_atomically
from cifar_tui.files.run_files import CHECKPOINT_PATTERN, CheckpointName
from cifar_tui.runs.checkpoints.delete_files import delete_marked
from cifar_tui.serialization import from_record

SIDECAR_LIMIT = 64 * 1024
"""Bytes; a larger file is not one of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sidecar:
    """One checkpoint's facts."""

    checkpoint: CheckpointName
    """The weights' file name."""
    run: str
    """The run it belongs to."""
    data: str
    """The data set it was trained on."""
    synthetic: bool
    """True where that was synthetic images."""
    width: int
    """Channels of the network's first stage."""
    epoch: int
    """The epoch it ends, or the one it is in."""
    step: int
    """The last step it contains."""
    train_loss: float | None
    """Mean over the epoch; None in mid-epoch or where it is not finite."""
    train_accuracy: float | None
    """0 to 1."""
    test_loss: float | None
    """Mean over the test images."""
    test_accuracy: float | None
    """0 to 1."""
    size: int
    """Bytes of the weights' file."""
    sha256: str
    """Hexadecimal digest of the weights' file."""
    saved_at: float
    """Wall clock, seconds since 1970."""
    ema: float = 0.0
    """Decay of the moving average that the weights are; 0 for the weights that were trained."""


def epoch_checkpoint(epoch: int) -> str:
    """The tutorial's name for the weights after an epoch: `net_001.pth`."""
    return f"net_{epoch:03d}.pth"


def step_checkpoint(epoch: int, step: int) -> str:
    """Return the name for weights saved in mid-epoch, which never pass for an epoch's."""
    return f"net_{epoch:03d}_step_{step:05d}.pth"


def sidecar_path(weights: Path) -> Path:
    """Return the path of a checkpoint's sidecar."""
    return weights.with_suffix(".json")


def verdict_path(weights: Path) -> Path:
    """Return the path of a checkpoint's stored evaluation."""
    return weights.with_suffix(".verdict.json")


def write_sidecar(folder: Path, sidecar: Sidecar) -> None:
    """Write it beside its weights, durably. Raises OSError."""
    content = orjson.dumps(sidecar, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    write_atomically(sidecar_path(folder / sidecar.checkpoint), lambda file: file.write(content))


def read_sidecar(path: Path) -> Sidecar:
    """Read one. Raises ValueError when it is no sidecar, OSError when it cannot be read."""
    with path.open("rb") as file:
        content = file.read(SIDECAR_LIMIT + 1)
    if len(content) > SIDECAR_LIMIT:
        raise ValueError("too large for a sidecar")
    return from_record(Sidecar, orjson.loads(content))


def list_sidecars(folder: Path) -> list[Sidecar]:
    """The folder's checkpoints, by step; damaged sidecars and weights without one are left out."""
    found = []
    for path in folder.glob("net_*.json"):
        if not CHECKPOINT_PATTERN.fullmatch(path.with_suffix(".pth").name):
            continue
        try:
            sidecar = read_sidecar(path)
        except (OSError, ValueError):
            continue
        if sidecar_path(folder / sidecar.checkpoint) == path:
            found.append(sidecar)
    return sorted(found, key=lambda sidecar: (sidecar.step, sidecar.checkpoint))


def delete_checkpoint(folder: Path, checkpoint: str) -> None:
    """Delete a checkpoint with its evaluation; half of it never passes for a checkpoint, and is gone after a restart.

    Deleting again is harmless. Raises OSError; ValueError for what is no checkpoint's name.
    """
    if not CHECKPOINT_PATTERN.fullmatch(checkpoint):
        raise ValueError("not a checkpoint's name")
    weights = folder / checkpoint
    delete_marked(sidecar_path(weights), [weights, verdict_path(weights)])


def discard_sidecars(folder: Path, after_step: int) -> None:
    """Remove the sidecars and verdicts of checkpoints later than a step; their weights stay until written again."""
    for sidecar in list_sidecars(folder):
        if sidecar.step > after_step:
            weights = folder / sidecar.checkpoint
            sidecar_path(weights).unlink(missing_ok=True)
            verdict_path(weights).unlink(missing_ok=True)


def newest_checkpoint(folder: Path) -> str:
    """The name of the newest checkpoint in a run's folder; empty without one."""
    sidecars = list_sidecars(folder)
    return sidecars[-1].checkpoint if sidecars else ""
