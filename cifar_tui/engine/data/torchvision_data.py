"""The named data sets through torchvision: downloaded when absent, verified before use, never half accepted."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from cifar_tui.data_sets import DATA_SETS, NamedDataSet
from cifar_tui.engine.data.dataset import DataSet, Report, Split
from cifar_tui.engine.data.fetch import Fetch
from cifar_tui.engine.data.place import locate
from cifar_tui.engine.data.published import CifarClass, ContentError, MnistClass, Published, intact, publish
from cifar_tui.errors import BadInput, DataDamaged, StopRequested
from cifar_tui.events import Progressed
from cifar_tui.recipe import SIDE
from cifar_tui.text import safe_text


def load_named(
    data_set: NamedDataSet,
    folder: Path,
    report: Report,
    stop_requested: Callable[[], bool],
    known: type[CifarClass] | type[MnistClass] | None = None,
) -> DataSet:
    """Return a data set from `folder`, downloaded into it first where it is not complete.

    `known` stands for torchvision's class in tests; an environment variable of the data set names a mirror, whose
    files have to have the same checksums. Raises DataUnavailable, DataDamaged, BadInput or StopRequested.
    """
    if known is None:
        report(Progressed("Loading torchvision", 0, None, "", 0.0))
    published = publish(data_set, known)
    report(Progressed(f"Checking {data_set.title}", 0, None, "", 0.0))
    try:
        place = locate(folder, data_set)
    except OSError as error:
        raise BadInput(f"Cannot read {safe_text(str(folder))}: {error.strerror or error}.") from error
    if damaged := published.first_damaged(place.files):
        _check_whose(place.files / damaged, data_set)
        if place.data_dir is None:
            shown = safe_text(str(place.files / damaged))
            raise DataDamaged(f"{shown} is missing or has another checksum. Delete the folder, or replace the file.")
        Fetch(data_set, published, place.data_dir, report, stop_requested).run()
    train, classes = _read(data_set, published, place.files, train=True)
    if stop_requested():
        raise StopRequested
    test, _ = _read(data_set, published, place.files, train=False)
    return DataSet(data_set.title, False, classes, train, test)


def _check_whose(path: Path, data_set: NamedDataSet) -> None:
    """Raise DataDamaged for a file of another data set, whose files have the same names."""
    for other in DATA_SETS.values():
        if other is data_set or other.first_file != data_set.first_file:
            continue
        if any(name == path.name and intact(path, md5) for name, md5 in publish(other).files):
            shown = safe_text(str(path))
            raise DataDamaged(f"{shown} is {other.title}, not {data_set.title}: use --data {other.name}.")


def _read(data_set: NamedDataSet, published: Published, folder: Path, train: bool) -> tuple[Split, tuple[str, ...]]:
    """One split and the class names, from files whose checksums were right a moment ago."""
    place = safe_text(str(folder))
    wrong = DataDamaged(f"{place} does not contain {data_set.title} images. Delete it and start again.")
    try:
        found = published.read(folder, train)
    except (OSError, RuntimeError) as error:
        raise DataDamaged(f"{place} changed while it was being read. Start again.") from error
    except ContentError as error:
        raise wrong from error
    count = len(found.labels)
    shape = (count, data_set.side, data_set.side)
    as_expected = found.pixels.dtype == np.uint8 and found.pixels.shape in (shape, (*shape, 3))
    if not (as_expected and count and len(found.classes) == data_set.classes):
        raise wrong
    if found.labels.min() < 0 or found.labels.max() >= data_set.classes:
        raise wrong
    classes = tuple(safe_text(name, 40) for name in found.classes)
    return Split(_as_trained(found.pixels), found.labels), classes


def _as_trained(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return images as uint8 [N, 32, 32, 3]: smaller ones in a black frame, grey ones with three equal channels."""
    margin = (SIDE - pixels.shape[1]) // 2
    if pixels.ndim == 4 and not margin:
        return pixels
    padded = np.zeros((len(pixels), SIDE, SIDE, 3), dtype=np.uint8)
    padded[:, margin : SIDE - margin, margin : SIDE - margin] = pixels if pixels.ndim == 4 else pixels[..., None]
    return padded
