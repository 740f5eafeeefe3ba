"""Finds deletions that a crash broke off in a run's folder, and finishes them. Whoever does holds the run's lock.

Only weights that are bit by bit those that were being deleted go. Others of the same name, copied there or saved anew,
are nobody's leftovers.
"""

import contextlib
from pathlib import Path

from cifar_tui.dataclass import dataclass
from cifar_tui.files.digest import digest_of_file
from cifar_tui.files.run_files import CHECKPOINT_PATTERN, STATE_PATTERN
from cifar_tui.files.safe_open import open_regular
from cifar_tui.runs.checkpoints.delete_files import DELETING_PREFIX, delete_marked
from cifar_tui.runs.checkpoints.sidecars import read_sidecar, verdict_path
from cifar_tui.runs.checkpoints.states import read_state_record, state_path
from cifar_tui.runs.checkpoints.verdicts import read_evaluation


@dataclass(frozen=True, slots=True)
class InterruptedDelete:
    """A deletion that was begun."""

    doomed: Path
    """The mark, renamed."""
    weights: Path
    """The file that was to go."""
    size: int
    """Bytes it had."""
    sha256: str
    """Hexadecimal digest of what it held."""

    @property
    def mark(self) -> Path:
        """The mark, as it was named before."""
        return self.doomed.with_name(self.doomed.name.removeprefix(DELETING_PREFIX))


def interrupted_deletes(folder: Path) -> list[InterruptedDelete]:
    """The deletions that were begun in a folder. A file that only has such a name is none."""
    found = []
    for path in sorted(folder.glob(f"{DELETING_PREFIX}*.json")):
        with contextlib.suppress(OSError, ValueError):
            if path.is_file() and not path.is_symlink():
                found.append(_read(path))
    return found


def finish_deletes(folder: Path) -> list[str]:
    """Finish them all. Returns the names of the weights that are gone now. Raises OSError."""
    gone = []
    for one in interrupted_deletes(folder):
        if one.mark.exists():
            one.doomed.unlink(missing_ok=True)  # saved anew since, and intact
            continue
        delete_marked(one.mark, [path for path in _files(one) if path is not None])
        if not one.weights.exists():
            gone.append(one.weights.name)
    return gone


def _read(doomed: Path) -> InterruptedDelete:
    """Raises ValueError for what is no renamed mark of ours, OSError."""
    name = doomed.name.removeprefix(DELETING_PREFIX)
    if STATE_PATTERN.fullmatch(name):
        state = read_state_record(doomed)
        found = InterruptedDelete(doomed, state_path(doomed.parent, state.step), state.size, state.sha256)
    else:
        sidecar = read_sidecar(doomed)
        found = InterruptedDelete(doomed, doomed.parent / sidecar.checkpoint, sidecar.size, sidecar.sha256)
    if found.weights.with_suffix(".json").name != name:
        raise ValueError("the record of other weights")
    return found


def _files(one: InterruptedDelete) -> tuple[Path | None, Path | None]:
    """Return the files that go with the mark: weights and verdict, where they are those that were to go."""
    return (one.weights if _is_same(one) else None, verdict_path(one.weights) if _has_verdict(one) else None)


def _is_same(one: InterruptedDelete) -> bool:
    try:
        with open_regular(one.weights, one.size) as file:
            return digest_of_file(file) == one.sha256
    except (OSError, ValueError):
        return False


def _has_verdict(one: InterruptedDelete) -> bool:
    if not CHECKPOINT_PATTERN.fullmatch(one.weights.name):
        return False
    try:
        return read_evaluation(one.weights.parent, one.weights.name).sha256 == one.sha256
    except (OSError, ValueError):
        return False
