import errno
import fcntl
import gzip
import hashlib
import http.client
import io
import os
import pickle
import ssl
import tarfile
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from cifar_tui.data_sets import DATA_SETS
from cifar_tui.engine.data import download as download_module
from cifar_tui.engine.data.dataset import DataSet
from cifar_tui.engine.data.torchvision_data import load_named
from cifar_tui.errors import BadInput, DataDamaged, DataUnavailable, StopRequested
from cifar_tui.events import Progressed
from tests.quick_torchvision import CIFAR10

MIRROR_VARIABLE = "CIFAR_TUI_CIFAR10_URL"
CIFAR10_SET = DATA_SETS["cifar10"]
NAMES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]


def md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def make_archive(label_limit: int = 10) -> tuple[bytes, type[CIFAR10]]:
    """A small archive in the official form, and a class that knows its checksums as torchvision's the real ones."""
    random = np.random.default_rng(0)
    files = {}
    for name, count in [(f"data_batch_{number}", 20) for number in range(1, 6)] + [("test_batch", 30)]:
        batch = {
            "data": random.integers(0, 256, (count, 3072), dtype=np.uint8),
            "labels": [index % label_limit for index in range(count)],
        }
        files[name] = pickle.dumps(batch, protocol=2)
    files["batches.meta"] = pickle.dumps({"label_names": NAMES}, protocol=2)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    archive = gzip.compress(packed.getvalue(), compresslevel=1, mtime=0)  # the same bytes in any second

    class Small(CIFAR10):  # type: ignore[misc]
        url = "http://127.0.0.1:9/unset"
        tgz_md5 = md5(archive)
        train_list: ClassVar = [[name, md5(files[name])] for name in files if name.startswith("data")]
        test_list: ClassVar = [["test_batch", md5(files["test_batch"])]]
        meta: ClassVar = {"filename": "batches.meta", "key": "label_names", "md5": md5(files["batches.meta"])}

    return archive, Small


