"""The official CIFAR-10 through torchvision: downloaded when absent, verified before use, never half accepted."""

import contextlib
import errno
import fcntl
import os
import shutil
import tarfile
import tempfile
import time
import urllib.parse
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from cifar_tui.engine.data.cifar10_place import Archive, describe_absence, locate
from cifar_tui.engine.data.dataset import DataSet, Report, Split
from cifar_tui.engine.data.download import Source, download
from cifar_tui.errors import BadInput, DataDamaged, DataUnavailable, StopRequested, cannot_write
from cifar_tui.events import Progressed
from cifar_tui.recipe import CLASSES, SIDE
from cifar_tui.text import safe_text

MIRROR_VARIABLE = "CIFAR_TUI_CIFAR10_URL"
"""Names another address of the same archive, for machines that cannot reach the official one."""
MEGABYTES_NEEDED = 400
"""Room for the archive (170 MB) and what is in it (186 MB)."""
NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
UNPACKING_PREFIX = ".unpacking-"
LEFTOVER_SECONDS = 3_600.0
"""A folder under way for so long belongs to a process that was killed."""


def load_cifar10(
    folder: Path, report: Report, stop_requested: Callable[[], bool], archive: type[Archive] | None = None
) -> DataSet:
    """Return CIFAR-10 from `folder`, downloaded into it first where it is not complete.

    `archive` stands for torchvision's class in tests; the environment variable CIFAR_TUI_CIFAR10_URL names a mirror,
    whose archive has to have the same checksum. Raises DataUnavailable, DataDamaged, BadInput or StopRequested.
    """
    if archive is None:
        report(Progressed("Loading torchvision", 0, None, "", 0.0))
        from torchvision.datasets import CIFAR10

        archive = CIFAR10
    report(Progressed("Checking CIFAR-10", 0, None, "", 0.0))
    official = archive.base_folder
    folder, archive = locate(folder, archive)
    if damaged := _damaged(folder / archive.base_folder, archive):
        if archive.base_folder != official:  # a folder of this name is in no archive
            place = safe_text(str(folder / archive.base_folder / damaged))
            raise DataDamaged(f"{place} is missing or has another checksum. Delete the folder, or replace the file.")
        _fetch(folder, archive, report, stop_requested)
    train, classes = _read(folder, archive, train=True)
    test, _ = _read(folder, archive, train=False)
    return DataSet("CIFAR-10", False, classes, train, test)


def _damaged(folder: Path, archive: type[Archive]) -> str:
    """Return the first file that is absent or has another checksum; empty for none. Raises BadInput."""
    from torchvision.datasets.utils import check_integrity

    members = [*archive.train_list, *archive.test_list, [archive.meta["filename"], archive.meta["md5"]]]
    try:
        return next((name for name, md5 in members if not check_integrity(str(folder / name), md5)), "")
    except OSError as error:
        raise BadInput(f"Cannot read {safe_text(str(folder))}: {error.strerror or error}.") from error


def _fetch(folder: Path, archive: type[Archive], report: Report, stop_requested: Callable[[], bool]) -> None:
    """Download the archive unless it is here already, and unpack it."""
    from torchvision.datasets.utils import check_integrity

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(folder, error) from error
    with _alone_in(folder, report, stop_requested):
        if not _damaged(folder / archive.base_folder, archive):
            return  # another process has fetched it in the meantime
        path = folder / archive.filename
        if not check_integrity(str(path), archive.tgz_md5):
            _download(path, archive, report, stop_requested)
        report(Progressed("Unpacking CIFAR-10", 0, None, "", 0.0))
        _unpack(path, folder, archive, stop_requested)


