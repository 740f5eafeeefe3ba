"""Lists a run's checkpoints in pieces, the newest first, and at another look reads only what has changed."""

import contextlib
import os
import re
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from cifar_tui.dataclass import dataclass
from cifar_tui.files.run_files import STEM
from cifar_tui.runs.checkpoints.pins import pins_or_none
from cifar_tui.runs.checkpoints.sidecars import Sidecar, read_sidecar, sidecar_path, verdict_path
from cifar_tui.runs.checkpoints.states import list_states
from cifar_tui.runs.checkpoints.verdicts import read_evaluation

FIRST_PIECE = 40
"""Checkpoints that are there at once: about as many as a screen has rows."""
PIECE = 1_000
"""Checkpoints handed on at a time after that."""
SETTLED_NS = 1_000_000_000
"""A folder that changed later than this before a look may change again within the same tick of its clock."""
SIDECARS = re.compile(rf"^({STEM})(\.verdict)?\.json$", re.MULTILINE)
"""The sidecars and the stored evaluations among names of files, a line each."""
MOST_STEPS = 10**15
"""More than any run has."""


@dataclass(frozen=True, slots=True)
class ListedCheckpoint:
    """A checkpoint as it is on disk."""

    sidecar: Sidecar
    """Its sidecar."""
    there: int | None
    """Bytes of the weights' file as it is; None where it is missing."""
    measured: float | None = None
    """Accuracy that an evaluation of these weights found, 0 to 1; read only where the sidecar has none."""
    test_checksum: str = ""
    """Of the test images of that evaluation."""

    @property
    def intact(self) -> bool:
        """True where the weights have the size they were saved with."""
        return self.there == self.sidecar.size


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of what a look at the folder has found."""

    changed: tuple[ListedCheckpoint, ...]
    """Those that are new or look different."""
    gone: frozenset[str]
    """Names of those that are there no longer."""
    pinned: frozenset[str] | None
    """Names of the pinned; None where they cannot be read."""
    states: tuple[int, ...]
    """The steps of the training states; none before all of the folder was looked at."""
    size: int | None
    """Bytes of the whole run; None before all of it was looked at."""


Mark = tuple[int, int, int, int | None, int]
"""Tells a checkpoint from a changed one: its sidecar's time, inode, size; the weights' size; the evaluation's time."""


class Listing:
    """Remembers what was found in a folder. Used by one thread at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._marks: dict[str, Mark] = {}
        self._evaluated: frozenset[str] = frozenset()
        """Names of the checkpoints that have a stored evaluation."""
        self._looked_at_ns = -1
        """The folder's time of change at the last whole look."""

    def look(self) -> Iterator[Piece]:
        """Yield what has changed since the last look, piece by piece. Raises OSError."""
        changed_ns = self._folder.stat().st_mtime_ns
        if changed_ns == self._looked_at_ns:
            return
        began_ns = time.time_ns()
        pinned = pins_or_none(self._folder)
        names, self._evaluated = _checkpoints(self._folder)
        gone = frozenset(self._marks.keys() - set(names))
        for name in gone:
            del self._marks[name]
        start, count = 0, FIRST_PIECE
        while start < len(names):
            yield Piece(tuple(self._changed(names[start : start + count])), gone, pinned, (), None)
            start, count, gone = start + count, PIECE, frozenset()
        states = tuple(state.step for state in list_states(self._folder))
        yield Piece((), gone, pinned, states, folder_size(self._folder))
        self._looked_at_ns = changed_ns if changed_ns < began_ns - SETTLED_NS else -1

    def _changed(self, names: list[str]) -> Iterator[ListedCheckpoint]:
        """Those among these that are new or look different; what cannot be read is passed over."""
        for name in names:
            with contextlib.suppress(OSError, ValueError):
                path = sidecar_path(self._folder / name)
                facts = os.stat(path)  # noqa: PTH116 - this is done 20,000 times
                there = _file_size(self._folder / name)
                evaluated = self._evaluation_time(name)
                mark = facts.st_mtime_ns, facts.st_ino, facts.st_size, there, evaluated
                if mark == self._marks.get(name):
                    continue
                sidecar = read_sidecar(path)
                if sidecar.checkpoint == name:
                    self._marks[name] = mark
                    measured = self._measured(sidecar) if evaluated else (None, "")
                    yield ListedCheckpoint(sidecar, there, *measured)

    def _evaluation_time(self, name: str) -> int:
        """Return the time of a checkpoint's stored evaluation, in ns; 0 without one."""
        return verdict_path(self._folder / name).lstat().st_mtime_ns if name in self._evaluated else 0

    def _measured(self, sidecar: Sidecar) -> tuple[float | None, str]:
        """Return the accuracy that was measured of weights without one, and the test images' checksum."""
        if sidecar.test_accuracy is None:
            with contextlib.suppress(OSError, ValueError):
                stored = read_evaluation(self._folder, sidecar.checkpoint)
                if stored.sha256 == sidecar.sha256:
                    return stored.verdict.accuracy, stored.verdict.test_checksum
        return None, ""


def _checkpoints(folder: Path) -> tuple[list[str], frozenset[str]]:
    """The names of what has a sidecar, the newest first, and of what has an evaluation. Raises OSError."""
    # All names at once: one by one they take three times as long, with the screen waiting for the same interpreter.
    found = SIDECARS.findall("\n".join(os.listdir(folder)))  # noqa: PTH208
    stems = [stem for stem, evaluation in found if not evaluation]
    stems.sort(key=_place, reverse=True)
    return [f"{stem}.pth" for stem in stems], frozenset(f"{stem}.pth" for stem, evaluation in found if evaluation)


def _place(stem: str) -> int:
    """Epoch and step as one number; what ends an epoch comes after all within."""
    epoch, _, step = stem.removeprefix("net_").partition("_step_")
    return int(epoch) * MOST_STEPS + (int(step) if step else MOST_STEPS - 1)


def _file_size(path: Path) -> int | None:
    try:
        return os.stat(path).st_size  # noqa: PTH116
    except OSError:
        return None


def folder_size(folder: Path) -> int:
    """Return the bytes of the regular files in a folder; links and folders do not count. Raises OSError."""
    return sum(sizes_by_suffix(folder).values())


def sizes_by_suffix(folder: Path) -> dict[str, int]:
    """Return the same by the files' suffixes, as `pth` for weights and `pt` for states. Raises OSError."""
    sizes: dict[str, int] = {}
    with os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                facts = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(facts.st_mode):
                    suffix = entry.name.rpartition(".")[2]
                    sizes[suffix] = sizes.get(suffix, 0) + facts.st_size
    return sizes