class Server:
    """Serves one archive on loopback, well or badly, and remembers what was asked."""

    def __init__(self, archive: bytes) -> None:
        self.archive = archive
        self.ranges: list[str | None] = []
        self.status = 200
        self.knows_ranges = True
        self.cut_after: list[int] = []
        self.flip_first = 0
        self.page = b""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.answer(self)

            def log_message(self, *values: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/cifar-10-python.tar.gz"

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        asked = handler.headers.get("Range")
        self.ranges.append(asked)
        if self.status != 200:
            handler.send_error(self.status)
            return
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and self.knows_ranges else 0
        if start >= len(self.archive):
            handler.send_error(416)
            return
        content = bytearray(self.page or self.archive[start:])
        if self.flip_first > 0:
            self.flip_first -= 1
            content[len(content) // 2] ^= 1
        handler.send_response(206 if start else 200)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content[: self.cut_after.pop(0)] if self.cut_after else content)
        handler.close_connection = True


@pytest.fixture
def archive() -> tuple[bytes, type[CIFAR10]]:
    return make_archive()


@pytest.fixture
def server(archive: tuple[bytes, type[CIFAR10]], monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(download_module, "WAIT_SECONDS", 0.01)
    server = Server(archive[0])
    archive[1].url = server.url
    thread = threading.Thread(target=server.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.server.shutdown()
    server.server.server_close()
    thread.join()


def load(folder: Path, archive: type[CIFAR10], report: Callable[[Progressed], None] | None = None) -> DataSet:
    return load_named(CIFAR10_SET, folder, report or (lambda progress: None), lambda: False, archive)


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_whole_archive_is_fetched_with_progress_and_read(
    tmp_path: Path, archive: tuple[bytes, type[CIFAR10]], server: Server
) -> None:
    said: list[Progressed] = []
    data = load(tmp_path, archive[1], said.append)
    assert data.description == "CIFAR-10"
    assert not data.synthetic
    assert list(data.classes) == NAMES
    assert data.train.pixels.shape == (100, 32, 32, 3)
    assert data.test.pixels.shape == (30, 32, 32, 3)
    fetched = [progress for progress in said if progress.unit == "bytes"]
    assert (fetched[-1].done, fetched[-1].total) == (len(archive[0]), len(archive[0]))
    assert left(tmp_path) == ["cifar-10-batches-py", "cifar-10-python.tar.gz"]


def test_what_is_there_whole_is_not_fetched_again(
    tmp_path: Path, archive: tuple[bytes, type[CIFAR10]], server: Server
) -> None:
    first = load(tmp_path, archive[1])
    second = load(tmp_path, archive[1])
    assert len(server.ranges) == 1
    assert (first.train.pixels == second.train.pixels).all()


@pytest.mark.fault(19)
def test_a_cut_connection_goes_on_where_it_broke(
    tmp_path: Path, archive: tuple[bytes, type[CIFAR10]], server: Server
) -> None:
    server.cut_after = [100_000, 50_000]
    assert len(load(tmp_path, archive[1]).train.labels) == 100
    assert server.ranges == [None, "bytes=100000-", "bytes=150000-"]


def test_a_later_start_goes_on_where_an_earlier_one_was_left(
    tmp_path: Path, archive: tuple[bytes, type[CIFAR10]], server: Server
) -> None:
    (tmp_path / "cifar-10-python.tar.gz.part").write_bytes(archive[0][:70_000])
    load(tmp_path, archive[1])
    assert server.ranges == ["bytes=70000-"]


def test_a_server_that_knows_no_ranges_sends_all_of_it(
    tmp_path: Path, archive: tuple[bytes, type[CIFAR10]], server: Server
) -> None:
    server.knows_ranges = False
    (tmp_path / "cifar-10-python.tar.gz.part").write_bytes(b"x" * 70_000)
    assert len(load(tmp_path, archive[1]).train.labels) == 100


def test_a_partial_file_that_is_too_long_is_fetched_anew(
    tmp_path: Path, archive: tuple[bytes, type[CIFAR10]], server: Server
) -> None:
    (tmp_path / "cifar-10-python.tar.gz.part").write_bytes(b"x" * (len(archive[0]) + 5))
    assert len(load(tmp_path, archive[1]).train.labels) == 100
    assert server.ranges[-1] is None


@pytest.mark.fault(19)
def test_a_connection_that_brings_nothing_more_is_given_up_and_what_came_is_kept(
    tmp_path: Path, archive: tuple[bytes, type[CIFAR10]], server: Server
) -> None:
    server.cut_after = [90_000, 0, 0, 0]
    with pytest.raises(DataUnavailable, match=r"was lost.*--data synthetic"):
        load(tmp_path, archive[1])
    assert (tmp_path / "cifar-10-python.tar.gz.part").stat().st_size == 90_000
    assert left(tmp_path) == ["cifar-10-python.tar.gz.part"]


@pytest.mark.fault(19)
def test_a_flipped_byte_is_noticed_and_the_file_fetched_again(
    tmp_path: Path, archive: tuple[bytes, type[CIFAR10]], server: Server
) -> None:
    server.flip_first = 1
    assert len(load(tmp_path, archive[1]).train.labels) == 100
    assert server.ranges == [None, None]


@pytest.mark.fault(19)
def test_a_file_that_stays_wrong_is_never_used(
    tmp_path: Path, archive: tuple[bytes, type[CIFAR10]], server: Server
) -> None:
    server.flip_first = 9
    with pytest.raises(DataDamaged, match="wrong twice"):
        load(tmp_path, archive[1])
    assert left(tmp_path) == []


@pytest.mark.parametrize("status", [404, 403, 503])
def test_an_answer_that_is_no_file_says_what_can_be_done(
    tmp_path: Path, archive: tuple[bytes, type[CIFAR10]], server: Server, status: int
) -> None:
    server.status = status
    with pytest.raises(DataUnavailable, match=rf"{status}.*--data FOLDER.*--data synthetic"):
        load(tmp_path, archive[1])


def test_a_refused_connection_says_what_can_be_done(tmp_path: Path, archive: tuple[bytes, type[CIFAR10]]) -> None:
    archive[1].url = "http://127.0.0.1:9/cifar-10-python.tar.gz"
    with pytest.raises(DataUnavailable, match=r"refused.*--data FOLDER") as refusal:
        load(tmp_path, archive[1])
    assert "\n" not in str(refusal.value)


BY_HAND = r"put cifar-10-python\.tar\.gz into .* by hand, name a mirror with CIFAR_TUI_CIFAR10_URL"


@pytest.mark.parametrize(
    ("page", "called"),
    [
        (b"<!DOCTYPE html>\n<html><head><title>Hotel WiFi &amp; more\n log in</title>", "(“Hotel WiFi & more log in”)"),
        (b"\xef\xbb\xbf<HTML><TITLE>\x1b[2J\x07x</TITLE>", "(“�[2J�x”)"),
        (b"<html><p>" + b"no title " * 20_000, "a web page, not"),
        (b"PK\x03\x04 of another kind", "something else"),
    ],
)
def test_a_web_page_is_called_one_and_not_fetched_twice(
    tmp_path: Path, archive: tuple[bytes, type[CIFAR10]], server: Server, page: bytes, called: str
) -> None:
    server.page = page
    with pytest.raises(DataUnavailable, match=BY_HAND) as refusal:
        load(tmp_path, archive[1])
    assert called in str(refusal.value)
    assert (len(server.ranges), left(tmp_path)) == (1, [])


@pytest.fixture
def variables_read_again() -> Iterator[None]:
    """urllib reads the proxies of a process once."""
    urllib.request.install_opener(None)
    yield
    urllib.request.install_opener(None)


@pytest.mark.usefixtures("variables_read_again")
@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY"])
def test_a_refused_proxy_is_called_the_proxy_without_its_password(
    tmp_path: Path, archive: tuple[bytes, type[CIFAR10]], monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, "http://me:secret@127.0.0.1:9")
    archive[1].url = "http://cifar.example/cifar-10-python.tar.gz"
    with pytest.raises(DataUnavailable, match=BY_HAND) as refusal:
        load(tmp_path, archive[1])
    assert f"the proxy 127.0.0.1:9 ({variable}) cannot be reached: Connection refused." in str(refusal.value)
    assert "secret" not in str(refusal.value)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    urllib.request.install_opener(None)
    archive[1].url = "http://127.0.0.1:9/cifar-10-python.tar.gz"
    with pytest.raises(DataUnavailable, match=r"downloaded: 127\.0\.0\.1:9 cannot be reached"):
        load(tmp_path, archive[1])


@pytest.mark.parametrize(
    ("named", "hint"), [(None, "name its file with SSL_CERT_FILE"), ("/no", "SSL_CERT_FILE names")]
)
def test_a_certificate_that_is_not_trusted_names_the_variable(
    tmp_path: Path,
    archive: tuple[bytes, type[CIFAR10]],
    monkeypatch: pytest.MonkeyPatch,
    named: str | None,
    hint: str,
) -> None:
    def refuse(*values: object, **options: object) -> None:
        error = ssl.SSLCertVerificationError(1, "certificate verify failed")
        error.verify_message = "self-signed certificate"
        raise urllib.error.URLError(error)

    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    if named is not None:
        monkeypatch.setenv("SSL_CERT_FILE", named)
    archive[1].url = "https://cifar.example/cifar-10-python.tar.gz"
    with pytest.raises(DataUnavailable, match=BY_HAND) as refusal:
        load(tmp_path, archive[1])
    assert "cifar.example has a certificate that is not trusted (self-signed certificate); " in str(refusal.value)
    assert hint in str(refusal.value)


def test_only_http_is_fetched(
    tmp_path: Path, archive: tuple[bytes, type[CIFAR10]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(MIRROR_VARIABLE, "file:///etc/passwd")
    with pytest.raises(DataUnavailable, match="not an http or https address"):
        load(tmp_path, archive[1])


def test_a_mirror_serves_the_same_archive(
    tmp_path: Path, archive: tuple[bytes, type[CIFAR10]], server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive[1].url = "http://127.0.0.1:9/official"
    monkeypatch.setenv(MIRROR_VARIABLE, server.url)
    assert len(load(tmp_path, archive[1]).train.labels) == 100


def test_a_download_can_be_stopped_and_keeps_what_came(
    tmp_path: Path, archive: tuple[bytes, type[CIFAR10]], server: Server
) -> None:
    with pytest.raises(StopRequested):
        load_named(CIFAR10_SET, tmp_path, lambda progress: None, lambda: True, archive[1])
    assert left(tmp_path) == ["cifar-10-python.tar.gz.part"]


@pytest.mark.fault(19)
@pytest.mark.parametrize("damage", ["cut", "missing", "flipped"])
def test_an_unpacked_folder_that_is_damaged_is_put_right_from_the_archive(
    tmp_path: Path, archive: tuple[bytes, type[CIFAR10]], server: Server, damage: str
) -> None:
    load(tmp_path, archive[1])
    path = tmp_path / "cifar-10-batches-py" / "data_batch_3"
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.unlink()
    if damage != "missing":
        path.write_bytes(content if damage == "flipped" else content[:50])
    assert len(load(tmp_path, archive[1]).train.labels) == 100
    assert len(server.ranges) == 1
    assert left(tmp_path) == ["cifar-10-batches-py", "cifar-10-python.tar.gz"]


@pytest.mark.fault(19)
def test_a_label_that_is_no_class_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content, archive = make_archive(label_limit=12)
    (tmp_path / "cifar-10-python.tar.gz").write_bytes(content)
    with pytest.raises(DataDamaged, match="does not contain CIFAR-10 images"):
        load(tmp_path, archive)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, archive: tuple[bytes, type[CIFAR10]]) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="Cannot write"):
        load(tmp_path / "file" / "data", archive[1])


def test_torchvisions_own_address_and_checksum_are_the_default() -> None:
    assert CIFAR10.url.startswith("https://")
    assert load_named.__defaults__ == (None,)


def test_processes_that_start_at_once_fetch_once_and_all_read_it(
    tmp_path: Path, archive: tuple[bytes, type[CIFAR10]], server: Server
) -> None:
    with ThreadPoolExecutor(max_workers=3) as pool:
        loads = [pool.submit(load, tmp_path, archive[1]) for _ in range(3)]
    assert [len(done.result().train.labels) for done in loads] == [100, 100, 100]
    assert len(server.ranges) == 1
    assert left(tmp_path) == ["cifar-10-batches-py", "cifar-10-python.tar.gz"]


def test_waiting_for_another_process_can_be_stopped(tmp_path: Path, archive: tuple[bytes, type[CIFAR10]]) -> None:
    said: list[Progressed] = []
    descriptor = os.open(tmp_path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        with pytest.raises(StopRequested):
            load_named(CIFAR10_SET, tmp_path, said.append, lambda: len(said) > 1, archive[1])
    finally:
        os.close(descriptor)
    assert said[-1].what.startswith("Waiting for another download")


def test_what_a_killed_process_had_unpacked_is_removed(
    tmp_path: Path, archive: tuple[bytes, type[CIFAR10]], server: Server
) -> None:
    half = tmp_path / ".unpacking-killed" / "cifar-10-batches-py"
    half.mkdir(parents=True)
    (half / "data_batch_1").write_bytes(b"half")
    os.utime(half.parent, (1, 1))
    assert len(load(tmp_path, archive[1]).train.labels) == 100
    assert left(tmp_path) == ["cifar-10-batches-py", "cifar-10-python.tar.gz"]


def test_unpacking_can_be_stopped_and_leaves_only_the_archive(
    tmp_path: Path, archive: tuple[bytes, type[CIFAR10]]
) -> None:
    (tmp_path / "cifar-10-python.tar.gz").write_bytes(archive[0])
    with pytest.raises(StopRequested):
        load_named(CIFAR10_SET, tmp_path, lambda progress: None, lambda: True, archive[1])
    assert left(tmp_path) == ["cifar-10-python.tar.gz"]


def test_a_damaged_folder_without_its_archive_is_fetched_again(
    tmp_path: Path, archive: tuple[bytes, type[CIFAR10]], server: Server
) -> None:
    load(tmp_path, archive[1])
    (tmp_path / "cifar-10-python.tar.gz").unlink()
    (tmp_path / "cifar-10-batches-py" / "test_batch").write_bytes(b"damaged")
    assert len(load(tmp_path, archive[1]).train.labels) == 100
    assert server.ranges == [None, None]


def test_a_partial_file_that_is_whole_already_is_taken(
    tmp_path: Path, archive: tuple[bytes, type[CIFAR10]], server: Server
) -> None:
    (tmp_path / "cifar-10-python.tar.gz.part").write_bytes(archive[0])
    assert len(load(tmp_path, archive[1]).train.labels) == 100
    assert server.ranges == [f"bytes={len(archive[0])}-"]


@pytest.mark.parametrize("step", ["download", "unpack"])
def test_a_full_disk_says_how_much_is_needed(
    tmp_path: Path, archive: tuple[bytes, type[CIFAR10]], server: Server, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def full(*values: object, **options: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    if step == "download":
        monkeypatch.setattr(download_module, "_copy", full)
    else:
        monkeypatch.setattr(tarfile.TarFile, "extractall", full)
    with pytest.raises(DataUnavailable, match="needs about 400 MB"):
        load(tmp_path, archive[1])


@pytest.mark.parametrize("address", ["http://[::1/x", "http://exämple/ü", "http://", "ftp://host/x", "file"])
def test_an_address_that_is_none_is_one_sentence(
    tmp_path: Path, archive: tuple[bytes, type[CIFAR10]], monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv(MIRROR_VARIABLE, address)
    with pytest.raises(DataUnavailable, match=r"is not an http or https address\. Check"):
        load(tmp_path, archive[1])


def test_an_archive_that_climbs_out_of_its_folder_is_not_unpacked(
    tmp_path: Path, archive: tuple[bytes, type[CIFAR10]]
) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        tar.addfile(tarfile.TarInfo("../../climbed"), io.BytesIO())
    archive[1].tgz_md5 = md5(packed.getvalue())
    folder = tmp_path / "one" / "two"
    folder.mkdir(parents=True)
    (folder / "cifar-10-python.tar.gz").write_bytes(packed.getvalue())
    with pytest.raises(DataDamaged, match="cannot be unpacked"):
        load(folder, archive[1])
    assert not list(tmp_path.rglob("climbed"))


def test_a_line_that_fails_in_any_way_goes_on_where_it_broke(
    tmp_path: Path, archive: tuple[bytes, type[CIFAR10]], server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, reads = http.client.HTTPResponse.read1, []

    def fail_once(response: http.client.HTTPResponse, count: int) -> bytes:
        reads.append(count)
        if len(reads) == 2:
            raise OSError(errno.EHOSTUNREACH, "No route to host")
        return whole(response, 50_000)

    monkeypatch.setattr(http.client.HTTPResponse, "read1", fail_once)
    assert len(load(tmp_path, archive[1]).train.labels) == 100
    assert server.ranges[0] is None
    assert str(server.ranges[1]).startswith("bytes=")
