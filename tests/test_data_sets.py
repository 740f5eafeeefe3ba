from pathlib import Path
from urllib.parse import urlsplit

import pytest

from cifar_tui.data_sets import DATA_SETS, NamedDataSet, held_by
from tests.quick_torchvision import datasets

EACH = pytest.mark.parametrize("data_set", DATA_SETS.values(), ids=DATA_SETS)


@EACH
def test_a_data_set_is_described_as_torchvision_has_it(data_set: NamedDataSet) -> None:
    known = getattr(datasets, data_set.torchvision)
    if data_set.archive:
        assert (data_set.folder, data_set.archive) == (known.base_folder, known.filename)
        assert data_set.first_file == known.train_list[0][0]
    else:
        assert data_set.folder == f"{known.__name__}/raw"
        assert data_set.first_file == known.resources[0][0]
        assert data_set.classes == len(known.classes)


def test_every_mirror_variable_has_the_same_form() -> None:
    assert DATA_SETS["cifar10"].mirror_variable == "CIFAR_TUI_CIFAR10_URL"
    assert DATA_SETS["fashion-mnist"].mirror_variable == "CIFAR_TUI_FASHION_MNIST_URL"


@EACH
def test_a_folder_is_recognized_by_the_files_in_it(tmp_path: Path, data_set: NamedDataSet) -> None:
    assert held_by(tmp_path) is None
    for number, name in enumerate(filter(None, (data_set.folder, data_set.archive))):
        place = tmp_path / str(number)
        (place / name).mkdir(parents=True)
        assert held_by(place) is data_set
    own = tmp_path / "own"
    own.mkdir()
    (own / data_set.first_file).touch()
    assert held_by(own, data_set.name) is data_set
    other = tmp_path / "other"
    (other / data_set.other_versions[0][0]).mkdir(parents=True)
    assert held_by(other) is data_set


def test_a_folder_of_images_is_no_data_set_with_a_name(tmp_path: Path) -> None:
    for split in ("train", "test"):
        (tmp_path / split / "cat").mkdir(parents=True)
    assert held_by(tmp_path) is None


@EACH
def test_the_page_of_commands_has_the_data_set_and_its_mirror(data_set: NamedDataSet) -> None:
    page = (Path(__file__).parents[1] / "docs" / "commands.md").read_text(encoding="utf-8")
    (row,) = (line for line in page.splitlines() if line.startswith(f"| `{data_set.name}` |"))
    assert f"`{data_set.mirror_variable}`" in row
    assert (data_set.archive or f"{data_set.folder}/") in row
    urls = getattr(datasets, data_set.torchvision)
    hosts = [urlsplit(url).hostname for url in getattr(urls, "mirrors", None) or [urls.url]]
    assert all(str(host) in row for host in hosts)
