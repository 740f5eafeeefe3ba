"""The format of TensorBoard's event files: protobuf messages in the records of a TFRecord file, written by hand.

The field numbers are those of event.proto, summary.proto and the hparams plugin's plugin_data.proto. Scalars are
`simple_value` and images `Summary.Image`, as torch's `SummaryWriter` writes them: every reader of event files knows
both.
"""

import struct
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from cifar_tui import lazy_numpy as np

VERSION = "brain.Event:2"
"""The first record of a file; since this version, only a session's start makes a reader drop what it has read."""
CASTAGNOLI = 0x82F63B78
"""The polynomial of CRC-32C, reflected."""
MASK_DELTA = 0xA282EAD8
"""Added to a rotated checksum (TFRecord), so that the checksum of data that holds checksums is none of them."""
FEWEST_AT_ONCE = 64
"""Messages of one length that numpy checks faster than a loop does."""

_VARINT, _FIXED_64, _LENGTH, _FIXED_32 = 0, 1, 2, 5


def _checksum_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = (byte >> 1) ^ (CASTAGNOLI if byte & 1 else 0)
        table.append(byte)
    return tuple(table)


_TABLE = _checksum_table()


def frame(messages: Sequence[bytes]) -> bytes:
    """Return messages as records of a file: each its length, the data, and the masked CRC-32C of both."""
    parts = zip(messages, _checksums(messages), strict=True)
    return b"".join([b"%b%b%b" % (_length_with_checksum(len(one)), one, _masked(checksum)) for one, checksum in parts])


def file_version(at: float) -> bytes:
    """Return the first event of a file; `at` is the wall clock, seconds since 1970, here and below."""
    return _event(at, None, _field(3, VERSION.encode()))


def session_start(at: float, step: int) -> bytes:
    """Return the event that makes a reader drop what it has read of this step and later ones.

    A reader takes the first one of a folder as its beginning, and drops nothing.
    """
    return _event(at, step, _field(7, _number(1, 1)))


def scalars(at: float, step: int, values: Mapping[str, float]) -> bytes:
    """Return the event of some tags' values at a step."""
    return _event(at, step, _summary(*[b"%b%b" % (_tag_and_key(tag), _float(value)) for tag, value in values.items()]))


def image(at: float, step: int, tag: str, png: bytes, size: tuple[int, int]) -> bytes:
    """Return the event of an image; `size` is its width and height in pixels."""
    width, height = size
    content = _number(1, height) + _number(2, width) + _number(3, 3) + _field(4, png)
    return _event(at, step, _summary(_field(1, tag.encode()) + _field(4, content)))


def hparams(at: float, values: Mapping[str, bool | float | str]) -> bytes:
    """Return the event at step 0 that tells the hparams plugin what a session was started with."""
    entries = (_field(1, _field(1, name.encode()) + _field(2, _value(one))) for name, one in values.items())
    started = _field(3, b"".join(entries) + _double(5, at))
    plugin = _field(1, b"hparams") + _field(2, started)
    empty_tensor = _number(1, 1) + _field(2, _field(2, _number(1, 0)))  # float [0]: readers pass over a value without
    tag = _field(1, b"_hparams_/session_start_info")
    return _event(at, 0, _summary(tag + _field(8, empty_tensor) + _field(9, _field(1, plugin))))


def _event(at: float, step: int | None, what: bytes) -> bytes:
    return b"%b%b%b" % (_double(1, at), _number(2, step) if step is not None else b"", what)


def _summary(*values: bytes) -> bytes:
    return _field(5, b"".join([_field(1, value) for value in values]))


def _value(value: bool | float | str) -> bytes:
    """Return a google.protobuf.Value."""
    if isinstance(value, bool):
        return _number(4, value)
    return _field(3, value.encode()) if isinstance(value, str) else _double(2, value)


def _key(field: int, kind: int) -> bytes:
    return bytes((field << 3 | kind,))  # fields up to 15


def _number(field: int, value: int) -> bytes:
    return _key(field, _VARINT) + _varint(value)


def _double(field: int, value: float) -> bytes:
    return _key(field, _FIXED_64) + struct.pack("<d", value)


@lru_cache(maxsize=64)
def _tag_and_key(tag: str) -> bytes:
    """Return what comes before the number of a scalar."""
    return _field(1, tag.encode()) + _key(2, _FIXED_32)


def _float(value: float) -> bytes:
    try:
        return struct.pack("<f", value)
    except OverflowError:  # more than 32 bits hold
        return struct.pack("<f", float("inf") if value > 0 else float("-inf"))


def _field(field: int, content: bytes) -> bytes:
    return b"%b%b%b" % (_key(field, _LENGTH), _varint(len(content)), content)


def _varint(value: int) -> bytes:
    if 0 <= value < 0x80:
        return bytes((value,))
    value &= 0xFFFF_FFFF_FFFF_FFFF
    found = bytearray()
    while value >= 0x80:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


@lru_cache(maxsize=256)
def _length_with_checksum(length: int) -> bytes:
    packed = struct.pack("<Q", length)
    return packed + _masked(_checksum(packed))


def _masked(checksum: int) -> bytes:
    rotated = checksum >> 15 | checksum << 17
    return struct.pack("<I", rotated + MASK_DELTA & 0xFFFF_FFFF)


def _checksums(messages: Sequence[bytes]) -> Iterator[int]:
    """Yield the CRC-32C of each message; of many that are as long, those of steps, all at once."""
    found: dict[int, Iterator[int]] = {}
    for length, count in Counter(map(len, messages)).items():
        if count >= FEWEST_AT_ONCE:
            found[length] = iter(_checksums_of([one for one in messages if len(one) == length]))
    for one in messages:
        yield next(found[len(one)]) if len(one) in found else _checksum(one)


def _checksums_of(messages: Sequence[bytes]) -> list[int]:
    """Return the CRC-32C of messages that are as long as each other."""
    columns = np.frombuffer(b"".join(messages), np.uint8).reshape(len(messages), -1).T
    table, checksums = np.array(_TABLE, np.uint32), np.full(len(messages), 0xFFFF_FFFF, np.uint32)
    for column in columns.astype(np.uint32):
        checksums = table[(checksums ^ column) & 0xFF] ^ checksums >> 8
    return [int(one) ^ 0xFFFF_FFFF for one in checksums]


def _checksum(data: bytes) -> int:
    table, checksum = _TABLE, 0xFFFF_FFFF
    for byte in data:
        checksum = table[(checksum ^ byte) & 0xFF] ^ checksum >> 8
    return checksum ^ 0xFFFF_FFFF
