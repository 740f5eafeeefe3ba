import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from cifar_tui.data_sets import DATA_NAMES
from cifar_tui.engine.data import image_folder
from cifar_tui.engine.data.dataset import DataSet
from cifar_tui.engine.data.image_cache import read_cache, write_cache
from cifar_tui.engine.data.image_file import ImageUnreadable, Pixels
from cifar_tui.engine.data.image_folder import load_folder
from cifar_tui.engine.data.image_listing import SPLITS, WHOLE, Listing, check_folder
from cifar_tui.errors import BadInput, DataDamaged, StopRequested
from cifar_tui.events import Noted, Progressed
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


def loaded(folder: Path, read: Reader = image_folder.read_resized, *, skip: bool = False) -> DataSet:
    return load_folder(folder, lambda progress: None, lambda: False, skip_unreadable=skip, read=read)


def notes(folder: Path, *, skip: bool = False) -> list[str]:
    said: list[Progressed | Noted] = []
    load_folder(folder, said.append, lambda: False, skip_unreadable=skip)
    return [one.text for one in said if isinstance(one, Noted)]


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
    with pytest.raises(BadInput, match=f"--data takes {', '.join(DATA_NAMES)}, or"):
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
    with pytest.raises(DataDamaged, match=r"test/class7/gone\.jpg \(No such file"):
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


def test_a_stop_does_not_wait_for_the_image_under_way(folder: Path) -> None:
    read: list[str] = []
    let_go = threading.Event()

    def endless(file: str) -> Pixels:
        read.append(file)
        let_go.wait(120)
        return np.zeros((32, 32, 3), dtype=np.uint8)

    try:
        with pytest.raises(StopRequested):
            load_folder(folder, lambda progress: None, lambda: bool(read), read=endless)
        assert len(read) == 1
    finally:
        let_go.set()


def test_an_image_that_is_waited_for_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_folder, "SILENT_SECONDS", 0.3)
    said: list[str] = []
    let_go = threading.Event()

    def note(event: Progressed | Noted) -> None:
        if isinstance(event, Noted):
            said.append(event.text)

    def endless(file: str) -> Pixels:
        if file.endswith("train/class3/0.png"):
            let_go.wait(120)
        return image_folder.read_resized(file)

    try:
        with pytest.raises(StopRequested):
            load_folder(folder, note, lambda: bool(said), read=endless)
    finally:
        let_go.set()
    assert said == [f"Waiting for {folder}/train/class3/0.png: its disk may not answer. A stop does not wait."]


