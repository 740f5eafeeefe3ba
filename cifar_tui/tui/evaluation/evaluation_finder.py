"""Finds the newest evaluation of a checkpoint: stored beside it, or recorded in its run's history."""

from pathlib import Path

from cifar_tui.checkpoint_events import EvaluationDone
from cifar_tui.dataclass import dataclass
from cifar_tui.history.run_history import RunHistory
from cifar_tui.runs.checkpoints.sidecars import Sidecar, verdict_path
from cifar_tui.runs.checkpoints.verdicts import OTHER_IMAGES, StoredEvaluation, check_evaluation, read_evaluation


@dataclass(frozen=True, slots=True)
class FoundEvaluation:
    """An evaluation to show."""

    result: EvaluationDone
    """Its numbers, which fit each other."""
    pixels: tuple[bytes, ...]
    """The wrongest images in the result's order, uint8 [32, 32, 3] each; empty where they were not stored."""
    outdated_because: str
    """Reason why it no longer holds, as a sentence's end; empty while it does."""
    folder: Path
    """The run's folder, which may hold the test images."""
    predictions: bytes = b""
    """Of every test image, packed; empty where they were not stored."""


class EvaluationFinder:
    """Reads a stored evaluation once, and again when its file has changed."""

    def __init__(self) -> None:
        self._key: tuple[Path, int, int] | None = None
        self._stored: StoredEvaluation | None = None
        self._checked: tuple[EvaluationDone, bool] | None = None

    def find(self, folder: Path, sidecar: Sidecar, history: RunHistory) -> FoundEvaluation | None:
        """Return an evaluation that still holds, else one that is out of date, else None."""
        stored = self._read(folder, sidecar.checkpoint)
        because = stored.outdated_because(sidecar, history.test_checksum) if stored else ""
        if stored is not None and not because:
            return _found(folder, stored, "")
        recorded = history.verdicts.get(sidecar.checkpoint)
        if recorded is not None and self._consistent(recorded):
            known = recorded.test_checksum and history.test_checksum
            other = known and recorded.test_checksum != history.test_checksum
            return FoundEvaluation(recorded, (), OTHER_IMAGES if other else "", folder)
        return _found(folder, stored, because) if stored else None

    def _read(self, folder: Path, checkpoint: str) -> StoredEvaluation | None:
        """Return the stored evaluation of a checkpoint; None without a file, and for one that is broken."""
        path = verdict_path(folder / checkpoint)
        try:
            facts = path.stat()
            key = (path, facts.st_mtime_ns, facts.st_size)
            if key != self._key:
                self._key, self._stored = key, None
                self._stored = read_evaluation(folder, checkpoint)
        except (OSError, ValueError):
            return None
        return self._stored

    def _consistent(self, result: EvaluationDone) -> bool:
        """Return True if a recorded result's numbers fit each other; checked once."""
        if self._checked is None or self._checked[0] is not result:
            try:
                check_evaluation(result)
                self._checked = result, True
            except ValueError:
                self._checked = result, False
        return self._checked[1]


def _found(folder: Path, stored: StoredEvaluation, because: str) -> FoundEvaluation:
    return FoundEvaluation(stored.verdict, stored.pictures, because, folder, stored.predictions)
