"""Checkpoints and training states that are there and cannot be read: told as that, and never as none."""

from collections.abc import Callable, Iterable
from pathlib import Path

from cifar_tui.files.owner import refusal
from cifar_tui.files.run_files import CHECKPOINT_PATTERN, STATE_PATTERN
from cifar_tui.runs.checkpoints.sidecars import read_sidecar
from cifar_tui.runs.checkpoints.states import read_state_record
from cifar_tui.text import safe_text


def unreadable_checkpoints(folder: Path) -> str:
    """Return a sentence on checkpoints whose facts cannot be read; empty where there are none."""
    paths = [path for path in _files(folder) if CHECKPOINT_PATTERN.fullmatch(path.with_suffix(".pth").name)]
    return _sentence((path for path in paths if path.suffix == ".json"), read_sidecar)


def unreadable_states(folder: Path) -> str:
    """Return a sentence on training states whose facts cannot be read; empty where there are none."""
    return _sentence((path for path in _files(folder) if STATE_PATTERN.fullmatch(path.name)), read_state_record)


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []  # whoever lists the folder says so


def _sentence(paths: Iterable[Path], read: Callable[[Path], object]) -> str:
    reasons = []
    for path in paths:
        try:
            read(path)
        except (OSError, ValueError) as error:
            reason = refusal(path, error) if isinstance(error, OSError) else "it is damaged"
            reasons.append(f"{safe_text(str(path), 200)} cannot be read: {reason}")
    more = f", nor can {len(reasons) - 1} more" if len(reasons) > 1 else ""
    return f"{reasons[0]}{more}." if reasons else ""
