import dataclasses
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from cifar_tui.data_sets import DATA_NAMES
from cifar_tui.engine.data import image_folder
from cifar_tui.engine.data.dataset import DataSet, Split
from cifar_tui.engine.data.image_file import Pixels
from cifar_tui.engine.data.load import _part, load, load_test
from cifar_tui.engine.data.source import check_source, with_data_of
from cifar_tui.engine.data.synthetic import draw_images
from cifar_tui.errors import BadInput, CifarTuiError, DataDamaged, StopRequested
from cifar_tui.events import Noted, Progressed
from cifar_tui.presets import preset
from cifar_tui.recipe import Recipe

NAMES = tuple(f"class{number}" for number in range(10))


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Ten classes of one colour each, in several sizes, modes and endings."""
    for split, count in (("train", 3), ("test", 2)):
        for label, name in enumerate(NAMES):
            place = tmp_path / "pictures" / split / name
            place.mkdir(parents=True)
            for number in range(count):
                side = (32, 32) if number == 0 else (40 + number, 64)
                picture = Image.new("RGB", side, (label * 25, 100 + number, 7))
                if number == 1:
                    picture = picture.convert("RGBA")
                picture.save(place / f"{number}.{'PNG' if number == 1 else 'png'}", "PNG")
    return tmp_path / "pictures"


def recipe_for(folder: Path | str, **changes: object) -> Recipe:
    changes.setdefault("batch_size", 10)
    return dataclasses.replace(preset("quick"), data=str(folder), **changes)  # type: ignore[arg-type]


def loaded(recipe: Recipe, said: list[Progressed | Noted] | None = None) -> DataSet:
    said = [] if said is None else said
    return load(recipe, said.append, lambda: False)


def test_a_folder_of_pictures_becomes_images_of_32_by_32(folder: Path) -> None:
    said: list[Progressed | Noted] = []
    data = loaded(recipe_for(folder), said)
    assert data.train.pixels.shape == (30, 32, 32, 3)
    assert data.test.pixels.shape == (20, 32, 32, 3)
    assert data.classes == NAMES
    assert data.train.labels.tolist() == [label for label in range(10) for _ in range(3)]
    for label in range(10):
        assert (data.train.pixels[3 * label : 3 * label + 3, :, :, 0] == label * 25).all()
    assert isinstance(said[-1], Progressed)
    assert (said[-1].done, said[-1].total, said[-1].unit) == (50, 50, "images")
    assert not data.synthetic


def test_pictures_are_resized_as_the_tutorial_resizes_them(folder: Path) -> None:
    from torchvision.transforms import Resize

    random = np.random.default_rng(0)
    path = folder / "train" / NAMES[0] / "2.png"
    picture = Image.fromarray(random.integers(0, 256, (57, 83, 3), dtype=np.uint8))
    picture.save(path)
    assert (loaded(recipe_for(folder)).train.pixels[2] == np.asarray(Resize((32, 32))(picture))).all()


def test_the_second_start_reads_no_image(folder: Path) -> None:
    first = loaded(recipe_for(folder))
    again: Callable[[str], Pixels] = lambda file: pytest.fail("an image was read again")  # noqa: E731
    second = image_folder.load_folder(folder, lambda progress: None, lambda: False, read=again)
    assert (first.train.pixels == second.train.pixels).all()
    assert (first.test.pixels == second.test.pixels).all()


@pytest.mark.parametrize("change", ["changed", "added", "removed"])
def test_the_kept_array_is_made_anew_when_the_files_change(folder: Path, change: str) -> None:
    loaded(recipe_for(folder))
    path = folder / "train" / NAMES[3] / "0.png"
    if change == "removed":
        path.unlink()
    else:
        new = path if change == "changed" else path.with_name("new.png")
        Image.new("RGB", (32, 32), (255, 255, 255)).save(new)
        os.utime(new, ns=(1, 1))
    data = loaded(recipe_for(folder))
    assert len(data.train.labels) == {"changed": 30, "added": 31, "removed": 29}[change]
    assert (data.train.pixels == 255).all(axis=(1, 2, 3)).any() == (change != "removed")


@pytest.mark.parametrize("damage", [b"", b"\x93NUMPY junk", b"x" * 200])
def test_a_damaged_cache_is_made_anew(folder: Path, damage: bytes) -> None:
    before = loaded(recipe_for(folder)).train.pixels.copy()
    for kept in Path(os.environ["XDG_CACHE_HOME"]).rglob("*.npy"):
        kept.write_bytes(damage)
    assert (loaded(recipe_for(folder)).train.pixels == before).all()
    for note in Path(os.environ["XDG_CACHE_HOME"]).rglob("*.json"):
        note.write_bytes(damage)
    assert (loaded(recipe_for(folder)).train.pixels == before).all()


def test_a_cache_that_cannot_be_kept_is_no_error(folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert len(loaded(recipe_for(folder)).train.labels) == 30


@pytest.mark.parametrize("content", [b"", b"no picture", b"\xff\xd8\xff\xe0 cut"])
def test_an_unreadable_picture_is_named(folder: Path, content: bytes) -> None:
    (folder / "test" / NAMES[4] / "0.png").write_bytes(content)
    with pytest.raises(DataDamaged, match=r"test/class4/0\.png"):
        loaded(recipe_for(folder))


def test_a_cut_picture_is_named(folder: Path) -> None:
    random = np.random.default_rng(0)
    path = folder / "train" / NAMES[1] / "0.png"
    Image.fromarray(random.integers(0, 256, (32, 32, 3), dtype=np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:1_000])
    with pytest.raises(DataDamaged, match=r"train/class1/0\.png"):
        loaded(recipe_for(folder))


def test_a_picture_that_would_fill_the_memory_is_refused(folder: Path) -> None:
    Image.new("1", (10_000, 6_000)).save(folder / "train" / NAMES[1] / "0.png")
    with pytest.raises(DataDamaged, match="too many"):
        loaded(recipe_for(folder))


def test_reading_pictures_can_be_stopped(folder: Path) -> None:
    with pytest.raises(StopRequested):
        load(recipe_for(folder), lambda progress: None, lambda: True)


def remove(path: Path) -> None:
    for file in path.iterdir():
        file.unlink()
    path.rmdir()


@pytest.mark.parametrize(
    ("breakage", "words"),
    [
        (lambda folder: remove(folder / "test" / NAMES[2]), "class2"),
        (lambda folder: (folder / "test" / "other").mkdir(), "other"),
        (lambda folder: (folder / "train" / "eleventh").mkdir(), "'eleventh' is in .*train and not in"),
        (lambda folder: (folder / "test").rename(folder / "exam"), "not a data set"),
    ],
)
def test_a_folder_that_is_no_data_set_is_refused_at_once(folder: Path, breakage: object, words: str) -> None:
    breakage(folder)  # type: ignore[operator]
    with pytest.raises(BadInput, match=words):
        check_source(recipe_for(folder))


def test_a_class_without_pictures_is_named(folder: Path) -> None:
    for file in (folder / "test" / NAMES[5]).iterdir():
        file.unlink()
    with pytest.raises(BadInput, match="class5"):
        loaded(recipe_for(folder))


def test_what_is_neither_a_folder_nor_a_known_data_set_is_answered_with_the_choices() -> None:
    with pytest.raises(BadInput, match=", ".join(DATA_NAMES)):
        check_source(recipe_for("imagenet"))
    for known in ("cifar10", "synthetic"):
        check_source(recipe_for(known))


def test_parts_are_balanced_and_always_the_same(folder: Path) -> None:
    data = loaded(recipe_for(folder, train_images=13, test_images=10))
    assert np.bincount(data.train.labels, minlength=10).tolist() == [2, 2, 2, 1, 1, 1, 1, 1, 1, 1]
    assert np.bincount(data.test.labels, minlength=10).tolist() == [1] * 10
    again = loaded(recipe_for(folder, train_images=13, test_images=10, seed=5))
    assert (data.train.pixels == again.train.pixels).all()


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"train_images": 31}, "only 30"), ({"test_images": 21}, "only 20"), ({"batch_size": 31}, "batch of 31")],
)
def test_more_images_than_there_are_is_refused(folder: Path, changes: dict[str, object], words: str) -> None:
    with pytest.raises(CifarTuiError, match=words):
        loaded(recipe_for(folder, **changes))


def test_a_part_that_cannot_be_balanced_names_the_class(folder: Path) -> None:
    (folder / "train" / NAMES[6] / "0.png").unlink()
    (folder / "train" / NAMES[6] / "1.PNG").unlink()
    with pytest.raises(BadInput, match="class6 has only 1"):
        loaded(recipe_for(folder, train_images=20))


@pytest.mark.slow
def test_synthetic_pictures_are_the_same_every_time_and_balanced() -> None:
    said: list[Progressed] = []
    one, other = draw_images(said.append), draw_images(said.append)
    assert one.synthetic
    assert "synthetic" in one.description
    assert (one.train.pixels == other.train.pixels).all()
    assert one.train.pixels.shape == (10_000, 32, 32, 3)
    assert one.test.pixels.shape == (2_000, 32, 32, 3)
    assert np.bincount(one.train.labels).tolist() == [1_000] * 10
    assert np.bincount(one.test.labels).tolist() == [200] * 10
    assert said[-1].done == said[-1].total == 12_000


@pytest.mark.slow
def test_synthetic_pictures_cannot_be_told_by_their_mean_colours() -> None:
    data = draw_images(lambda progress: None)
    means = data.train.pixels.mean(axis=(1, 2))
    centres = np.stack([means[data.train.labels == label].mean(axis=0) for label in range(10)])
    distance = ((data.test.pixels.mean(axis=(1, 2))[:, None] - centres) ** 2).sum(axis=2)
    assert (distance.argmin(axis=1) == data.test.labels).mean() < 0.2


@given(st.lists(st.integers(0, 9), min_size=10, max_size=200), st.integers(10, 200))
def test_a_part_is_balanced_and_in_the_old_order_or_refused(labels: list[int], images: int) -> None:
    pixels = np.arange(len(labels), dtype=np.uint8)[:, None, None, None].repeat(3, axis=3)
    split = Split(pixels, np.array(labels, dtype=np.int64))
    wanted = [images // 10 + (label < images % 10) for label in range(10)]
    enough = all(labels.count(label) >= count for label, count in enumerate(wanted))
    if not enough:
        with pytest.raises(BadInput, match="only"):
            _part(split, images, NAMES, "training")
        return
    part = _part(split, images, NAMES, "training")
    assert np.bincount(part.labels, minlength=10).tolist() == wanted
    assert (np.diff(part.pixels[:, 0, 0, 0].astype(int)) > 0).all()
    assert all(labels[index] == label for index, label in zip(part.pixels[:, 0, 0, 0], part.labels, strict=True))


def test_a_part_that_cannot_be_balanced_names_the_rarest_class(folder: Path) -> None:
    for label, left in ((2, 2), (6, 1)):
        for number in range(left, 3):
            (folder / "train" / NAMES[label] / f"{number}.{'PNG' if number == 1 else 'png'}").unlink()
    with pytest.raises(BadInput, match=r"class6 has only 1 .* choose 10 or fewer"):
        loaded(recipe_for(folder, train_images=27))


def test_few_synthetic_pictures_come_balanced_and_more_than_there_are_is_refused() -> None:
    data = loaded(recipe_for("synthetic", train_images=25, test_images=10))
    assert np.bincount(data.train.labels).tolist() == [3] * 5 + [2] * 5
    with pytest.raises(BadInput, match="only 2,000 test images"):
        loaded(recipe_for("synthetic", train_images=10, test_images=2_001))


def test_images_held_out_are_balanced_and_not_trained_on(folder: Path) -> None:
    whole = loaded(recipe_for(folder))
    data = loaded(recipe_for(folder, validation_images=10))
    assert data.held_out is not None
    assert sorted(data.held_out.labels.tolist()) == list(range(10))
    assert np.bincount(data.train.labels).tolist() == [2] * 10
    together = np.concatenate([data.train.pixels, data.held_out.pixels])
    assert sorted(image.tobytes() for image in together) == sorted(image.tobytes() for image in whole.train.pixels)
    assert np.array_equal(data.test.pixels, whole.test.pixels)


def test_more_images_held_out_than_there_are_is_refused(folder: Path) -> None:
    with pytest.raises(BadInput, match="leave none to train on"):
        loaded(recipe_for(folder, validation_images=30))
    with pytest.raises(BadInput, match="only 30 training images"):
        loaded(recipe_for(folder, validation_images=40))


@pytest.mark.parametrize("too_many", ["batch_size", "train_images", "test_images", "validation_images"])
def test_test_images_alone_ask_for_nothing_that_training_needs(folder: Path, too_many: str) -> None:
    everything = loaded(recipe_for(folder))
    shutil.rmtree(folder / "train")
    recipe = recipe_for(folder, **{too_many: 500})
    check_source(recipe, ("test",))
    data = load_test(recipe, lambda _: None, lambda: False)
    assert (len(data.train.labels), len(data.test.labels)) == (0, 20)
    assert data.test.checksum() == everything.test.checksum()
    with pytest.raises(BadInput, match="train"):
        check_source(recipe)


def test_synthetic_test_images_are_the_same_without_those_to_train_on() -> None:
    recipe = recipe_for("synthetic", train_images=200, test_images=100)
    assert load_test(recipe, lambda _: None, lambda: False).test.checksum() == loaded(recipe).test.checksum()


@pytest.fixture
def unsplit(tmp_path: Path) -> Path:
    """Three classes of 8, 5 and 2 images, each image of another colour."""
    for label, (name, count) in enumerate((("ant", 8), ("bee", 5), ("cow", 2))):
        place = tmp_path / "animals" / name
        place.mkdir(parents=True)
        for number in range(count):
            Image.new("RGB", (32, 32), (label * 80, number * 20, 7)).save(place / f"{number}.png")
    return tmp_path / "animals"


def colours(split: Split) -> list[tuple[int, int]]:
    return [(int(red), int(green)) for red, green in split.pixels[:, 0, 0, :2]]


def test_a_share_of_every_class_is_for_the_test_by_the_seed(unsplit: Path) -> None:
    recipe = recipe_for(unsplit, test_share=0.25, classes=3, batch_size=4)
    assert check_source(recipe) == 3
    data = loaded(recipe)
    assert data.classes == ("ant", "bee", "cow")
    assert np.bincount(data.train.labels).tolist() == [6, 4, 1]
    assert np.bincount(data.test.labels).tolist() == [2, 1, 1]
    everything = [(label * 80, number * 20) for label, count in enumerate((8, 5, 2)) for number in range(count)]
    assert sorted(colours(data.train) + colours(data.test)) == everything
    assert colours(loaded(recipe).test) == colours(data.test)
    assert colours(load_test(recipe, lambda _: None, lambda: False).test) == colours(data.test)
    assert colours(loaded(dataclasses.replace(recipe, seed=1)).test) != colours(data.test)


def test_a_class_of_one_image_cannot_be_split(unsplit: Path) -> None:
    (unsplit / "cow" / "0.png").unlink()
    with pytest.raises(BadInput, match="Class cow has 1 image"):
        loaded(recipe_for(unsplit, test_share=0.1, classes=3, batch_size=4))


def test_images_of_other_classes_than_the_networks_are_refused(unsplit: Path, folder: Path) -> None:
    with pytest.raises(BadInput, match=r"tells 10 classes apart, and these images \(images in animals\) have 3"):
        loaded(recipe_for(unsplit, test_share=0.25, batch_size=4))
    assert with_data_of(recipe_for("synthetic"), str(folder)).classes == 10


@pytest.mark.parametrize("data", ["cifar10", "synthetic"])
def test_what_has_test_images_is_not_split(data: str) -> None:
    with pytest.raises(BadInput, match=f"{data} has test images already"):
        recipe_for(data, test_share=0.2).check()


def test_fewer_images_than_classes_are_refused(unsplit: Path) -> None:
    with pytest.raises(BadInput, match="2 training images are too few for 3 classes"):
        loaded(recipe_for(unsplit, test_share=0.25, classes=3, batch_size=1, train_images=2))
