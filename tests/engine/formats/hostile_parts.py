"""What hostile files are made of: archives, pickles by hand, tensors that claim too much."""

import io
import json
import os
import struct
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from cifar_tui.engine.network.model import ResNet18

WIDTH = 4
ESCAPE = "\x1b]52;c;bXk=\x07\x1b[31m\u202ename"
"""Sets the clipboard, colours the terminal, and turns the reading direction."""
Build = Callable[[Path, Path], Path | None]
"""Makes the file at the first path; code in it would make the second. May return another path."""


@dataclass(frozen=True, slots=True)
class Hostile:
    """One file."""

    name: str
    """Of the file."""
    tries: str
    """What it wants."""
    expected: str
    """A regular expression for the sentence it is refused with."""
    build: Build
    """Makes it."""


class Call:
    """Becomes the call of a function when it is unpickled without care."""

    def __init__(self, function: Callable[..., Any], *arguments: object) -> None:
        self.called = (function, arguments)

    def __reduce__(self) -> tuple[object, ...]:
        return self.called


def touch(canary: Path) -> Call:
    return Call(os.system, f"touch {canary}")


def weights() -> dict[str, torch.Tensor]:
    return dict(ResNet18(WIDTH).state_dict())


def saved(content: object, *, legacy: bool = False) -> bytes:
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.save(content, file, _use_new_zipfile_serialization=not legacy)
    return file.getvalue()


def holding(content: Callable[[Path], object], *, legacy: bool = False) -> Build:
    """What torch.save makes of a content."""
    return lambda path, canary: as_file(path, saved(content(canary), legacy=legacy))


def as_file(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def zipped(path: Path, described: bytes, *, more: dict[str, bytes] | None = None, **options: Any) -> None:
    """A torch archive with this pickle."""
    entries = {"archive/data.pkl": described, "archive/version": b"3\n", "archive/data/0": bytes(4), **(more or {})}
    with zipfile.ZipFile(path, "w", **options) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, content in entries.items():
            archive.writestr(name, content)


def pickled(described: bytes | Callable[[Path], bytes]) -> Build:
    return lambda path, canary: zipped(path, described if isinstance(described, bytes) else described(canary))


def text(words: str) -> bytes:
    encoded = words.encode("utf-8", "surrogatepass")
    return b"X" + struct.pack("<I", len(encoded)) + encoded


def system(canary: Path) -> bytes:
    """The call of os.system, as pickle instructions."""
    return b"cos\nsystem\n" + text(f"touch {canary}") + b"\x85R"


TENSOR = (
    b"ctorch._utils\n_rebuild_tensor_v2\n((" + text("storage") + b"ctorch\n%s\n" + text("0") + text("%s") + b"K\x01tQ"
)
"""A tensor of one number, up to its offset."""


def tensor(storage: str = "FloatStorage", device: str = "cpu", geometry: bytes = b"K\x00))", end: bytes = b"") -> bytes:
    start = TENSOR.replace(text("%s"), text(device)) % storage.encode()
    return b"\x80\x02}X\x01\x00\x00\x00a" + start + geometry + b"\x89ccollections\nOrderedDict\n)RtR" + end + b"s."


def doubled(kind: type) -> object:
    value: Any = kind()
    for _ in range(40):
        value = kind([value, value])
    return value


def overlapping(path: Path, _: Path) -> None:
    """Two entries that are one place in the file, as bombs without compression have them."""
    zipped(path, b"\x80\x02}.", more={"archive/data/1": bytes(4)})
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        place = archive.getinfo("archive/data/0").header_offset
    entry = content.rindex(b"archive/data/1") - 46
    content[entry + 42 : entry + 46] = struct.pack("<I", place)
    path.write_bytes(content)


def claiming(path: Path, _: Path) -> None:
    """An archive whose directory says that 4 bytes are 2 GB."""
    zipped(path, b"\x80\x02}.")
    content = bytearray(path.read_bytes())
    entry = content.rindex(b"archive/data/0") - 46
    content[entry + 24 : entry + 28] = struct.pack("<I", 2 * 1024**3)
    path.write_bytes(content)


def with_duplicate(path: Path, canary: Path) -> None:
    zipped(path, saved_pickle(weights()))
    with zipfile.ZipFile(path, "a") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        archive.writestr("archive/data.pkl", b"\x80\x02" + system(canary) + b".")


def saved_pickle(content: object) -> bytes:
    with zipfile.ZipFile(io.BytesIO(saved(content))) as archive:
        return archive.read("archive/data.pkl")


def quantised() -> object:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.quantize_per_tensor(torch.zeros(3), 0.1, 0, torch.qint8)


def sparse_file(path: Path, _: Path) -> None:
    with path.open("wb") as file:
        file.write(b"PK\x03\x04")
        file.truncate(8 * 1024**3)


def linked(path: Path, _: Path) -> None:
    target = path.with_suffix(".target")
    target.write_bytes(saved(weights()))
    path.symlink_to(target)


def safetensors(header: bytes | dict[str, object], data: bytes = bytes(4), length: int | None = None) -> Build:
    encoded = header if isinstance(header, bytes) else json.dumps(header).encode()
    start = struct.pack("<Q", len(encoded) if length is None else length)
    return lambda path, _: as_file(path, start + encoded + data)


def one(dtype: str = "F32", shape: object = (1,), offsets: object = (0, 4)) -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


def whole_network(_: Path) -> object:
    return ResNet18(WIDTH)
