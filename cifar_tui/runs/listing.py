"""Lists the runs in a folder in pieces, the newest first, and at another look reads only what has changed."""

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

from cifar_tui.dataclass import dataclass
from cifar_tui.errors import BadInput
from cifar_tui.files.run_files import recipe_path
from cifar_tui.runs.checkpoints.delete_files import DELETING_PREFIX
from cifar_tui.runs.delete_run import finish_run_deletes
from cifar_tui.runs.find import is_second_name
from cifar_tui.runs.overview import Overview, OverviewReader

FIRST_PIECE = 6
"""Runs that are there at once: reading the journals of a screenful takes too long."""
PIECE = 100
"""Runs handed on at a time after that."""
SETTLED_NS = 1_000_000_000
"""A folder that changed later than this before a look may change again within the same tick of its clock."""


@dataclass(frozen=True, slots=True)
class RunsPiece:
    """A part of what a look at a folder of runs has found."""

    changed: tuple[Overview, ...]
    """Those that are new or look different."""
    gone: frozenset[Path]
    """Folders of those that are there no longer."""
    complete: bool
    """True for the last piece of a look."""
    unreadable: int = 0
    """Runs that cannot be read, of all in the folder; known with the last piece."""


@dataclass(slots=True)
class _Listed:
    """A run as it was last read."""

    reader: OverviewReader | None
    """Reads on while the run lives."""
    overview: Overview | None
    """None where it cannot be read."""
    changed_ns: int
    """The folder's time of change at that time; -1 where it may have changed since."""
    unreadable: bool
    """True where it is a run, as far as can be known, and cannot be read."""


class RunListing:
    """Remembers the runs that were found in a folder. Used by one thread at a time."""

    def __init__(self, place: Path) -> None:
        """List the runs in a folder; nothing is read yet."""
        self._place = place
        self._listed: dict[Path, _Listed] = {}
        self._tidied = False

    def look(self) -> Iterator[RunsPiece]:
        """Yield what has changed since the last look, piece by piece. Raises OSError."""
        folders = self._folders()
        gone = self._listed.keys() - folders.keys()
        for folder in gone:
            del self._listed[folder]
        changed: list[Overview] = []
        most = FIRST_PIECE if not self._listed else PIECE
        for folder in sorted(folders, key=lambda folder: folders[folder], reverse=True):
            before = self._listed.get(folder)
            overview = self._read(folder, folders[folder])
            if overview is not None:
                changed.append(overview)
            elif before is not None and before.overview is not None and self._listed[folder].overview is None:
                gone.add(folder)
            if len(changed) >= most:
                yield RunsPiece(tuple(changed), frozenset(gone), complete=False)
                changed, gone, most = [], set(), PIECE
        unreadable = sum(one.unreadable for one in self._listed.values())
        yield RunsPiece(tuple(changed), frozenset(gone), complete=True, unreadable=unreadable)
        if not self._tidied:
            self._tidied = True
            finish_run_deletes(self._place)

    def _folders(self) -> dict[Path, int]:
        """Return the folders that may be runs', each with its time of change. Raises OSError."""
        found = {}
        if self._place.is_dir():
            with os.scandir(self._place) as entries:
                for entry in entries:
                    with contextlib.suppress(OSError):
                        second = entry.is_symlink() and is_second_name(self._place / entry.name)
                        if not entry.name.startswith(DELETING_PREFIX) and not second and entry.is_dir():
                            found[self._place / entry.name] = entry.stat().st_mtime_ns
        return found

    def _read(self, folder: Path, changed_ns: int) -> Overview | None:
        """Return a run's overview where it is new; a live run's journal grows without its folder changing."""
        before = self._listed.get(folder)
        if before is not None and before.changed_ns == changed_ns and before.reader is None:
            return None
        began_ns = time.time_ns()
        reader = before.reader if before is not None and before.reader is not None else OverviewReader(folder)
        overview, unreadable = None, False
        try:
            overview = reader.read()
        except (BadInput, OSError):
            unreadable = _may_be_run(folder)
        settled = changed_ns if changed_ns < began_ns - SETTLED_NS else -1
        live = overview is not None and overview.live
        self._listed[folder] = _Listed(reader if live else None, overview, settled, unreadable)
        return overview if before is None or overview != before.overview else None


def _may_be_run(folder: Path) -> bool:
    """Return True unless it is known that a folder is none of a run's."""
    try:
        recipe_path(folder).stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True
