"""Finds what is known of a checkpoint: kept beside it by an evaluation, or said in its run's history."""

from dataclasses import dataclass
from pathlib import Path

from cifar_tui.evaluation_events import EvaluationDone
from cifar_tui.history.run_history import RunHistory
from cifar_tui.runs.checkpoints.sidecars import Sidecar, verdict_path
from cifar_tui.runs.checkpoints.verdicts import OTHER_IMAGES, StoredEvaluation, check_evaluation, read_evaluation


@dataclass(frozen=True, slots=True)
class FoundEvaluation:
    """A verdict to show."""

    verdict: EvaluationDone
    """What an evaluation said; its numbers fit each other."""
    pictures: tuple[bytes, ...]
    """The wrongest images' pixels in the verdict's order, uint8 [32, 32, 3] each; empty where they were not kept."""
    outdated_because: str
    """Return why it no longer holds, as a sentence's end; empty while it does."""


class VerdictFinder:
    """Reads a kept verdict once, and again when its file has changed."""

    def __init__(self) -> None:
        self._key: tuple[Path, int, int] | None = None
        self._kept: StoredEvaluation | None = None

    def find(self, folder: Path, sidecar: Sidecar, history: RunHistory) -> FoundEvaluation | None:
        """The verdict on a checkpoint that still holds, else one that is out of date, else None."""
        kept = self._read(folder, sidecar.checkpoint)
        because = kept.outdated_because(sidecar, history.test_checksum) if kept else ""
        if kept is not None and not because:
            return FoundEvaluation(kept.verdict, kept.pictures, "")
        said = history.verdicts.get(sidecar.checkpoint)
        if said is not None and _sound(said):
            known = said.test_checksum and history.test_checksum
            return FoundEvaluation(
                said, (), OTHER_IMAGES if known and said.test_checksum != history.test_checksum else ""
            )
        return FoundEvaluation(kept.verdict, kept.pictures, because) if kept else None

    def _read(self, folder: Path, checkpoint: str) -> StoredEvaluation | None:
        """What is kept of a checkpoint; None without a file, and for one that is broken."""
        path = verdict_path(folder / checkpoint)
        try:
            facts = path.stat()
            key = (path, facts.st_mtime_ns, facts.st_size)
            if key != self._key:
                self._key, self._kept = key, None
                self._kept = read_evaluation(folder, checkpoint)
        except (OSError, ValueError):
            return None
        return self._kept


def _sound(verdict: EvaluationDone) -> bool:
    try:
        check_evaluation(verdict)
    except ValueError:
        return False
    return True
