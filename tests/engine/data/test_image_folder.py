import os
import time
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from cifar_tui.engine.data import image_folder
from cifar_tui.engine.data.dataset import DataSet
from cifar_tui.engine.data.image_file import Pixels
from cifar_tui.engine.data.image_folder import Listing, check_folder, load_folder
from cifar_tui.errors import BadInput, DataDamaged, StopRequested
from cifar_tui.events import Progressed
from cifar_tui.files.atomic_write import TEMPORARY_PREFIX

NAMES = tuple(f"class{number}" for number in range(10))


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "cifar-tui" / "pictures"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Ten classes of one picture each in train/ and in test/."""
    for split, blue in (("train", 10), ("test", 20)):
        for label, name in enumerate(NAMES):
            place = tmp_path / "pictures" / split / name
            place.mkdir(parents=True)
            Image.new("RGB", (32, 32), (label * 25, 100, blue)).save(place / "0.png")
    return tmp_path / "pictures"


Reader = Callable[[str], Pixels]


def loaded(folder: Path, read: Reader = image_folder.read_resized, chunk: int = image_folder.CHUNK) -> DataSet:
    return load_folder(folder, lambda progress: None, lambda: False, read, chunk)


def test_hidden_entries_other_files_and_folders_that_look_like_pictures_are_passed_over(folder: Path) -> None:
    (folder / "train" / ".thumbnails").mkdir()
    (folder / "train" / "notes.txt").write_text("")
    place = folder / "train" / NAMES[0]
    (place / "._0.jpg").write_bytes(b"what a Mac leaves behind")
    (place / "Thumbs.db").write_bytes(b"")
    (place / "album.png").mkdir()
    check_folder(folder)
    assert len(loaded(folder).train.labels) == 10


def test_endings_are_read_in_any_case_and_links_are_followed(folder: Path, tmp_path: Path) -> None:
    place = folder / "train" / NAMES[0]
    Image.new("RGB", (32, 32), "white").save(place / "1.JPEG")
    Image.new("RGB", (32, 32), "white").save(tmp_path / "elsewhere.png")
    (place / "2.Png").symlink_to(tmp_path / "elsewhere.png")
    pixels = loaded(folder).train.pixels[:3]
    assert pixels[:, 0, 0, 0].tolist() == [0, 255, 255]


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK"])
def test_every_mode_becomes_rgb_as_pillow_converts_it(folder: Path, mode: str) -> None:
    random = np.random.default_rng(0)
    picture = Image.fromarray(random.integers(0, 256, (32, 32, 3), dtype=np.uint8)).convert(mode)
    path = folder / "train" / NAMES[0] / ("0.jpg" if mode == "CMYK" else "0.png")
    path.with_name("0.png").unlink()
    picture.save(path)
    with Image.open(path) as saved:
        expected = np.asarray(saved.convert("RGB"))
    assert (loaded(folder).train.pixels[0] == expected).all()


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_class_without_pictures_is_noticed_before_anything_starts(folder: Path, split: str) -> None:
    (folder / split / NAMES[5] / "0.png").unlink()
    with pytest.raises(BadInput, match=rf"class5 has no images in .*/{split}\."):
        check_folder(folder)


@pytest.mark.parametrize("name", ["x" * 300, "no\0name", "there/is/none"])
def test_what_no_folder_can_be_is_answered_with_the_choices(name: str) -> None:
    with pytest.raises(BadInput, match="--data takes cifar10, synthetic"):
        check_folder(Path(name))


def test_a_folder_that_may_not_be_read_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(BadInput, match=r"Cannot read .*/train: Permission denied\."):
        check_folder(folder)


@pytest.mark.fault(21)
def test_names_that_could_steer_a_terminal_are_shown_harmlessly(folder: Path) -> None:
    (folder / "train" / NAMES[2] / "a\x1b[2J\n.png").write_bytes(b"no picture")
    with pytest.raises(DataDamaged) as damage:
        loaded(folder)
    assert str(damage.value).isprintable()


def test_a_dangling_link_is_named(folder: Path) -> None:
    (folder / "test" / NAMES[7] / "gone.jpg").symlink_to(folder / "nowhere")
    with pytest.raises(DataDamaged, match=r"test/class7/gone\.jpg: No such file"):
        loaded(folder)


def test_a_file_that_would_start_another_program_is_not_opened(folder: Path) -> None:
    (folder / "train" / NAMES[1] / "0.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 32 32\n")
    with pytest.raises(DataDamaged, match="it is not an image"):
        loaded(folder)


@pytest.mark.parametrize(("limit", "refused"), [(100, True), (600, False)])
def test_pillows_own_alarm_about_large_pictures_is_a_sentence_or_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch, limit: int, refused: bool
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    if refused:
        with pytest.raises(DataDamaged, match="too large"):
            loaded(folder)
    else:
        assert len(loaded(folder).train.labels) == 10


def slowly(_file: str) -> Pixels:
    """A twentieth of a second for each, as large ones take."""
    time.sleep(0.05)
    return np.zeros((32, 32, 3), dtype=np.uint8)


@pytest.fixture
def given_up(monkeypatch: pytest.MonkeyPatch) -> Callable[[], bool]:
    """Waits until the reading of a folder was given up. Four are read at a time."""
    started: SimpleQueue[image_folder.Decoding] = SimpleQueue()
    decoding = image_folder.Decoding

    def watched(*arguments: Any) -> image_folder.Decoding:
        one = decoding(*arguments)
        for _ in one.files:
            started.put(one)
        return one

    monkeypatch.setattr(image_folder, "Decoding", watched)
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    return lambda: started.get().cancelled.wait(120)


def test_a_stop_does_not_wait_for_the_chunk_under_way(folder: Path, given_up: Callable[[], bool]) -> None:
    read: list[str] = []

    def endless(file: str) -> Pixels:
        read.append(file)
        assert given_up()
        return np.zeros((32, 32, 3), dtype=np.uint8)

    with pytest.raises(StopRequested):
        load_folder(folder, lambda progress: None, lambda: bool(read), endless)
    assert len(read) == 1


def test_progress_is_said_at_the_start_now_and_then_and_at_the_end(folder: Path) -> None:
    said: list[Progressed] = []
    started = time.monotonic()
    load_folder(folder, said.append, lambda: False, slowly)
    reading = [progress for progress in said if progress.what == "Reading images"]
    assert (reading[0].done, reading[0].total) == (0, 20)
    assert (reading[-1].done, reading[-1].total) == (20, 20)
    assert 3 <= len(reading) <= 10 * (time.monotonic() - started) + 2
    assert [progress.done for progress in reading] == sorted(progress.done for progress in reading)


def test_a_picture_that_cannot_be_read_ends_the_reading_of_the_others(
    folder: Path, given_up: Callable[[], bool]
) -> None:
    read = []

    def fail_first(file: str) -> Pixels:
        if "class0" in file:
            raise DataDamaged("Cannot read it.")
        read.append(file)
        assert given_up()
        return slowly(file)

    with pytest.raises(DataDamaged):
        loaded(folder, fail_first, chunk=1)
    assert len(read) < 5


def test_one_folder_keeps_one_file_however_often_it_changes(folder: Path, cache: Path) -> None:
    for number in range(1, 4):
        Image.new("RGB", (32, 32)).save(folder / "train" / NAMES[0] / f"{number}.png")
        loaded(folder)
    assert len(list(cache.iterdir())) == 1


def test_what_a_killed_process_left_in_the_cache_is_removed_and_what_is_under_way_is_not(
    folder: Path, cache: Path
) -> None:
    cache.mkdir(parents=True)
    old, new = cache / f"{TEMPORARY_PREFIX}old", cache / f"{TEMPORARY_PREFIX}new"
    old.write_bytes(b"half")
    new.write_bytes(b"half")
    os.utime(old, (1, 1))
    loaded(folder)
    assert not old.exists()
    assert new.exists()


def test_a_disk_that_fills_up_while_the_array_is_kept_leaves_nothing(
    folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*values: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    assert len(loaded(folder).train.labels) == 10
    assert list(cache.iterdir()) == []


def test_a_single_changed_bit_in_the_kept_array_is_noticed(folder: Path, cache: Path) -> None:
    before = loaded(folder).test.pixels.copy()
    (kept,) = cache.iterdir()
    content = bytearray(kept.read_bytes())
    content[-10_000] ^= 1
    kept.write_bytes(content)
    assert (loaded(folder).test.pixels == before).all()
    assert kept.read_bytes() != bytes(content)


def test_the_kept_array_is_a_file_numpy_can_read(folder: Path, cache: Path) -> None:
    data = loaded(folder)
    (kept,) = cache.iterdir()
    assert (np.load(kept, allow_pickle=False)[:10] == data.train.pixels).all()


LISTING = Listing(("one", "two"), np.zeros(2, dtype=np.int64), 1, "0123456789abcdef")
PIXELS = np.arange(2 * 32 * 32 * 3, dtype=np.uint32).astype(np.uint8).reshape(2, 32, 32, 3)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("kept") / "whole.npy"
    image_folder._write_cache(path, LISTING, PIXELS)
    return path


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300), st.integers(0, 7_000), st.booleans())
@example(b"PK\x03\x04", 0, False)
@example(b"\x93NUMPY\x01\x00\x10\x00" + b"(" * 200, 0, False)
@example(b"", 0, False)
def test_no_damage_to_the_kept_array_is_accepted_or_raises(kept: Path, junk: bytes, place: int, inside: bool) -> None:
    whole = kept.read_bytes()
    content = whole[:place] + junk + (whole[place + len(junk) :] if inside else b"")
    damaged = kept.with_name("damaged.npy")
    damaged.write_bytes(content)
    read = image_folder._read_cache(damaged, LISTING)
    assert (read is None) == (content != whole)
    assert read is None or (read == PIXELS).all()


def test_a_whole_kept_array_of_other_pictures_is_not_taken(kept: Path) -> None:
    other = Listing(LISTING.files, LISTING.labels, 1, "fedcba9876543210")
    assert image_folder._read_cache(kept, other) is None
    assert image_folder._read_cache(kept, Listing(("one",), LISTING.labels[:1], 1, LISTING.fingerprint)) is None
