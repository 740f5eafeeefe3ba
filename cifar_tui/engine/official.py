"""The official CIFAR-10 through torchvision: downloaded when absent, verified before use, never half accepted."""

import os
import shutil
import tarfile
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np

from cifar_tui.engine.data import CLASSES, SIDE, DataSet, Report, Split
from cifar_tui.engine.download import Source, download
from cifar_tui.errors import BadInput, DataDamaged, DataUnavailable, cannot_write
from cifar_tui.events import Progressed
from cifar_tui.text import safe_text

MIRROR_VARIABLE = "CIFAR_TUI_CIFAR10_URL"
"""Names another address of the same archive, for machines that cannot reach the official one."""
WAYS_OUT = "Check the connection and try again, or use --data FOLDER for pictures you have, or --data synthetic."


class Archive(Protocol):
    """What torchvision knows of the data set: addresses and checksums. `torchvision.datasets.CIFAR10` is one."""

    base_folder: str
    url: str
    filename: str
    tgz_md5: str
    train_list: list[list[str]]
    test_list: list[list[str]]
    meta: dict[str, str]


def load_official(
    folder: Path, report: Report, stop_asked: Callable[[], bool], archive: type[Archive] | None = None
) -> DataSet:
    """CIFAR-10 from `folder`, fetched into it first where it is not there whole.

    `archive` stands for torchvision's class in tests. Raises DataUnavailable, DataDamaged, BadInput or StopAsked.
    """
    if archive is None:
        report(Progressed("Loading torchvision", 0, None, "", 0.0))
        from torchvision.datasets import CIFAR10

        archive = CIFAR10
    report(Progressed("Checking CIFAR-10", 0, None, "", 0.0))
    if not _is_whole(folder / archive.base_folder, archive):
        _fetch(folder, archive, report, stop_asked)
    train, classes = _read(folder, archive, train=True)
    test, _ = _read(folder, archive, train=False)
    return DataSet("CIFAR-10", False, classes, train, test)


def _is_whole(folder: Path, archive: type[Archive]) -> bool:
    from torchvision.datasets.utils import check_integrity

    members = [*archive.train_list, *archive.test_list, [archive.meta["filename"], archive.meta["md5"]]]
    return all(check_integrity(str(folder / name), md5) for name, md5 in members)


def _fetch(folder: Path, archive: type[Archive], report: Report, stop_asked: Callable[[], bool]) -> None:
    """Download the archive unless it is here already, and unpack it."""
    from torchvision.datasets.utils import check_integrity

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(folder, error) from error
    path = folder / archive.filename
    if not check_integrity(str(path), archive.tgz_md5):
        url = os.environ.get(MIRROR_VARIABLE) or archive.url
        try:
            download(Source(url, archive.tgz_md5, "CIFAR-10"), path, report, stop_asked)
        except DataUnavailable as error:
            where = safe_text(str(folder))
            raise DataUnavailable(
                f"CIFAR-10 is not in {where} and could not be downloaded: {error}. {WAYS_OUT}"
            ) from error
    report(Progressed("Unpacking CIFAR-10", 0, None, "", 0.0))
    _unpack(path, folder, archive)


def _unpack(path: Path, folder: Path, archive: type[Archive]) -> None:
    """Unpack beside the final place, verify, and only then take it. Raises DataDamaged or DataUnavailable."""
    try:
        with tempfile.TemporaryDirectory(prefix=".unpacking-", dir=folder) as temporary:
            with tarfile.open(path, "r:gz") as tar:
                tar.extractall(temporary, filter="data")
            fresh = Path(temporary) / archive.base_folder
            if not _is_whole(fresh, archive):
                raise DataDamaged(f"{safe_text(str(path))} does not hold CIFAR-10. Remove it and start again.")
            final = folder / archive.base_folder
            if final.exists():
                final.replace(Path(temporary) / "damaged before")
            fresh.replace(final)
    except (tarfile.TarError, EOFError) as error:
        raise DataDamaged(f"{safe_text(str(path))} cannot be unpacked. Remove it and start again.") from error
    except OSError as error:
        needed = "about 400 MB are needed" if shutil.disk_usage(folder).free < 400_000_000 else error.strerror
        raise BadInput(f"CIFAR-10 cannot be unpacked in {safe_text(str(folder))}: {needed}.") from error


def _read(folder: Path, archive: type[Archive], train: bool) -> tuple[Split, tuple[str, ...]]:
    """One split, read by torchvision from files whose checksums were right a moment ago."""
    with warnings.catch_warnings():
        # NumPy warns of the old pickles inside; nobody can change those.
        warnings.simplefilter("ignore")
        # Any: torchvision has no types; what it gives is checked below.
        read = archive(root=str(folder), train=train)  # type: ignore[call-arg]
    pixels = np.ascontiguousarray(read.data)  # type: ignore[attr-defined]
    labels = np.asarray(read.targets, dtype=np.int64)  # type: ignore[attr-defined]
    classes = tuple(safe_text(str(name), 40) for name in read.classes)  # type: ignore[attr-defined]
    shaped = pixels.dtype == np.uint8 and pixels.shape == (len(labels), SIDE, SIDE, 3)
    if not shaped or len(classes) != CLASSES or labels.min() < 0 or labels.max() >= CLASSES:
        raise DataDamaged(f"{safe_text(str(folder / archive.base_folder))} does not hold CIFAR-10 images.")
    return Split(pixels, labels), classes