@contextlib.contextmanager
def _alone_in(folder: Path, report: Report, stop_requested: Callable[[], bool]) -> Iterator[None]:
    """Wait until no other process fetches into the folder, and keep others waiting. Raises StopRequested."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    started = time.monotonic()
    try:
        while not _locked(descriptor):
            if stop_requested():
                raise StopRequested
            waited = time.monotonic() - started
            report(Progressed("Waiting for another download of CIFAR-10", 0, None, "", waited))
            time.sleep(0.2)
        yield
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True  # some network file systems know no locks of folders; the checksums protect there too
    return True


def _download(path: Path, archive: type[Archive], report: Report, stop_requested: Callable[[], bool]) -> None:
    """Fetch the archive to `path`. Raises DataUnavailable, with the ways out, where that cannot be done."""
    try:
        download(Source(_address(archive), archive.tgz_md5, "CIFAR-10"), path, report, stop_requested)
    except DataUnavailable as error:
        if isinstance(error.__cause__, OSError) and error.__cause__.errno in NO_ROOM:
            raise _no_room(path.parent) from error
        absent = describe_absence(path.parent, _damaged(path.parent / archive.base_folder, archive))
        raise DataUnavailable(f"{absent} and could not be downloaded: {error}. {_ways_out(path)}") from error
    except DataDamaged as error:
        raise DataDamaged(f"{error} {_ways_out(path)}") from error


def _ways_out(path: Path) -> str:
    return (
        f"Check the connection and try again, put {path.name} into {safe_text(str(path.parent))} by hand, "
        f"name a mirror with {MIRROR_VARIABLE}, or use --data FOLDER for images of your own, or --data synthetic."
    )


def _address(archive: type[Archive]) -> str:
    """The mirror's address or the official one. Raises DataUnavailable for what is none."""
    url = os.environ.get(MIRROR_VARIABLE) or archive.url
    try:
        parts = urllib.parse.urlsplit(url)
    except ValueError:
        parts = urllib.parse.urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname or not url.isascii():
        raise DataUnavailable(f"{safe_text(url)} is not an http or https address")
    return parts.geturl()


def _no_room(folder: Path) -> DataUnavailable:
    return DataUnavailable(
        f"CIFAR-10 does not fit in {safe_text(str(folder))}: it needs about {MEGABYTES_NEEDED} MB. "
        "Make room, choose another --data-dir, or use --data synthetic."
    )


def _unpack(path: Path, folder: Path, archive: type[Archive], stop_requested: Callable[[], bool]) -> None:
    """Unpack beside the final place, verify, and only then take it.

    Raises DataDamaged, DataUnavailable where there is no room, BadInput where it cannot be written, StopRequested.
    """
    try:
        _remove_leftovers(folder)
        with tempfile.TemporaryDirectory(prefix=UNPACKING_PREFIX, dir=folder) as temporary:
            with tarfile.open(path, "r:gz") as tar:
                tar.extractall(temporary, members=_until_stopped(tar, stop_requested), filter="data")
            fresh = Path(temporary) / archive.base_folder
            if _damaged(fresh, archive):
                raise DataDamaged(f"{safe_text(str(path))} is not CIFAR-10. Delete it and start again.")
            final = folder / archive.base_folder
            if final.exists():
                final.replace(Path(temporary) / "damaged before")
            fresh.replace(final)
    except (tarfile.TarError, EOFError) as error:
        raise DataDamaged(f"{safe_text(str(path))} cannot be unpacked. Delete it and start again.") from error
    except OSError as error:
        if error.errno in NO_ROOM:
            raise _no_room(folder) from error
        raise cannot_write(folder, error) from error


def _until_stopped(tar: tarfile.TarFile, stop_requested: Callable[[], bool]) -> Iterator[tarfile.TarInfo]:
    for member in tar:
        if stop_requested():
            raise StopRequested
        yield member


def _remove_leftovers(folder: Path) -> None:
    """Remove what a process that was killed had unpacked."""
    for leftover in folder.glob(f"{UNPACKING_PREFIX}*"):
        if time.time() - leftover.stat().st_mtime > LEFTOVER_SECONDS:
            shutil.rmtree(leftover, ignore_errors=True)


def _read(folder: Path, archive: type[Archive], train: bool) -> tuple[Split, tuple[str, ...]]:
    """One split, read by torchvision from files whose checksums were right a moment ago."""
    place = safe_text(str(folder / archive.base_folder))
    with warnings.catch_warnings():
        # NumPy warns of the old pickles inside; nobody can change those.
        warnings.simplefilter("ignore")
        try:
            # Any: torchvision has no types; what it gives is checked below.
            read = archive(root=str(folder), train=train)  # type: ignore[call-arg]
        except (OSError, RuntimeError) as error:
            raise DataDamaged(f"{place} changed while it was being read. Start again.") from error
    pixels = np.ascontiguousarray(read.data)  # type: ignore[attr-defined]
    labels = np.asarray(read.targets, dtype=np.int64)  # type: ignore[attr-defined]
    classes = tuple(safe_text(str(name), 40) for name in read.classes)  # type: ignore[attr-defined]
    shaped = pixels.dtype == np.uint8 and pixels.shape == (len(labels), SIDE, SIDE, 3)
    if not shaped or len(classes) != CLASSES or labels.min() < 0 or labels.max() >= CLASSES:
        raise DataDamaged(f"{place} does not contain CIFAR-10 images. Delete it and start again.")
    return Split(pixels, labels), classes
