"""CIFAR-100, MNIST and Fashion-MNIST from small files of their own form: fetched, verified, read."""

import errno
import fcntl
import gzip
import io
import os
import pickle
import struct
import tarfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pytest

from cifar_tui.data_sets import DATA_SETS
from cifar_tui.engine.data import download as download_module
from cifar_tui.engine.data.dataset import DataSet
from cifar_tui.engine.data.torchvision_data import load_named
from cifar_tui.errors import BadInput, DataDamaged, DataUnavailable, StopRequested
from cifar_tui.events import Progressed
from tests.engine.data.test_torchvision_data import Server, md5
from tests.quick_torchvision import CIFAR100, MNIST, FashionMNIST, datasets

FINE = [f"fine_{number}" for number in range(100)]
NAMES = ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", "t10k-images-idx3-ubyte.gz")
LAST = "t10k-labels-idx1-ubyte.gz"
Images = npt.NDArray[np.uint8]


def cifar100() -> tuple[bytes, type[CIFAR100]]:
    """A small archive of the official form, and a class that knows its checksums."""
    random = np.random.default_rng(0)
    files = {}
    for name, count in (("train", 200), ("test", 100)):
        fine = [index % 100 for index in range(count)]
        batch = {"data": random.integers(0, 256, (count, 3072), dtype=np.uint8), "fine_labels": fine}
        files[name] = pickle.dumps({**batch, "coarse_labels": [0] * count}, protocol=2)
    files["meta"] = pickle.dumps({"fine_label_names": FINE, "coarse_label_names": ["fish"]}, protocol=2)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(f"cifar-100-python/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    archive = gzip.compress(packed.getvalue(), compresslevel=1, mtime=0)

    class Small(CIFAR100):  # type: ignore[misc]
        url = "http://127.0.0.1:9/unset"
        tgz_md5 = md5(archive)
        train_list: ClassVar = [["train", md5(files["train"])]]
        test_list: ClassVar = [["test", md5(files["test"])]]
        meta: ClassVar = {"filename": "meta", "key": "fine_label_names", "md5": md5(files["meta"])}

    return archive, Small


def idx(array: Images, kind: int = 0x0800) -> bytes:
    header = struct.pack(f">{1 + array.ndim}I", kind + array.ndim, *array.shape)
    return gzip.compress(header + array.tobytes(), compresslevel=1, mtime=0)


def digits(seed: int = 0, label_limit: int = 10, side: int = 28) -> dict[str, bytes]:
    """The four files, of 60 and 40 images."""
    random = np.random.default_rng(seed)
    files = {}
    for split, count in (("train", 60), ("t10k", 40)):
        files[f"{split}-images-idx3-ubyte.gz"] = idx(random.integers(0, 256, (count, side, side), dtype=np.uint8))
        files[f"{split}-labels-idx1-ubyte.gz"] = idx((np.arange(count) % label_limit).astype(np.uint8))
    return files


def knowing(files: dict[str, bytes], kind: type[Any] = MNIST) -> type[MNIST]:
    """A class of torchvision's form that knows the checksums of these files."""
    resources = [(name, md5(content)) for name, content in files.items()]
    return type("Small", (kind,), {"resources": resources, "mirrors": ["http://127.0.0.1:9/unset/"]})


class Files(Server):
    """Serves several files on loopback, below any folder but `lost/`, and remembers which were asked for."""

    def __init__(self, files: dict[str, bytes]) -> None:
        super().__init__(b"")
        self.files = files
        self.asked: list[str] = []
        self.root = self.url.rpartition("/")[0]

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        self.asked.append(handler.path)
        name = handler.path.rpartition("/")[2]
        if name not in self.files or "/lost/" in handler.path:
            handler.send_error(404)
            return
        self.archive = self.files[name]
        super().answer(handler)


def serving(server: Server) -> Iterator[Any]:
    thread = threading.Thread(target=server.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.server.shutdown()
    server.server.server_close()
    thread.join()


@pytest.fixture
def files() -> dict[str, bytes]:
    return digits()


@pytest.fixture
def known(files: dict[str, bytes]) -> type[MNIST]:
    return knowing(files)


@pytest.fixture
def server(files: dict[str, bytes], known: type[MNIST], monkeypatch: pytest.MonkeyPatch) -> Iterator[Files]:
    monkeypatch.setattr(download_module, "WAIT_SECONDS", 0.01)
    server = Files(files)
    known.mirrors = [f"{server.root}/"]
    yield from serving(server)


def load(
    folder: Path, known: type[Any], said: list[Progressed] | None = None, name: str = "mnist", stopping: bool = False
) -> DataSet:
    said = [] if said is None else said
    return load_named(DATA_SETS[name], folder, said.append, lambda: stopping, known)


def place(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def left(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_cifar100_is_fetched_and_read_with_its_fine_labels(tmp_path: Path) -> None:
    archive, small = cifar100()
    for server in serving(Server(archive)):
        small.url = server.url
        data = load(tmp_path, small, name="cifar100")
    assert (data.description, data.classes) == ("CIFAR-100", tuple(FINE))
    assert (data.train.pixels.shape, data.test.pixels.shape) == ((200, 32, 32, 3), (100, 32, 32, 3))
    assert data.test.labels.tolist() == list(range(100))
    assert left(tmp_path) == [small.filename, *(f"cifar-100-python/{name}" for name in ("meta", "test", "train"))]


def test_digits_are_fetched_framed_and_repeated_to_three_channels(
    tmp_path: Path, files: dict[str, bytes], known: type[MNIST], server: Files
) -> None:
    said: list[Progressed] = []
    data = load(tmp_path, known, said)
    assert (data.description, data.synthetic) == ("MNIST", False)
    assert data.classes == ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    assert (data.train.pixels.shape, data.test.pixels.shape) == ((60, 32, 32, 3), (40, 32, 32, 3))
    raw = np.frombuffer(gzip.decompress(files[NAMES[2]]), np.uint8, offset=16).reshape(-1, 28, 28)
    assert (data.test.pixels[:, 2:30, 2:30] == raw[..., None]).all()
    frame = np.ones((32, 32), dtype=bool)
    frame[2:30, 2:30] = False
    assert (data.test.pixels[:, frame] == 0).all()
    assert data.test.labels.tolist() == [index % 10 for index in range(40)]
    assert left(tmp_path) == sorted(f"MNIST/raw/{name}" for name in files)
    bytes_of = [progress.what for progress in said if progress.unit == "bytes"]
    assert list(dict.fromkeys(bytes_of)) == [f"Downloading MNIST ({number} of 4)" for number in (1, 2, 3, 4)]


def test_torchvision_reads_what_was_fetched(
    tmp_path: Path, files: dict[str, bytes], known: type[MNIST], server: Files, capfd: pytest.CaptureFixture[str]
) -> None:
    load(tmp_path, known)
    theirs = type("MNIST", (MNIST,), {"resources": known.resources, "mirrors": ["http://127.0.0.1:9/"]})
    read = theirs(root=str(tmp_path), train=False, download=True)
    assert (read.data.numpy() == load(tmp_path, known).test.pixels[:, 2:30, 2:30, 0]).all()


def test_a_file_that_is_here_is_not_fetched_again(
    tmp_path: Path, files: dict[str, bytes], known: type[MNIST], server: Files
) -> None:
    place(tmp_path / "MNIST" / "raw", {name: files[name] for name in NAMES})
    load(tmp_path, known)
    assert server.asked == [f"/{LAST}"]
    load(tmp_path, known)
    assert len(server.asked) == 1


def test_addresses_are_tried_in_order(tmp_path: Path, known: type[MNIST], server: Files) -> None:
    known.mirrors = ["http://127.0.0.1:9/", f"{server.root}/lost/", f"{server.root}/here/"]
    assert len(load(tmp_path, known).train.labels) == 60
    assert server.asked == [f"/{folder}/{name}" for name in (*NAMES, LAST) for folder in ("lost", "here")]


def test_every_address_that_fails_is_named_with_the_files_to_put_by_hand(
    tmp_path: Path, files: dict[str, bytes], known: type[MNIST], server: Files
) -> None:
    known.mirrors = ["http://127.0.0.1:9/", f"{server.root}/lost/"]
    place(tmp_path / "MNIST" / "raw", {NAMES[0]: files[NAMES[0]]})
    with pytest.raises(DataUnavailable) as refusal:
        load(tmp_path, known)
    assert str(refusal.value) == (
        f"MNIST in {tmp_path} is incomplete (MNIST/raw/{NAMES[1]} is missing or has another checksum) and could not be "
        "downloaded: 127.0.0.1:9 cannot be reached: Connection refused; "
        f"{server.root.removeprefix('http://')} answered 404 Not Found. Check the connection and try again, put "
        f"{NAMES[1]}, {NAMES[2]} and {LAST} into {tmp_path / 'MNIST' / 'raw'} by hand, name a mirror with "
        "CIFAR_TUI_MNIST_URL, or use --data FOLDER for images of your own, or --data synthetic."
    )
    place(tmp_path / "MNIST" / "raw", files)
    assert len(load(tmp_path, known).train.labels) == 60


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_mirror_holds_the_same_files(
    tmp_path: Path, known: type[MNIST], server: Files, monkeypatch: pytest.MonkeyPatch, slash: str
) -> None:
    known.mirrors = ["http://127.0.0.1:9/"]
    monkeypatch.setenv("CIFAR_TUI_MNIST_URL", f"{server.root}/mine{slash}")
    assert len(load(tmp_path, known).train.labels) == 60
    assert server.asked[0] == f"/mine/{NAMES[0]}"
    monkeypatch.setenv("CIFAR_TUI_FASHION_MNIST_URL", "ftp://no")
    with pytest.raises(DataUnavailable, match=r"ftp://no/.* is not an http or https address\. .*_FASHION_MNIST_URL"):
        load(tmp_path, known, name="fashion-mnist")


@pytest.mark.fault(19)
def test_a_cut_connection_goes_on_where_it_broke_and_a_flipped_byte_is_fetched_again(
    tmp_path: Path, known: type[MNIST], server: Files
) -> None:
    server.cut_after = [9_000]
    server.flip_first = 0
    assert len(load(tmp_path / "cut", known).train.labels) == 60
    assert server.ranges[:2] == [None, "bytes=9000-"]
    server.flip_first = 1
    assert len(load(tmp_path / "flipped", known).train.labels) == 60
    server.flip_first = 9
    with pytest.raises(DataDamaged, match=r"is not MNIST \(1 of 4\): its checksum was wrong twice\. Check"):
        load(tmp_path / "wrong", known)
    assert left(tmp_path / "wrong") == []


@pytest.mark.fault(19)
@pytest.mark.parametrize("damage", ["cut", "missing", "flipped"])
def test_a_damaged_file_is_fetched_again_alone(
    tmp_path: Path, files: dict[str, bytes], known: type[MNIST], server: Files, damage: str
) -> None:
    damaged = place(tmp_path / "MNIST" / "raw", files) / NAMES[2]
    content = bytearray(files[NAMES[2]])
    content[100] ^= 1
    damaged.unlink()
    if damage != "missing":
        damaged.write_bytes(content if damage == "flipped" else content[:50])
    assert len(load(tmp_path, known).test.labels) == 40
    assert server.asked == [f"/{NAMES[2]}"]


def test_a_download_can_be_stopped_and_resumed(tmp_path: Path, known: type[MNIST], server: Files) -> None:
    with pytest.raises(StopRequested):
        load(tmp_path, known, stopping=True)
    (part,) = left(tmp_path)
    assert part == f"MNIST/raw/{NAMES[0]}.part"
    load(tmp_path, known)
    assert str(server.ranges[1]).startswith("bytes=")


def test_processes_that_start_at_once_fetch_each_file_once(
    tmp_path: Path, files: dict[str, bytes], known: type[MNIST], server: Files
) -> None:
    with ThreadPoolExecutor(max_workers=3) as pool:
        loads = [pool.submit(load, tmp_path, known) for _ in range(3)]
    assert [len(done.result().train.labels) for done in loads] == [60, 60, 60]
    assert sorted(server.asked) == sorted(f"/{name}" for name in files)


def test_waiting_for_another_process_can_be_stopped(tmp_path: Path, known: type[MNIST]) -> None:
    said: list[Progressed] = []
    place(tmp_path / "MNIST" / "raw", {})
    descriptor = os.open(tmp_path / "MNIST" / "raw", os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        with pytest.raises(StopRequested):
            load_named(DATA_SETS["mnist"], tmp_path, said.append, lambda: len(said) > 2, known)
    finally:
        os.close(descriptor)
    assert said[-1].what == "Waiting for another download to the same folder"


def test_what_a_download_left_is_no_data_set(tmp_path: Path, known: type[MNIST]) -> None:
    place(tmp_path / "MNIST" / "raw", {f"{NAMES[0]}.part": b"x"})
    with pytest.raises(DataUnavailable, match=rf"^MNIST is not in {tmp_path} and could not"):
        load(tmp_path, known)


@pytest.mark.parametrize("named", ["", "MNIST", "MNIST/raw"])
def test_torchvisions_folders_are_taken_at_every_level(
    tmp_path: Path, files: dict[str, bytes], known: type[MNIST], server: Files, named: str
) -> None:
    place(tmp_path / "MNIST" / "raw", {name: files[name] for name in NAMES})
    assert len(load(tmp_path / named, known).train.labels) == 60
    assert left(tmp_path) == sorted(f"MNIST/raw/{name}" for name in files), "the missing one was put beside them"


def test_a_folder_of_another_name_is_read_and_never_written_to(
    tmp_path: Path, files: dict[str, bytes], known: type[MNIST], server: Files
) -> None:
    own = place(tmp_path / "digits", files)
    assert len(load(own, known).train.labels) == 60
    (own / LAST).unlink()
    with pytest.raises(DataDamaged, match=rf"digits/{LAST} is missing or has another checksum"):
        load(own, known)
    assert server.asked == []


@pytest.mark.parametrize("folder", ["digits", "MNIST/raw"])
def test_the_files_of_fashion_mnist_are_not_taken_for_mnist(
    tmp_path: Path, known: type[MNIST], server: Files, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    clothes = digits(seed=1)
    monkeypatch.setattr(datasets, "FashionMNIST", knowing(clothes, FashionMNIST))
    own = place(tmp_path / folder, clothes)
    with pytest.raises(DataDamaged, match=r"is Fashion-MNIST, not MNIST: use --data fashion-mnist\."):
        load(own, known)
    data = load(own, knowing(clothes, FashionMNIST), name="fashion-mnist")
    assert data.classes[:2] == ("T-shirt/top", "Trouser")
    assert server.asked == []


def test_unpacked_files_are_called_that(tmp_path: Path, known: type[MNIST]) -> None:
    place(tmp_path, {"train-images-idx3-ubyte": b"x"})
    with pytest.raises(DataUnavailable, match=r"is of its unpacked version, and its \.gz version is needed"):
        load(tmp_path, known)


WRONG = {
    "no gzip": {NAMES[2]: b"no gzip"},
    "cut gzip": {NAMES[2]: gzip.compress(b"x" * 1_000)[:-9]},
    "no header": {LAST: gzip.compress(b"abc")},
    "floats": {LAST: idx(np.zeros(40, dtype=np.uint8), kind=0x0D00)},
    "too few pixels": {NAMES[2]: gzip.compress(struct.pack(">4I", 0x0803, 40, 28, 28) + b"x" * 99)},
    "no images": {NAMES[2]: idx(np.zeros((0, 28, 28), dtype=np.uint8)), LAST: idx(np.zeros(0, dtype=np.uint8))},
    "more labels": {LAST: idx(np.zeros(41, dtype=np.uint8))},
    "an eleventh class": {LAST: idx(np.full(40, 10, dtype=np.uint8))},
    "another size": {NAMES[2]: idx(np.zeros((40, 30, 30), dtype=np.uint8))},
}


@pytest.mark.fault(19)
@pytest.mark.parametrize("content", WRONG.values(), ids=WRONG)
def test_files_without_such_images_are_noticed(
    tmp_path: Path, files: dict[str, bytes], content: dict[str, bytes]
) -> None:
    files |= content
    place(tmp_path / "MNIST" / "raw", files)
    with pytest.raises(DataDamaged, match=r"MNIST/raw does not contain MNIST images\. Delete it and start again\."):
        load(tmp_path, knowing(files))


def test_a_file_that_changes_while_it_is_read_is_noticed(
    tmp_path: Path, files: dict[str, bytes], known: type[MNIST], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = place(tmp_path / "MNIST" / "raw", files)
    read = Path.read_bytes

    def change_last(path: Path) -> bytes:
        (folder / LAST).write_bytes(b"changed")
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", change_last)
    with pytest.raises(DataDamaged, match="changed while it was being read"):
        load(tmp_path, known)


def test_a_full_disk_says_how_much_is_needed(
    tmp_path: Path, known: type[MNIST], server: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*values: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    known.mirrors *= 2
    monkeypatch.setattr(download_module, "_copy", full)
    with pytest.raises(DataUnavailable, match=r"^MNIST does not fit in .*: it needs about 12 MB"):
        load(tmp_path, known)
    assert len(server.asked) == 1, "another address would not help"


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, known: type[MNIST]) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match=r"Cannot write to .*file/data/MNIST/raw"):
        load(tmp_path / "file" / "data", known)
