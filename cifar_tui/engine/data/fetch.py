"""Fetches a named data set: one process at a time, from one address after the other, unpacked and verified."""

import contextlib
import fcntl
import os
import shutil
import tarfile
import tempfile
import time
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path

from cifar_tui.data_sets import NamedDataSet
from cifar_tui.engine.data.dataset import Report
from cifar_tui.engine.data.download import Source, download
from cifar_tui.engine.data.place import describe_absence
from cifar_tui.engine.data.published import Download, Published, intact
from cifar_tui.errors import NO_ROOM, DataDamaged, DataUnavailable, StopRequested, cannot_write
from cifar_tui.events import Progressed
from cifar_tui.text import safe_text

UNPACKING_PREFIX = ".unpacking-"
LEFTOVER_SECONDS = 3_600.0
"""A folder under way for so long belongs to a process that was killed."""


class Fetch:
    """The way of one data set into a folder."""

    def __init__(
        self,
        data_set: NamedDataSet,
        published: Published,
        data_dir: Path,
        report: Report,
        stop_requested: Callable[[], bool],
    ) -> None:
        """Remember what is fetched, and whom to tell."""
        self._data_set = data_set
        self._published = published
        self._data_dir = data_dir
        self._files = data_dir / data_set.folder
        self._report = report
        self._stop_requested = stop_requested

    def run(self) -> None:
        """Download what is not here already, and unpack it.

        Raises DataUnavailable, DataDamaged, StopRequested, and BadInput where the folder cannot be written.
        """
        into = (self._data_dir / self._published.downloads[0].file).parent
        try:
            into.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise cannot_write(into, error) from error
        with self._alone_in(into):
            if not self._published.first_damaged(self._files):
                return  # another process has fetched it in the meantime
            for number, one in enumerate(self._published.downloads, 1):
                if not intact(self._data_dir / one.file, one.md5):
                    self._download(one, number)
            if self._data_set.archive:
                self._report(Progressed(f"Unpacking {self._data_set.title}", 0, None, "", 0.0))
                self._unpack(self._data_dir / self._data_set.archive)

    @contextlib.contextmanager
    def _alone_in(self, folder: Path) -> Iterator[None]:
        """Wait until no other process fetches into the folder, and keep others waiting. Raises StopRequested."""
        descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        started = time.monotonic()
        try:
            while not _locked(descriptor):
                if self._stop_requested():
                    raise StopRequested
                waited = time.monotonic() - started
                self._report(Progressed("Waiting for another download to the same folder", 0, None, "", waited))
                time.sleep(0.2)
            yield
        finally:
            os.close(descriptor)

    def _download(self, one: Download, number: int) -> None:
        """Fetch a file from the first address that has it. Raises DataUnavailable or DataDamaged, with the ways out."""
        path = self._data_dir / one.file
        count = len(self._published.downloads)
        title = self._data_set.title if count == 1 else f"{self._data_set.title} ({number} of {count})"
        failures: list[DataUnavailable | DataDamaged] = []
        for url in self._addresses(one):
            try:
                download(Source(_checked(url), one.md5, title), path, self._report, self._stop_requested)
                return
            except (DataUnavailable, DataDamaged) as error:
                if isinstance(error.__cause__, OSError) and error.__cause__.errno in NO_ROOM:
                    raise self._no_room() from error
                failures.append(error)
        ways_out = self._ways_out(one)
        if all(isinstance(error, DataDamaged) for error in failures):
            raise DataDamaged(f"{' '.join(map(str, failures))} {ways_out}") from failures[-1]
        absent = describe_absence(self._data_dir, self._data_set, self._published.first_damaged(self._files))
        reasons = "; ".join(str(error).removesuffix(".") for error in failures)
        raise DataUnavailable(f"{absent} and could not be downloaded: {reasons}. {ways_out}") from failures[-1]

    def _addresses(self, one: Download) -> tuple[str, ...]:
        """Return the addresses to try: torchvision's, or the mirror's alone."""
        mirror = os.environ.get(self._data_set.mirror_variable)
        if not mirror:
            return one.urls
        return (mirror if self._data_set.archive else f"{mirror.rstrip('/')}/{Path(one.file).name}",)

    def _ways_out(self, failed: Download) -> str:
        wanted = [
            one for one in self._published.downloads if one is failed or not intact(self._data_dir / one.file, one.md5)
        ]
        *names, last = (Path(one.file).name for one in wanted)
        listed = f"{', '.join(names)} and {last}" if names else last
        place = safe_text(str((self._data_dir / failed.file).parent))
        return (
            f"Check the connection and try again, put {listed} into {place} by hand, name a mirror with "
            f"{self._data_set.mirror_variable}, or use --data FOLDER for images of your own, or --data synthetic."
        )

    def _no_room(self) -> DataUnavailable:
        return DataUnavailable(
            f"{self._data_set.title} does not fit in {safe_text(str(self._data_dir))}: it needs about "
            f"{self._data_set.megabytes} MB. Make room, choose another --data-dir, or use --data synthetic."
        )

    def _unpack(self, archive: Path) -> None:
        """Unpack beside the final place, verify, and only then take it.

        Raises DataDamaged, DataUnavailable where there is no room, BadInput where it cannot be written, StopRequested.
        """
        try:
            _remove_leftovers(self._data_dir)
            with tempfile.TemporaryDirectory(prefix=UNPACKING_PREFIX, dir=self._data_dir) as temporary:
                with tarfile.open(archive, "r:gz") as tar:
                    tar.extractall(temporary, members=self._until_stopped(tar), filter="data")
                fresh = Path(temporary) / self._data_set.folder
                if self._published.first_damaged(fresh):
                    shown = safe_text(str(archive))
                    raise DataDamaged(f"{shown} is not {self._data_set.title}. Delete it and start again.")
                if self._files.exists():
                    self._files.replace(Path(temporary) / "damaged before")
                fresh.replace(self._files)
        except (tarfile.TarError, EOFError) as error:
            raise DataDamaged(f"{safe_text(str(archive))} cannot be unpacked. Delete it and start again.") from error
        except OSError as error:
            if error.errno in NO_ROOM:
                raise self._no_room() from error
            raise cannot_write(self._data_dir, error) from error

    def _until_stopped(self, tar: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
        for member in tar:
            if self._stop_requested():
                raise StopRequested
            yield member


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True  # some network file systems know no locks of folders; the checksums protect there too
    return True


def _checked(url: str) -> str:
    """Return an address. Raises DataUnavailable for what is none."""
    try:
        parts = urllib.parse.urlsplit(url)
    except ValueError:
        parts = urllib.parse.urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname or not url.isascii():
        raise DataUnavailable(f"{safe_text(url)} is not an http or https address")
    return parts.geturl()


def _remove_leftovers(folder: Path) -> None:
    """Remove what a process that was killed had unpacked."""
    for leftover in folder.glob(f"{UNPACKING_PREFIX}*"):
        if time.time() - leftover.stat().st_mtime > LEFTOVER_SECONDS:
            shutil.rmtree(leftover, ignore_errors=True)
