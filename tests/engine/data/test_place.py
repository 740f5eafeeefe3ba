"""CIFAR-10's files as they lie on people's disks, and folders that are named one level off."""

import dataclasses
import gzip
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from cifar_tui.engine.data.source import check_source
from cifar_tui.errors import BadInput, DataDamaged, DataUnavailable
from cifar_tui.presets import preset
from cifar_tui.recipe import Recipe
from tests.engine.data.test_torchvision_data import load, make_archive
from tests.quick_torchvision import CIFAR10

Small = tuple[bytes, type[CIFAR10]]
BASE, PACKED = "cifar-10-batches-py", "cifar-10-python.tar.gz"


@pytest.fixture
def archive() -> Small:
    return make_archive()


@pytest.fixture
def place(tmp_path: Path, archive: Small) -> Path:
    """A folder with the unpacked files, and with nothing else."""
    folder = tmp_path / "my data"
    folder.mkdir()
    (folder / PACKED).write_bytes(archive[0])
    load(folder, archive[1])
    (folder / PACKED).unlink()
    return folder


def recipe_for(*, data: str = "cifar10", data_dir: Path | str = "data") -> Recipe:
    return dataclasses.replace(preset("quick"), data=data, data_dir=str(data_dir))


def refusal(recipe: Recipe) -> str:
    with pytest.raises(BadInput) as refused:
        check_source(recipe)
    return str(refused.value)


def advised_folder(sentence: str) -> Path:
    """The folder that a sentence says to name."""
    words = shlex.split(sentence.partition(" use ")[2])
    return Path(words[words.index("--data-dir") + 1].removesuffix("."))


def test_the_files_own_folder_is_taken_too(place: Path, archive: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = load(place, archive[1]).train.checksum()
    assert load(place / BASE, archive[1]).train.checksum() == expected
    monkeypatch.chdir(place / BASE)
    assert load(Path(), archive[1]).train.checksum() == expected
    assert sorted(path.name for path in place.iterdir()) == [BASE]


def test_the_files_own_folder_may_have_another_name(place: Path, archive: Small) -> None:
    expected = load(place, archive[1]).train.checksum()
    (place / BASE).rename(place / "cifar")
    assert load(place / "cifar", archive[1]).train.checksum() == expected
    (place / "cifar" / "data_batch_3").write_bytes(b"changed")
    with pytest.raises(DataDamaged, match=r"cifar/data_batch_3 is missing or has another checksum"):
        load(place / "cifar", archive[1])
    assert sorted(path.name for path in place.iterdir()) == ["cifar"]


def test_a_folder_that_only_looks_like_it_runs_nothing(
    tmp_path: Path, archive: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cifar").mkdir()
    (tmp_path / "cifar" / "data_batch_1").write_bytes(b"cos\nsystem\n(S'touch ran'\ntR.")
    with pytest.raises(DataDamaged, match="data_batch_1 is missing or has another checksum"):
        load(tmp_path / "cifar", archive[1])
    assert not Path("ran").exists()


def test_a_damaged_file_is_named_where_nothing_can_be_fetched(place: Path, archive: Small) -> None:
    (place / BASE / "data_batch_3").write_bytes(b"changed")
    with pytest.raises(
        DataUnavailable, match=rf"is damaged \({BASE}/data_batch_3 is missing or has another checksum\)"
    ):
        load(place, archive[1])


def test_an_archive_that_a_browser_has_gunzipped_is_unpacked_as_advised(tmp_path: Path, archive: Small) -> None:
    folder = tmp_path / "my data"
    folder.mkdir()
    (folder / "cifar-10-python.tar").write_bytes(gzip.decompress(archive[0]))
    with pytest.raises(DataUnavailable, match=r"is not unpacked \(tar -xf .* does that\)") as absent:
        load(folder, archive[1])
    subprocess.run(shlex.split(re.search(r"\((.*) does that\)", str(absent.value))[1]), check=True)  # type: ignore[index]
    assert len(load(folder, archive[1]).train.labels) == 100


@pytest.mark.parametrize(
    ("name", "version"),
    [("cifar-10-batches-bin", "binary"), ("cifar-10-binary.tar.gz", "binary"), ("cifar-10-batches-mat", "Matlab")],
)
def test_another_version_is_called_by_its_name(tmp_path: Path, archive: Small, name: str, version: str) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(
        DataUnavailable, match=rf"\({name} is of its {version} version, and its Python version is needed"
    ):
        load(tmp_path, archive[1])


def test_the_archive_itself_as_the_folder_says_which_one_to_name(tmp_path: Path, archive: Small) -> None:
    folder = tmp_path / "my data"
    folder.mkdir()
    (folder / PACKED).write_bytes(archive[0])
    sentence = refusal(recipe_for(data_dir=folder / PACKED))
    assert sentence.startswith(f"--data-dir takes a folder, and {folder / PACKED} is a file: use --data-dir ")
    assert len(load(advised_folder(sentence), archive[1]).train.labels) == 100


def test_another_archive_as_the_folder_says_how_to_unpack_it(tmp_path: Path, archive: Small) -> None:
    file = tmp_path / "cifar-10-python (1).tar.gz"
    file.write_bytes(archive[0])
    sentence = refusal(recipe_for(data_dir=file))
    unpacking = re.search(r"unpack it with (.*) and use ", sentence)
    assert unpacking is not None
    subprocess.run(shlex.split(unpacking[1]), check=True)
    assert len(load(advised_folder(sentence), archive[1]).train.labels) == 100


@pytest.mark.parametrize("name", ["x" * 300, "no\0name", "there/is/none"])
def test_a_folder_that_is_not_there_is_left_to_the_download(name: str) -> None:
    check_source(recipe_for(data_dir=name))


def test_images_that_are_cifar10s_own_files_point_to_the_other_option(place: Path, archive: Small) -> None:
    (place.parent / "packed").mkdir()
    packed = place.parent / "packed" / PACKED
    packed.write_bytes(archive[0])
    for data in (place, place / BASE, packed, packed.parent):
        sentence = refusal(recipe_for(data=str(data)))
        words = f"{data} is CIFAR-10 in its own files, no folder of images: use --data cifar10 --data-dir "
        assert sentence.startswith(words)
        assert len(load(advised_folder(sentence), archive[1]).train.labels) == 100


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        *(("CIFAR10", "cifar10"), ("cifar-10", "cifar10"), ("CIFAR_10", "cifar10"), ("Synthetic", "synthetic")),
        *(("CIFAR-100", "cifar100"), ("MNIST", "mnist"), ("FashionMNIST", "fashion-mnist")),
    ],
)
def test_a_name_of_data_in_another_spelling_is_recognized(tmp_path: Path, typed: str, meant: str) -> None:
    sentence = refusal(recipe_for(data=str(tmp_path / typed)))
    assert sentence == f"There is no folder {tmp_path / typed}. Did you mean --data {meant}?"
    check_source(recipe_for(data=meant))
