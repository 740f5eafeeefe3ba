"""Training states on disk: those there are, and those that are intact. Their content is the engine's business.

A state is `state_0001234.pt` with a small JSON file beside it, written last as the mark that the state is intact.
"""

from pathlib import Path

import orjson

from cifar_tui.dataclass import dataclass
from cifar_tui.files.atomic_write import write_atomically
from cifar_tui.files.run_files import START_NAME, STATE_PATTERN
from cifar_tui.runs.checkpoints.delete_files import delete_marked
from cifar_tui.runs.checkpoints.sidecars import SIDECAR_LIMIT
from cifar_tui.serialization import from_record

STATES_KEPT = 2
"""The newest one, and the one before in case the newest is damaged."""

Environment = dict[str, str]
"""Everything that decides if the same numbers come out again, by name: torch, device, threads, …"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StateRecord:
    """Facts of a training state."""

    step: int
    """The last step it contains."""
    size: int
    """Bytes of the state's file."""
    sha256: str
    """Hexadecimal digest of the state's file."""
    images: str
    """A checksum of the images trained on."""
    environment: Environment
    """The environment it was trained in."""
    saved_at: float
    """Wall clock, seconds since 1970."""


def state_path(folder: Path, step: int) -> Path:
    """Return the path of the state of a step."""
    return folder / f"state_{step:07d}.pt"


def commit_state(folder: Path, record: StateRecord) -> None:
    """Mark a state as intact, and only then delete those that are no longer needed. Raises OSError."""
    content = orjson.dumps(record, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    write_atomically(state_path(folder, record.step).with_suffix(".json"), lambda file: file.write(content))
    for old in list_states(folder)[STATES_KEPT:]:
        discard_state(folder, old.step)


def discard_state(folder: Path, step: int) -> None:
    """Delete a state; half of it never passes for a state, and is gone after a restart. Raises OSError."""
    weights = state_path(folder, step)
    delete_marked(weights.with_suffix(".json"), [weights])


def resumable(folder: Path) -> bool:
    """Return True if a run that has ended can be resumed: from a state, or from the weights it started with.

    Raises OSError when the folder cannot be read.
    """
    return bool(list_states(folder)) or (folder / START_NAME).is_file()


def list_states(folder: Path) -> list[StateRecord]:
    """Return the folder's intact states, the newest first. Raises OSError when the folder cannot be read."""
    found = []
    for path in folder.iterdir():
        if not STATE_PATTERN.fullmatch(path.name):
            continue
        try:
            record = read_state_record(path)
        except (OSError, ValueError):
            continue
        if state_path(folder, record.step).with_suffix(".json") == path:
            found.append(record)
    return sorted(found, key=lambda record: record.step, reverse=True)


def read_state_record(path: Path) -> StateRecord:
    """Read one. Raises ValueError when it is no record of a state, OSError when it cannot be read."""
    with path.open("rb") as file:
        content = file.read(SIDECAR_LIMIT + 1)
    if len(content) > SIDECAR_LIMIT:
        raise ValueError("too large for a record")
    return from_record(StateRecord, orjson.loads(content))