def test_a_stop_does_not_wait_for_a_folder_that_never_answers(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, let_go = threading.Event(), threading.Event()
    scandir = os.scandir

    def dead(path: str) -> object:
        asked.set()
        let_go.wait(120)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", dead)
    try:
        with pytest.raises(StopRequested):
            load_folder(folder, lambda progress: None, asked.is_set)
    finally:
        let_go.set()


STUCK = """
import sys, threading
from pathlib import Path
from cifar_tui.engine.data.image_folder import load_folder
from cifar_tui.errors import StopRequested
reading = threading.Event()

def read(file):
    reading.set()
    threading.Event().wait()

try:
    load_folder(Path(sys.argv[1]), lambda progress: None, reading.is_set, read=read)
except StopRequested:
    print("stopped")
"""


@pytest.mark.slow
def test_a_process_ends_while_an_image_never_comes(folder: Path) -> None:
    ended = subprocess.run([sys.executable, "-c", STUCK, folder], capture_output=True, timeout=120, check=True)
    assert ended.stdout == b"stopped\n"


def test_an_error_that_no_image_explains_is_raised(folder: Path) -> None:
    def fail(file: str) -> Pixels:
        raise RuntimeError("a fault of ours")

    with pytest.raises(RuntimeError, match="ours"):
        loaded(folder, fail)


def test_progress_is_said_at_the_start_now_and_then_and_at_the_end(folder: Path) -> None:
    said: list[Progressed | Noted] = []
    started = time.monotonic()
    load_folder(folder, said.append, lambda: False, read=slowly)
    reading = [one for one in said if isinstance(one, Progressed) and one.what == "Reading images"]
    assert (reading[0].done, reading[0].total) == (0, 20)
    assert (reading[-1].done, reading[-1].total) == (20, 20)
    assert 3 <= len(reading) <= 10 * (time.monotonic() - started) + 2
    assert [progress.done for progress in reading] == sorted(progress.done for progress in reading)


def break_images(folder: Path, count: int) -> None:
    """Six kinds of broken files, as often as needed."""
    kinds = [
        b"no image",
        b"",
        b"\x89PNG\r\n\x1a\n cut",
        b"version https://git-lfs.github.com/spec/v1\n",
        b"<html>",
        b"GIF8",
    ]
    for number in range(count):
        (folder / "train" / NAMES[number % 10] / f"bad{number:02}.png").write_bytes(kinds[number % len(kinds)])


def test_every_unreadable_image_is_named_in_one_go(folder: Path) -> None:
    break_images(folder, 6)
    with pytest.raises(DataDamaged) as damage:
        loaded(folder)
    assert str(damage.value).startswith(
        f"6 images of {folder} cannot be read: train/class0/bad00.png (it is not an image), "
    )
    assert "train/class3/bad03.png (it is a Git LFS pointer: git lfs pull gets the file)" in str(damage.value)
    assert "train/class4/bad04.png (it is a web page: download the file again)" in str(damage.value)
    assert "train/class5/bad05.png" in str(damage.value)
    assert str(damage.value).endswith("Delete or replace them, or leave them out with --skip-unreadable.")


def test_ten_unreadable_images_are_named_and_all_counted(folder: Path) -> None:
    break_images(folder, 13)
    with pytest.raises(DataDamaged, match=r"^13 images .*, and 3 more\.") as damage:
        loaded(folder)
    assert str(damage.value).count("bad") == 10


def test_unreadable_images_are_left_out_aloud_when_that_is_asked_for(folder: Path) -> None:
    break_images(folder, 2)
    for _ in range(2):  # the second time from the cache
        (note,) = notes(folder, skip=True)
        assert note.startswith(f"2 images of {folder} cannot be read and are left out: train/class0/bad00.png (")
        data = loaded(folder, skip=True)
        assert len(data.train.labels) == len(data.test.labels) == 10
        assert data.train.pixels[:, 0, 0, 0].tolist() == [label * 25 for label in range(10)]
        assert data.train.labels.tolist() == list(range(10))
    with pytest.raises(DataDamaged, match="2 images"):
        loaded(folder)


def test_images_that_were_left_out_are_read_once_they_can_be(folder: Path) -> None:
    def refuse(file: str) -> Pixels:
        if file.endswith("class3/1.png"):
            raise ImageUnreadable("Input/output error")
        return image_folder.read_resized(file)

    Image.new("RGB", (32, 32), (7, 7, 7)).save(folder / "train" / NAMES[3] / "1.png")
    assert len(loaded(folder, refuse, skip=True).train.labels) == 10
    data = loaded(folder)
    assert len(data.train.labels) == 11
    assert (data.train.pixels[4] == 7).all()
    loaded(folder, lambda file: pytest.fail("an image was read again"))


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_class_of_which_nothing_can_be_read_is_not_left_out(folder: Path, split: str) -> None:
    (folder / split / NAMES[5] / "0.png").write_bytes(b"junk")
    with pytest.raises(BadInput, match=f"No image of class class5 in {split}/ can be read"):
        loaded(folder, skip=True)


def test_what_is_no_regular_file_is_passed_over_and_named(folder: Path) -> None:
    place = folder / "train" / NAMES[5]
    os.mkfifo(place / "pipe.png")
    (place / "null.png").symlink_to("/dev/null")
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as server:
        descriptor = os.open(place, os.O_RDONLY)  # a socket's path may have about 100 bytes
        server.bind(f"/proc/self/fd/{descriptor}/socket.png")
        os.close(descriptor)
        (note,) = notes(folder)
    assert note == (
        "Passed over in pictures: 1 device (train/class5/null.png), 1 named pipe (train/class5/pipe.png), "
        "1 socket (train/class5/socket.png)."
    )
    assert len(loaded(folder).train.labels) == 10


def test_a_pipe_that_takes_the_place_of_an_image_is_not_waited_for(folder: Path) -> None:
    def swapped(file: str) -> Pixels:
        if file.endswith("train/class5/0.png"):
            Path(file).unlink()
            os.mkfifo(file)
        return image_folder.read_resized(file)

    with pytest.raises(DataDamaged, match=r"train/class5/0\.png \(it is not a regular file\)"):
        loaded(folder, swapped)


def test_links_that_go_round_are_passed_over_or_named(folder: Path) -> None:
    place = folder / "train" / NAMES[5]
    (place / "round").symlink_to(place)
    (place / "loop.png").symlink_to(place / "loop.png")
    with pytest.raises(DataDamaged, match=r"^1 image .*loop\.png \(Too many levels of symbolic links\)"):
        loaded(folder)
    assert notes(folder, skip=True)[0] == "Passed over in pictures: 1 folder (train/class5/round)."


@pytest.mark.parametrize("ending", ["webp", "bmp", "gif", "tif", "tiff", "jfif", "JPEG", "WEBP"])
def test_images_of_every_ending_that_can_be_read_are_trained_on(folder: Path, ending: str) -> None:
    kind = {"tif": "TIFF", "tiff": "TIFF", "jfif": "JPEG"}.get(ending, ending.upper())
    Image.new("RGB", (32, 32), "white").save(folder / "train" / NAMES[0] / f"1.{ending}", kind)
    pixels = loaded(folder).train.pixels
    assert len(pixels) == 11
    assert pixels[1, 0, 0].min() > 250
    assert notes(folder) == []


def test_what_is_not_read_is_counted_in_one_line(folder: Path) -> None:
    place = folder / "train" / NAMES[0]
    for number in range(14):
        (place / f"{number}.xyz").write_bytes(b"")
    (place / "more").mkdir()
    (place / "README").write_text("")
    (place / ".DS_Store").write_bytes(b"")
    (place / "Thumbs.db").write_bytes(b"")
    (folder / "train" / "__MACOSX").mkdir()
    (folder / "test" / "@eaDir").mkdir()
    (folder / "test" / "lost+found").mkdir()
    (folder / "train" / ".ipynb_checkpoints").mkdir()
    Image.new("RGB", (32, 32)).save(folder / "train" / "alone.png")
    assert notes(folder) == [
        "Passed over in pictures: 14 .xyz (train/class0/0.xyz), 4 folders (train/__MACOSX), "
        "3 hidden entries (train/.ipynb_checkpoints), 1 image outside of the classes (train/alone.png), "
        "1 file without an ending (train/class0/README)."
    ]
    assert notes(folder) != []  # from the cache, too
    assert len(loaded(folder).train.labels) == 10


def test_a_class_without_images_says_what_it_has(folder: Path) -> None:
    place = folder / "train" / NAMES[1]
    (place / "0.png").rename(place / "0.xyz")
    (place / "more").mkdir()
    with pytest.raises(BadInput, match=r"Class class1 has no images in .*/train \(1 \.xyz, 1 folder\)\.$"):
        check_folder(folder)


NFC, NFD = "caf\u00e9", "cafe\u0301"


@pytest.mark.parametrize(("train", "test"), [(NFC, NFD), (NFD, NFC)])
def test_classes_whose_names_differ_by_their_unicode_form_only_are_one(folder: Path, train: str, test: str) -> None:
    (folder / "train" / NAMES[4]).rename(folder / "train" / train)
    (folder / "test" / NAMES[4]).rename(folder / "test" / test)
    data = loaded(folder)
    assert data.classes[0] == train
    assert data.train.pixels[:, 0, 0, 0].tolist() == data.test.pixels[:, 0, 0, 0].tolist()
    assert data.train.pixels[0, 0, 0, 0] == 100


def test_two_folders_of_one_class_are_read_as_one(folder: Path) -> None:
    for name in (NFC, NFD):
        (folder / "train" / name).mkdir()
        Image.new("RGB", (32, 32), (9, 9, 9)).save(folder / "train" / name / "0.png")
    (folder / "train" / NAMES[4] / "0.png").unlink()
    (folder / "train" / NAMES[4]).rmdir()
    (folder / "test" / NAMES[4]).rename(folder / "test" / NFC)
    data = loaded(folder)
    assert data.train.labels.tolist() == [0, 0, *range(1, 10)]
    assert data.test.labels.tolist() == list(range(10))


def refusal(folder: Path, splits: Sequence[str] = SPLITS) -> str:
    with pytest.raises(BadInput) as refused:
        check_folder(folder, splits)
    return str(refused.value)


def test_classes_of_one_split_alone_are_named(folder: Path) -> None:
    (folder / "train" / "class 4 ").mkdir()
    assert re.search(r"^Class 'class 4 ' is in .*/train and not in .*/test\.$", refusal(folder))
    (folder / "train" / "old").mkdir()
    assert refusal(folder).startswith("Classes 'class 4 ', 'old' are in ")


def test_an_empty_class_is_named(folder: Path) -> None:
    for split in ("train", "test"):
        (folder / split / "old").mkdir()
    assert refusal(folder).startswith("Class old has no images in ")


def test_too_few_classes_are_named_and_empty_ones_are_too(folder: Path) -> None:
    for number in range(1, 10):
        shutil.rmtree(folder / "train" / NAMES[number])
    (folder / "train" / NAMES[0] / "0.png").unlink()
    assert refusal(folder).endswith(
        "/train has 1 class, and a network tells 2 to 1,000 apart: 'class0'. Without images: 'class0'."
    )


@pytest.mark.parametrize("name", ["val", "valid", "validation"])
def test_validation_images_stand_for_test_images(folder: Path, name: str) -> None:
    before = loaded(folder)
    (folder / "test").rename(folder / name)
    after = loaded(folder)
    assert np.array_equal(before.test.pixels, after.test.pixels)
    assert after.classes == before.classes


def test_images_that_are_not_split_name_the_option(folder: Path) -> None:
    shutil.rmtree(folder / "test")
    assert "it needs a folder test/ or val/ with one folder of images per class" in refusal(folder)
    assert "--test-share 0.2" in refusal(folder / "train")
    assert len(check_folder(folder, (WHOLE,))[WHOLE]) == 10, "of train/, where that is all"
    assert check_folder(folder, (WHOLE,)) == check_folder(folder / "train", (WHOLE,))


def test_images_that_are_split_already_are_not_split_again(folder: Path) -> None:
    assert refusal(folder, (WHOLE,)).endswith("has test images already, in test/: leave --test-share out.")


def test_the_test_images_can_be_had_alone(folder: Path) -> None:
    both = loaded(folder)
    (folder / "train").rename(folder / "elsewhere")
    data = load_folder(folder, lambda progress: None, lambda: False, splits=("test",))
    assert len(data.train.labels) == 0
    assert data.classes == both.classes
    assert data.test.checksum() == both.test.checksum()


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
UNREAD = np.zeros(2, dtype=np.bool_)
PIXELS = np.arange(2 * 32 * 32 * 3, dtype=np.uint32).astype(np.uint8).reshape(2, 32, 32, 3)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("kept") / "whole.npy"
    write_cache(path, LISTING, PIXELS, UNREAD)
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
    read = read_cache(damaged, LISTING)
    assert (read is None) == (content != whole)
    assert read is None or ((read[0] == PIXELS).all() and not read[1].any())


def test_a_whole_kept_array_of_other_pictures_is_not_taken(kept: Path) -> None:
    other = Listing(LISTING.files, LISTING.labels, 1, "fedcba9876543210")
    assert read_cache(kept, other) is None
    assert read_cache(kept, Listing(("one",), LISTING.labels[:1], 1, LISTING.fingerprint)) is None
